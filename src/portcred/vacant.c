/* SPDX-License-Identifier: MIT */
#include "portcred/vacant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "policy/holders.h"
#include "policy/words.h"
#include "policy/writer.h"
#include "portcred/in_force.h"
#include "portcred/port_argument.h"
#include "portcred/table.h"
#include "portcred/text.h"

#define MAX_SHOWN_RUNS 6U    /* of one line */
#define MAX_SHOWN_SETS 1000U /* lines */

static const struct column columns[] = {
	{ "PORTS", 3, 12, false },
	{ "MAY BE HELD BY", 1, 16, false },
	{ "RULE", 2, 10, false },
};

DEFINE_CLEANUP(struct holders *, holders_free)

static int compare_runs(const void *left, const void *right)
{
	const struct vacant_run *a = left, *b = right;

	if (a->lowest != b->lowest)
		return a->lowest < b->lowest ? -1 : 1;
	if (a->set != b->set)
		return a->set < b->set ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	return (a->first > b->first) - (a->first < b->first);
}

static int add_port(struct vacant *vacant, uint32_t set, enum protocol protocol, uint16_t port)
{
	struct vacant_run *last = vacant->n ? &vacant->runs[vacant->n - 1] : NULL;

	if (last && last->set == set && last->protocol == protocol && last->last + 1 == port) {
		last->last = port;
		return 0;
	}
	if (GROW(vacant->runs, vacant->n_allocated, vacant->n) < 0)
		return -ENOMEM;
	vacant->runs[vacant->n++] = (struct vacant_run){
		.set = set,
		.first = port,
		.last = port,
		.protocol = (uint8_t)protocol,
	};
	return 0;
}

/* sort() - by the lowest port of each set, so that a set's runs come together */
static int sort(struct vacant *vacant, size_t n_sets)
{
	_cleanup_free_ uint32_t *lowest = calloc(n_sets + 1, sizeof(*lowest));

	if (!lowest)
		return -ENOMEM;
	for (size_t i = 0; i < vacant->n; i++) {
		uint32_t *of_set = &lowest[vacant->runs[i].set];

		if (*of_set == 0 || vacant->runs[i].first < *of_set)
			*of_set = vacant->runs[i].first;
	}
	for (size_t i = 0; i < vacant->n; i++)
		vacant->runs[i].lowest = lowest[vacant->runs[i].set];
	if (vacant->n)
		qsort(vacant->runs, vacant->n, sizeof(vacant->runs[0]), compare_runs);
	return 0;
}

int vacant_find(const struct compiled *compiled, const struct listing *bound,
		struct vacant *ret_vacant)
{
	_cleanup_free_ bool *taken = calloc((size_t)PROTOCOLS * PORTS, sizeof(*taken));
	_cleanup_(vacant_clear) struct vacant vacant = { 0 };
	int r = 0;

	if (!taken)
		return -ENOMEM;
	for (size_t i = 0; i < bound->n; i++) {
		const char *name = client_text(bound->items[i], "protocol");
		json_int_t port = client_number(bound->items[i], "port");
		enum protocol protocol;

		if (name && protocol_parse(name, &protocol) == 0 && port > 0 && port < PORTS)
			taken[protocol * PORTS + (size_t)port] = true;
	}
	for (size_t i = 0; i < (size_t)PROTOCOLS * PORTS && r == 0; i++) {
		uint32_t set = compiled->ports[i].enforced;

		if (set && set < compiled->n_sets && !taken[i])
			r = add_port(&vacant, set, i / PORTS, (uint16_t)(i % PORTS));
	}
	if (r == 0)
		r = sort(&vacant, compiled->n_sets);
	if (r < 0)
		return r;
	*ret_vacant = vacant;
	vacant = (struct vacant){ 0 };
	return 0;
}

void vacant_clear(struct vacant *vacant)
{
	free(vacant->runs);
	*vacant = (struct vacant){ 0 };
}

json_t *vacant_rule_json(const struct reading *reading, uint32_t set)
{
	const struct rule *rule = &reading->compiled->sets[set].rule;
	const struct sources *sources = reading->sources;

	if (rule->line == 0 || rule->file >= sources->n_files)
		return json_null();
	return json_pack("{s:o, s:I}", "file", varlink_string(sources->files[rule->file].name),
			 "line", (json_int_t)rule->line);
}

json_t *vacant_holders_json(const struct reading *reading, uint32_t set)
{
	_cleanup_(holders_freep) struct holders *holders = NULL;
	json_auto_t *list = json_array();

	if (holders_new(reading->ranges, set, &holders) < 0)
		return NULL;
	for (size_t i = 0; i < holders->n_principals; i++) {
		if (json_array_append_new(list, varlink_string(holders->principals[i])) < 0)
			return NULL;
	}
	return json_pack("{s:o, s:O, s:I, s:b}", "rule", vacant_rule_json(reading, set), "holders",
			 list, "omitted", (json_int_t)holders->omitted, "capable",
			 holders->capable);
}

