/* SPDX-License-Identifier: MIT */
/*
 * who.c - one port: who holds it now, and who may
 */
#include <inttypes.h>

#include "policy/machine.h"
#include "portcred/identity.h"
#include "portcred/in_force.h"
#include "portcred/listing.h"
#include "portcred/port_argument.h"
#include "portcred/table.h"
#include "portcred/text.h"
#include "portcred/vacant.h"
#include "portcred/verb.h"

static const char about[] =
	"Says which processes hold a port now, and who may hold it. Without /PROTO: of tcp\n"
	"and udp. Exit status 1 if nobody holds it.\n";

static const struct column columns[] = {
	{ "PID", 0, 0, true },      { "USER", 4, 6, false },  { "COMMAND", 0, 0, false },
	{ "ADDRESS", 5, 9, false }, { "UNIT", 2, 10, false }, { "EXECUTABLE", 1, 12, false },
};

/* struct port - one protocol's port that is asked about */
struct port {
	enum protocol protocol;
	uint16_t number;
	uint32_t set; /* rule set that governs it, 0: none */
};

static void add_holder(struct table *table, const json_t *socket, const json_t *process)
{
	uint32_t uid = (uint32_t)client_number(process ? process : socket, "uid");
	_cleanup_free_ char *user = identity_user_name(uid);

	if (process)
		table_addf(table, STYLE_BOLD, "%" JSON_INTEGER_FORMAT,
			   client_number(process, "pid"));
	else
		table_add(table, STYLE_PLAIN, NULL);
	table_add(table, STYLE_PLAIN, user);
	table_add(table, STYLE_PLAIN, process ? client_text(process, "command") : NULL);
	table_add(table, client_flag(socket, "refused") ? STYLE_BAD : STYLE_PLAIN,
		  client_text(socket, "address"));
	table_add(table, STYLE_PLAIN, process ? client_text(process, "unit") : NULL);
	table_add(table, STYLE_PLAIN, process ? client_text(process, "executable") : NULL);
}

/* print_holders() - how many sockets there are in *@ret_n */
static int print_holders(struct program *program, const struct listing *listing,
			 const struct port *port, size_t *ret_n)
{
	_cleanup_(table_clear) struct table table;
	bool refused = false;
	size_t n = 0, unseen = 0;
	int r;

	table_begin(&table, columns, ELEMENTS(columns));
	for (size_t i = 0; i < listing->n; i++) {
		const json_t *socket = listing->items[i];
		const json_t *processes = json_object_get(socket, "processes");

		if (!listing_is(socket, port->protocol, port->number))
			continue;
		n++;
		refused |= client_flag(socket, "refused");
		if (json_array_size(processes) == 0) {
			unseen++;
			add_holder(&table, socket, NULL);
		}
		for (size_t k = 0; k < json_array_size(processes); k++)
			add_holder(&table, socket, json_array_get(processes, k));
	}
	fprintf(program->out, "%s%u/%s%s is held by%s\n",
		program_style(program->colour, STYLE_BOLD), port->number,
		protocol_name(port->protocol), program_style(program->colour, STYLE_PLAIN),
		n ? "" : " nobody");
	r = table_print(&table, program);
	if (refused)
		fputs("It was bound before the policy that refuses it: nothing reaches it.\n",
		      program->out);
	if (unseen && geteuid() != 0)
		fputs("Processes of other users are shown to root.\n", program->out);
	*ret_n = n;
	return r;
}

static int print_rights(struct program *program, const struct reading *reading,
			const struct port *port, const char *policy)
{
	_cleanup_free_ char *holders = NULL, *place = NULL, *shown = NULL;
	json_auto_t *rule = NULL;

	if (!port->set) {
		fputs("Ungoverned: no rule names it.\n", program->out);
		return EXIT_YES;
	}
	rule = vacant_rule_json(reading, port->set);
	place = in_force_place(rule, policy);
	shown = text_show(place ? place : "?");
	holders = vacant_holders_text(reading, port->set);
	if (!shown || !holders)
		return program_no_memory(program);
	fprintf(program->out, "May be held by (%s): %s\n", shown, holders);
	return EXIT_YES;
}

