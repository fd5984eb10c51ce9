/* SPDX-License-Identifier: MIT */
#include "portcred/explain_print.h"

#include "control/varlink.h"
#include "portcred/port_argument.h"
#include "portcred/text.h"

bool explain_grants(const struct explanation *explanation)
{
	return explanation->answer.verdict != VERDICT_REFUSED &&
	       explanation->answer.verdict != VERDICT_KERNEL_REFUSED;
}

static const char *kind_words(enum explain_kind kind)
{
	switch (kind) {
	case EXPLAIN_ANSWERS:
		return "grants";
	case EXPLAIN_GRANTS_TOO:
		return "grants too";
	case EXPLAIN_DECIDES:
		return "does not apply";
	case EXPLAIN_OVERRIDDEN:
		return "overridden";
	default:
		return "only logs";
	}
}

static void print_statement(struct program *program, const struct explain_statement *statement)
{
	enum style style = statement->kind == EXPLAIN_ANSWERS ? STYLE_GOOD : STYLE_DIM;
	FILE *out = program->out;

	fprintf(out, "  %s%-14s%s  ", program_style(program->colour, style),
		kind_words(statement->kind), program_style(program->colour, STYLE_PLAIN));
	text_print(statement->place, out);
	fputs(": ", out);
	text_print(statement->text, out);
	fputc('\n', out);
	for (size_t i = 0; i < statement->n_reasons; i++) {
		fprintf(out, "%20s", "");
		text_print(statement->reasons[i].text, out);
		fputc('\n', out);
	}
	if (statement->omitted)
		fprintf(out, "%20sand %zu more reasons\n", "", statement->omitted);
}

void explain_print(struct program *program, const struct explanation *explanation)
{
	enum style style = explain_grants(explanation) ? STYLE_GOOD : STYLE_BAD;
	FILE *out = program->out;

	fputs(program_style(program->colour, style), out);
	text_print(explanation->summary, out);
	fprintf(out, "%s\n", program_style(program->colour, STYLE_PLAIN));
	if (explanation->redirect) {
		fputs("  ", out);
		text_print(explanation->redirect, out);
		fputc('\n', out);
	}
	for (size_t i = 0; i < explanation->n_statements; i++)
		print_statement(program, &explanation->statements[i]);
	if (explanation->omitted)
		fprintf(out, "  and %zu more statements\n", explanation->omitted);
	if (explanation->capability) {
		fputs("  ", out);
		text_print(explanation->capability, out);
		fputc('\n', out);
	}
}

static json_t *rule_json(const struct policy *policy, const struct rule *rule)
{
	const struct sources *sources = policy->sources;

	if (rule->line == 0 || rule->file >= sources->n_files)
		return json_null();
	return json_pack("{s:o, s:I}", "file", varlink_string(sources->files[rule->file].name),
			 "line", (json_int_t)rule->line);
}

static json_t *statement_json(const struct policy *policy,
			      const struct explain_statement *statement)
{
	json_auto_t *reasons = json_array();

	for (size_t i = 0; i < statement->n_reasons; i++) {
		const struct explain_reason *reason = &statement->reasons[i];

		if (json_array_append_new(reasons, json_pack("{s:s, s:o}", "why",
							     explain_why_name(reason->why), "text",
							     varlink_string(reason->text))) < 0)
			return NULL;
	}
	return json_pack("{s:s, s:o, s:o, s:b, s:O, s:I}", "kind",
			 explain_kind_name(statement->kind), "rule",
			 rule_json(policy, &statement->rule), "text",
			 varlink_string(statement->text), "names_subject", statement->names_subject,
			 "reasons", reasons, "omitted", (json_int_t)statement->omitted);
}

json_t *explain_json(const struct policy *policy, const struct explanation *explanation,
		     const char *may, uint16_t port, enum protocol protocol)
{
	json_auto_t *statements = json_array();

	for (size_t i = 0; i < explanation->n_statements; i++) {
		if (json_array_append_new(statements,
					  statement_json(policy, &explanation->statements[i])) < 0)
			return NULL;
	}
	return json_pack("{s:s, s:i, s:s, s:b, s:o, s:o, s:o, s:o, s:s, s:O, s:I}", "protocol",
			 protocol_name(protocol), "port", port, "verdict",
			 explain_verdict_name(explanation->answer.verdict), may,
			 explain_grants(explanation), "rule",
			 rule_json(policy, &explanation->answer.rule), "summary",
			 varlink_string(explanation->summary), "redirect",
			 varlink_string(explanation->redirect), "capability",
			 varlink_string(explanation->capability), "observed",
			 explain_verdict_name(explanation->observed.verdict), "statements",
			 statements, "omitted", (json_int_t)explanation->omitted);
}
