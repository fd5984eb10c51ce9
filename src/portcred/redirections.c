/* SPDX-License-Identifier: MIT */
#include "portcred/redirections.h"

#include "base/cleanup.h"
#include "portcred/in_force.h"
#include "portcred/table.h"

enum {
	COLUMN_PORT,
	COLUMN_TO,
	COLUMN_LISTENER,
	COLUMN_RULE,
	COLUMNS,
};

static const struct column columns[COLUMNS] = {
	[COLUMN_PORT] = { "PORT", 0, 0, true },
	[COLUMN_TO] = { "TO", 0, 0, true },
	[COLUMN_LISTENER] = { "LISTENER", 0, 0, false },
	[COLUMN_RULE] = { "RULE", 1, 10, false },
};

static void add_line(struct table *table, const json_t *redirect, const char *policy)
{
	_cleanup_free_ char *place = in_force_place(json_object_get(redirect, "rule"), policy);
	json_int_t first = client_number(redirect, "first"), last = client_number(redirect, "last");
	bool served = client_flag(redirect, "served");

	if (first == last)
		table_addf(table, STYLE_BOLD, "%" JSON_INTEGER_FORMAT, first);
	else
		table_addf(table, STYLE_BOLD, "%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT,
			   first, last);
	table_addf(table, STYLE_BOLD, "%" JSON_INTEGER_FORMAT, client_number(redirect, "target"));
	table_add(table, served ? STYLE_GOOD : STYLE_BAD,
		  served ? "yes" : "NONE, calls are refused");
	table_add(table, STYLE_PLAIN, place ? place : "?");
}

int redirections_print(const json_t *redirects, struct program *program, const char *policy)
{
	_cleanup_(table_clear) struct table table;
	size_t n = json_array_size(redirects);

	table_begin(&table, columns, COLUMNS);
	if (n == 0)
		return EXIT_YES;
	fputs("\nRedirected:\n", program->out);
	for (size_t i = 0; i < n; i++)
		add_line(&table, json_array_get(redirects, i), policy);
	return table_print(&table, program);
}