char *vacant_holders_text(const struct reading *reading, uint32_t set)
{
	_cleanup_(holders_freep) struct holders *holders = NULL;
	struct writer writer;
	char *text;

	if (holders_new(reading->ranges, set, &holders) < 0 || writer_open(&writer) < 0)
		return NULL;
	for (size_t i = 0; i < holders->n_principals; i++) {
		fputs(i ? "; " : "", writer.out);
		text_print(holders->principals[i], writer.out);
	}
	if (holders->omitted)
		fprintf(writer.out, "; and %zu more", holders->omitted);
	if (holders->n_principals == 0)
		fputs(holders->capable ? "" : "nobody", writer.out);
	if (holders->capable)
		fprintf(writer.out, "%sCAP_NET_BIND_SERVICE", holders->n_principals ? "; " : "");
	return writer_close(&writer, &text) < 0 ? NULL : text;
}

/* end_of() - where the runs of one set end, or of one set and protocol */
static size_t end_of(const struct vacant *vacant, size_t from, bool one_protocol)
{
	const struct vacant_run *run = &vacant->runs[from];
	size_t end = from + 1;

	while (end < vacant->n && vacant->runs[end].set == run->set &&
	       (!one_protocol || vacant->runs[end].protocol == run->protocol))
		end++;
	return end;
}

static bool same_ports(const struct vacant *vacant, size_t a, size_t b, size_t end)
{
	if (b - a != end - b)
		return false;
	for (size_t i = 0; i < b - a; i++) {
		if (vacant->runs[a + i].first != vacant->runs[b + i].first ||
		    vacant->runs[a + i].last != vacant->runs[b + i].last)
			return false;
	}
	return true;
}

static void print_ports(const struct vacant *vacant, size_t from, size_t end, const char *protocol,
			FILE *out)
{
	for (size_t i = from; i < end && i < from + MAX_SHOWN_RUNS; i++) {
		fputs(i > from ? "," : "", out);
		words_ports(vacant->runs[i].first, vacant->runs[i].last, out);
	}
	if (end - from > MAX_SHOWN_RUNS)
		fprintf(out, ",+%zu", end - from - MAX_SHOWN_RUNS);
	if (protocol)
		fprintf(out, "/%s", protocol);
}

/* ports_text() - "80", "80,443/tcp", "53/tcp 53-54/udp" */
static char *ports_text(const struct vacant *vacant, size_t from, size_t end)
{
	size_t middle = end_of(vacant, from, true);
	struct writer writer;
	char *text;

	if (writer_open(&writer) < 0)
		return NULL;
	if (middle < end && same_ports(vacant, from, middle, end)) {
		print_ports(vacant, from, middle, NULL, writer.out);
	} else {
		print_ports(vacant, from, middle, protocol_name(vacant->runs[from].protocol),
			    writer.out);
		if (middle < end) {
			fputc(' ', writer.out);
			print_ports(vacant, middle, end,
				    protocol_name(vacant->runs[middle].protocol), writer.out);
		}
	}
	return writer_close(&writer, &text) < 0 ? NULL : text;
}

int vacant_print(const struct vacant *vacant, const struct reading *reading,
		 struct program *program, const char *policy)
{
	_cleanup_(table_clear) struct table table;
	size_t shown = 0, omitted = 0;
	int r;

	table_begin(&table, columns, ELEMENTS(columns));
	for (size_t i = 0, end; i < vacant->n; i = end) {
		_cleanup_free_ char *ports = NULL, *holders = NULL, *place = NULL;
		json_auto_t *rule = NULL;

		end = end_of(vacant, i, false);
		if (shown == MAX_SHOWN_SETS) {
			omitted++;
			continue;
		}
		shown++;
		ports = ports_text(vacant, i, end);
		holders = vacant_holders_text(reading, vacant->runs[i].set);
		rule = vacant_rule_json(reading, vacant->runs[i].set);
		place = in_force_place(rule, policy);
		if (!ports || !holders)
			return program_no_memory(program);
		table_add(&table, STYLE_BOLD, ports);
		table_add(&table, STYLE_PLAIN, holders);
		table_add(&table, STYLE_GOOD, place);
	}
	r = table_print(&table, program);
	if (omitted)
		fprintf(program->out, "and %zu more\n", omitted);
	return r;
}

static json_t *run_json(const struct vacant_run *run)
{
	return json_pack("{s:s, s:i, s:i}", "protocol", protocol_name(run->protocol), "first",
			 run->first, "last", run->last);
}

json_t *vacant_json(const struct vacant *vacant, const struct reading *reading)
{
	json_auto_t *list = json_array();

	for (size_t i = 0, end; i < vacant->n; i = end) {
		json_auto_t *entry = vacant_holders_json(reading, vacant->runs[i].set);
		json_auto_t *ports = json_array();

		end = end_of(vacant, i, false);
		for (size_t k = i; k < end; k++) {
			if (json_array_append_new(ports, run_json(&vacant->runs[k])) < 0)
				return NULL;
		}
		if (json_object_set(entry, "ports", ports) < 0 ||
		    json_array_append(list, entry) < 0)
			return NULL;
	}
	return json_incref(list);
}
