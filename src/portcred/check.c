/* SPDX-License-Identifier: MIT */
/*
 * check.c - the whole way of a policy, as portcredd takes it at a reload
 */
#include "control/varlink.h"
#include "portcred/port_argument.h"
#include "portcred/reading.h"
#include "portcred/verb.h"

static const char about[] =
	"Reads a policy as 'portcred reload' would and says all that is wrong with it.\n"
	"Without a FILE: " DEFAULT_POLICY "\n"
	"and the files *.conf of policy.d beside it. With FILEs: exactly these; - is\n"
	"standard input. Exit status 1 where there are errors.\n";

/* struct counts - of a policy without errors */
struct counts {
	size_t statements;
	size_t rules; /* pairs of a range and a principal or caller */
	size_t governed[PROTOCOLS];
	size_t accept, connect; /* ports that such a rule governs */
	size_t observed; /* ports that an `observe` names, for each protocol and kind of rule */
};

static struct counts count(const struct reading *reading)
{
	const struct policy *policy = reading->policy;
	struct counts counts = { .statements = policy->n_statements };

	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		if (statement->kind == STATEMENT_BIND)
			counts.rules += (size_t)statement->ports * statement->alternatives;
		else if (statement_has_ranges(statement))
			counts.rules += (size_t)statement->ports * statement->callers;
	}
	for (size_t i = 0; i < (size_t)PROTOCOLS * PORTS; i++) {
		counts.governed[i / PORTS] += reading->compiled->ports[i].enforced != 0;
		counts.observed += reading->compiled->ports[i].observed != 0;
	}
	for (size_t i = 0; reading->compiled->tcp && i < PORTS; i++) {
		const struct tcp_entry *entry = &reading->compiled->tcp[i];

		counts.accept += entry->accept != 0;
		counts.connect += entry->connect != 0;
		counts.observed += (entry->accept_observed != 0) + (entry->connect_observed != 0);
	}
	return counts;
}

static json_t *diagnostic_json(const struct diagnostic *diagnostic, const struct sources *sources)
{
	const struct location *where = &diagnostic->where;
	const char *file = where->file < sources->n_files ? sources->files[where->file].name : NULL;

	return json_pack("{s:o, s:I, s:I, s:s, s:o}", "file", varlink_string(file), "line",
			 (json_int_t)where->line, "column", (json_int_t)where->column, "severity",
			 diagnostic->severity == SEVERITY_ERROR ? "error" : "warning", "message",
			 varlink_string(diagnostic->text));
}

static json_t *counts_json(const struct counts *counts)
{
	return json_pack("{s:I, s:I, s:{s:I, s:I}, s:I, s:I, s:I}", "statements",
			 (json_int_t)counts->statements, "rules", (json_int_t)counts->rules,
			 "governed", "tcp", (json_int_t)counts->governed[PROTOCOL_TCP], "udp",
			 (json_int_t)counts->governed[PROTOCOL_UDP], "accept",
			 (json_int_t)counts->accept, "connect", (json_int_t)counts->connect,
			 "observed", (json_int_t)counts->observed);
}

static json_t *result_json(const struct reading *reading)
{
	const struct diagnostics *diagnostics = &reading->diagnostics;
	json_auto_t *list = json_array();
	struct counts counts;
	json_t *result;

	for (size_t i = 0; i < diagnostics->n_items; i++) {
		json_t *item = diagnostic_json(&diagnostics->items[i], reading->sources);

		if (json_array_append_new(list, item) < 0)
			return NULL;
	}
	result = json_pack("{s:b, s:I, s:I, s:O}", "ok", reading->compiled != NULL, "errors",
			   (json_int_t)diagnostics->errors, "warnings",
			   (json_int_t)diagnostics->warnings, "diagnostics", list);
	if (!result || !reading->compiled)
		return result;
	counts = count(reading);
	if (json_object_update_new(result, counts_json(&counts)) < 0) {
		json_decref(result);
		return NULL;
	}
	return result;
}

static void print_count(FILE *out, size_t n, const char *what, const char *behind)
{
	fprintf(out, "%zu %s%s%s", n, what, n == 1 ? "" : "s", behind);
}

static void print_summary(const struct reading *reading, struct program *program)
{
	const struct diagnostics *diagnostics = &reading->diagnostics;
	FILE *out = program->out;
	struct counts counts;

	if (!reading->compiled) {
		fputs(program_style(program->colour, STYLE_BAD), out);
		print_count(out, diagnostics->errors, "error", "");
		fputs(program_style(program->colour, STYLE_PLAIN), out);
		if (diagnostics->warnings) {
			fputs(", ", out);
			print_count(out, diagnostics->warnings, "warning", "");
		}
		fputc('\n', out);
		return;
	}
	counts = count(reading);
	fprintf(out, "%sok%s: ", program_style(program->colour, STYLE_GOOD),
		program_style(program->colour, STYLE_PLAIN));
	print_count(out, counts.statements, "statement", ", ");
	print_count(out, counts.rules, "rule", ", ");
	print_count(out, counts.governed[PROTOCOL_TCP] + counts.governed[PROTOCOL_UDP], "port",
		    " governed");
	fprintf(out, " (%zu tcp, %zu udp)", counts.governed[PROTOCOL_TCP],
		counts.governed[PROTOCOL_UDP]);
	if (counts.accept)
		fprintf(out, ", callers named for %zu", counts.accept);
	if (counts.connect)
		fprintf(out, ", services for %zu", counts.connect);
	if (counts.observed)
		fprintf(out, ", %zu observed", counts.observed);
	fputc('\n', out);
}

int check_main(struct program *program, int argc, char **argv)
{
	_cleanup_(reading_clear) struct reading reading = { 0 };
	struct operands files = { 0 };
	const char *policy = NULL;
	bool json = false;
	const struct option_spec options[] = {
		{ "policy", "FILE", "read FILE and the policy.d beside it", .value = &policy },
		{ "json", NULL, "print one JSON object", .flag = &json },
		{ 0 },
	};
	const struct usage usage = { "check", "[FILE...]", about, options, 0, SIZE_MAX };
	int r = options_parse(&usage, program, argc, argv, &files);

	if (r != 0)
		return options_status(program, r);
	if (policy && files.n)
		return options_complain(&usage, program,
					"--policy and FILEs, expected one of the two");
	if (files.n)
		r = reading_files(&reading, program, &files);
	else
		r = reading_policy(&reading, program, policy ? policy : DEFAULT_POLICY);
	if (r != EXIT_YES)
		return r;
	if (json) {
		r = program_json(program, result_json(&reading), false);
	} else {
		diagnostics_print(&reading.diagnostics, reading.sources, program->colour_err,
				  program->err);
		print_summary(&reading, program);
	}
	return reading.compiled ? r : EXIT_NO;
}