static json_t *port_json(const struct listing *listing, const struct reading *reading,
			 const struct port *port)
{
	json_t *sockets = json_array();

	for (size_t i = 0; i < listing->n; i++) {
		if (listing_is(listing->items[i], port->protocol, port->number))
			json_array_append(sockets, listing->items[i]);
	}
	return json_pack("{s:s, s:i, s:o, s:b, s:o}", "protocol", protocol_name(port->protocol),
			 "port", port->number, "sockets", sockets, "governed", port->set != 0,
			 "may", port->set ? vacant_holders_json(reading, port->set) : json_null());
}

static size_t count_held(const struct listing *listing, const struct port *port)
{
	size_t n = 0;

	for (size_t i = 0; i < listing->n; i++)
		n += listing_is(listing->items[i], port->protocol, port->number);
	return n;
}

static int print(struct program *program, const struct reading *reading,
		 const struct listing *listing, const struct port *ports, size_t n_ports,
		 const char *policy)
{
	size_t held = 0;

	for (size_t i = 0; i < n_ports; i++) {
		size_t n = 0;
		int r;

		fputs(i ? "\n" : "", program->out);
		r = print_holders(program, listing, &ports[i], &n);
		if (r == EXIT_YES)
			r = print_rights(program, reading, &ports[i], policy);
		if (r != EXIT_YES)
			return r;
		held += n;
	}
	return held ? EXIT_YES : EXIT_NO;
}

static int print_json(struct program *program, const struct reading *reading,
		      const struct listing *listing, const struct port *ports, size_t n_ports)
{
	json_t *list = json_array();
	size_t held = 0;
	int r;

	for (size_t i = 0; i < n_ports; i++) {
		held += count_held(listing, &ports[i]);
		if (json_array_append_new(list, port_json(listing, reading, &ports[i])) < 0) {
			json_decref(list);
			return program_no_memory(program);
		}
	}
	r = program_json(program, json_pack("{s:o}", "ports", list), false);
	return r == EXIT_YES && !held ? EXIT_NO : r;
}

static int answer(struct program *program, const struct port_argument *argument, bool json)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	_cleanup_(listing_clear) struct listing listing = { 0 };
	_cleanup_(reading_clear) struct reading reading = { 0 };
	json_auto_t *status = NULL;
	struct port ports[PROTOCOLS];
	size_t n = 0;
	int r = client_open(program, &client);

	if (r == EXIT_YES)
		r = in_force_read(program, client, &reading, &status);
	if (r == EXIT_YES)
		r = listing_ask(program, client, &listing);
	if (r != EXIT_YES)
		return r;
	for (enum protocol protocol = 0; protocol < PROTOCOLS; protocol++) {
		uint16_t number = argument->ports[protocol];

		if (!(argument->protocols & PROTOCOL_BIT(protocol)))
			continue;
		ports[n++] = (struct port){
			protocol, number,
			reading.compiled->ports[protocol * PORTS + number].enforced
		};
	}
	if (json)
		return print_json(program, &reading, &listing, ports, n);
	return print(program, &reading, &listing, ports, n, client_text(status, "policy"));
}

int who_main(struct program *program, int argc, char **argv)
{
	const struct policy_environment machine = machine_environment();
	struct port_argument argument;
	struct operands operands;
	_cleanup_free_ char *why = NULL;
	bool json = false;
	const struct option_spec options[] = {
		{ "json", NULL, "print one JSON object", .flag = &json },
		{ 0 },
	};
	const struct usage usage = { "who", "PORT[/PROTO]", about, options, 1, 1 };
	int r = options_parse(&usage, program, argc, argv, &operands);

	if (r != 0)
		return options_status(program, r);
	r = port_argument_parse(operands.items[0], &machine, &argument, &why);
	if (r < 0)
		return why ? options_complain(&usage, program, "%s", why)
			   : program_no_memory(program);
	return answer(program, &argument, json);
}
