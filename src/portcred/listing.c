/* SPDX-License-Identifier: MIT */
#include "portcred/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "portcred/in_force.h"
#include "portcred/table.h"
#include "portcred/user_names.h"

enum {
	COLUMN_PROTOCOL,
	COLUMN_ADDRESS,
	COLUMN_PORT,
	COLUMN_USER,
	COLUMN_PROCESS,
	COLUMN_UNIT,
	COLUMN_RULE,
	COLUMNS,
};

static const struct column columns[COLUMNS] = {
	[COLUMN_PROTOCOL] = { "PROTO", 0, 0, false },
	[COLUMN_ADDRESS] = { "ADDRESS", 3, 9, false },
	[COLUMN_PORT] = { "PORT", 0, 0, true },
	[COLUMN_USER] = { "USER", 4, 6, false },
	[COLUMN_PROCESS] = { "PROCESS", 2, 9, false },
	[COLUMN_UNIT] = { "UNIT", 1, 9, false },
	[COLUMN_RULE] = { "RULE", 5, 10, false },
};

static int compare_numbers(json_int_t a, json_int_t b)
{
	return (a > b) - (a < b);
}

static int compare_texts(const json_t *a, const json_t *b, const char *name)
{
	const char *left = client_text(a, name), *right = client_text(b, name);

	return strcmp(left ? left : "", right ? right : "");
}

static int compare_sockets(const void *left, const void *right)
{
	const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;
	int order = compare_numbers(client_number(a, "port"), client_number(b, "port"));

	if (order == 0)
		order = compare_texts(a, b, "protocol");
	if (order == 0)
		order = compare_texts(a, b, "address");
	if (order == 0)
		order = compare_numbers(client_number(a, "uid"), client_number(b, "uid"));
	if (order == 0)
		order = compare_numbers(client_number(a, "inode"), client_number(b, "inode"));
	return order;
}

int listing_take(const json_t *answer, const char *name, struct listing *ret_listing)
{
	struct listing listing = { .array = json_object_get(answer, name) };
	json_t *value;
	size_t i;

	listing.items = calloc(json_array_size(listing.array) + 1, sizeof(json_t *));
	if (!listing.items)
		return -ENOMEM;
	json_incref(listing.array);
	json_array_foreach(listing.array, i, value) {
		if (json_is_integer(json_object_get(value, "port")))
			listing.items[listing.n++] = value;
	}
	qsort(listing.items, listing.n, sizeof(listing.items[0]), compare_sockets);
	*ret_listing = listing;
	return 0;
}

int listing_ask(struct program *program, struct varlink_client *client, struct listing *ret_listing)
{
	json_auto_t *answer = NULL;
	int r = client_call(program, client, "ListSockets", NULL, &answer, NULL);

	if (r != EXIT_YES)
		return r;
	if (listing_take(answer, "sockets", ret_listing) < 0)
		return program_no_memory(program);
	ret_listing->redirects = json_incref(json_object_get(answer, "redirects"));
	return EXIT_YES;
}

void listing_keep(struct listing *listing, bool (*wanted)(const json_t *socket, void *data),
		  void *data)
{
	size_t kept = 0;

	for (size_t i = 0; i < listing->n; i++) {
		if (wanted(listing->items[i], data))
			listing->items[kept++] = listing->items[i];
	}
	listing->n = kept;
}

void listing_clear(struct listing *listing)
{
	free(listing->items);
	json_decref(listing->array);
	json_decref(listing->redirects);
	*listing = (struct listing){ 0 };
}

bool listing_is(const json_t *socket, enum protocol protocol, uint16_t port)
{
	const char *name = client_text(socket, "protocol");

	return name && strcmp(name, protocol == PROTOCOL_TCP ? "tcp" : "udp") == 0 &&
	       client_number(socket, "port") == port;
}

/* same_line() - whether two sockets would print alike: as those of one program do, one a thread */
static bool same_line(const json_t *a, const json_t *b)
{
	static const char *const shown[] = { "protocol", "address", "port",    "uid",
					     "governed", "rule",    "refused", "processes" };

	for (size_t i = 0; i < ELEMENTS(shown); i++) {
		const json_t *left = json_object_get(a, shown[i]);
		const json_t *right = json_object_get(b, shown[i]);

		if (left != right && !json_equal(left, right))
			return false;
	}
	return true;
}

/* add_process() - "812/nginx +3", and how many sockets the line stands for */
static void add_process(struct table *table, const json_t *socket, size_t sockets)
{
	const json_t *processes = json_object_get(socket, "processes");
	const json_t *first = json_array_get(processes, 0);
	const char *command = client_text(first, "command");
	size_t n = json_array_size(processes);
	char more[32] = "", several[48] = "";

	if (n > 1)
		snprintf(more, sizeof(more), " +%zu", n - 1);
	if (sockets > 1)
		snprintf(several, sizeof(several), " (%zu sockets)", sockets);
	if (n == 0)
		table_addf(table, STYLE_PLAIN, "-%s", several);
	else
		table_addf(table, STYLE_PLAIN, "%" JSON_INTEGER_FORMAT "/%s%s%s",
			   client_number(first, "pid"), command ? command : "?", more, several);
}

static void add_rule(struct table *table, const json_t *socket, const char *policy)
{
	_cleanup_free_ char *place = in_force_place(json_object_get(socket, "rule"), policy);
	const char *shown = place ? place : "governed";

	if (client_flag(socket, "refused"))
		table_addf(table, STYLE_BAD, "REFUSED %s", place ? place : "");
	else if (client_flag(socket, "governed"))
		table_add(table, STYLE_GOOD, shown);
	else
		table_add(table, STYLE_DIM, "ungoverned");
}

static void add_line(struct table *table, const json_t *socket, size_t sockets,
		     struct user_names *names, const char *policy)
{
	const json_t *first = json_array_get(json_object_get(socket, "processes"), 0);

	table_add(table, STYLE_PLAIN, client_text(socket, "protocol"));
	table_add(table, STYLE_PLAIN, client_text(socket, "address"));
	table_addf(table, STYLE_BOLD, "%" JSON_INTEGER_FORMAT, client_number(socket, "port"));
	table_add(table, STYLE_PLAIN,
		  user_names_text(names, (uint32_t)client_number(socket, "uid")));
	add_process(table, socket, sockets);
	table_add(table, STYLE_PLAIN, client_text(first, "unit"));
	add_rule(table, socket, policy);
}

int listing_print(const struct listing *listing, struct program *program, const char *policy)
{
	_cleanup_(user_names_clear) struct user_names names = { 0 };
	_cleanup_(table_clear) struct table table;

	table_begin(&table, columns, COLUMNS);
	for (size_t i = 0, next; i < listing->n; i = next) {
		for (next = i + 1; next < listing->n; next++) {
			if (!same_line(listing->items[i], listing->items[next]))
				break;
		}
		add_line(&table, listing->items[i], next - i, &names, policy);
	}
	return table_print(&table, program);
}
