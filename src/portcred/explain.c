/* SPDX-License-Identifier: MIT */
/*
 * explain.c - the verdict on one bind, and what each statement has to do with it
 */
#include <string.h>
#include <sys/stat.h>

#include "policy/explain.h"
#include "policy/machine.h"
#include "portcred/identity.h"
#include "portcred/in_force.h"
#include "portcred/port_argument.h"
#include "portcred/text.h"
#include "portcred/verb.h"

#define UNPRIVILEGED_START_FILE    "/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define UNPRIVILEGED_START_DEFAULT 1024U

static const char about[] =
	"Says whether a process may bind a port, which statement of the policy decides, and\n"
	"why the others do not. Without /PROTO: for tcp and for udp. Without --user: for\n"
	"whoever asks. Without --policy: of the policy in force.\n"
	"Exit status 0 if it may, 1 if it is refused.\n";

/* struct question - the command line */
struct question {
	struct identity_options who;
	const char *address;
	const char *policy;
	bool v6only;
	bool json;
};

/* struct answers - one explanation for each protocol that was asked about */
struct answers {
	struct target targets[PROTOCOLS];
	struct explanation *items[PROTOCOLS];
	size_t n;
};

static void answers_clear(struct answers *answers)
{
	for (size_t i = 0; i < answers->n; i++)
		explanation_free(answers->items[i]);
}

static void question_clear(struct question *question)
{
	option_list_clear(&question->who.groups);
}

static uint16_t unprivileged_start(void)
{
	_cleanup_fclose_ FILE *file = fopen(UNPRIVILEGED_START_FILE, "re");
	unsigned start;

	if (!file || fscanf(file, "%u", &start) != 1 || start >= PORTS)
		return UNPRIVILEGED_START_DEFAULT;
	return (uint16_t)start;
}

static bool may_bind(const struct explanation *explanation)
{
	return explanation->answer.verdict != VERDICT_REFUSED &&
	       explanation->answer.verdict != VERDICT_KERNEL_REFUSED;
}

/*
 * same_executable() - the policy's own name for the file at @path, else @path
 * The kernel compares files, not names: /bin/nc is /usr/bin/nc on a merged system.
 */
static const char *same_executable(const struct policy *policy, const char *path)
{
	struct stat wanted, found;

	for (size_t i = 0; i < policy->n_exes; i++) {
		if (strcmp(policy->exes[i].path, path) == 0)
			return path;
	}
	if (stat(path, &wanted) < 0)
		return path;
	for (size_t i = 0; i < policy->n_exes; i++) {
		if (stat(policy->exes[i].path, &found) == 0 && found.st_dev == wanted.st_dev &&
		    found.st_ino == wanted.st_ino)
			return policy->exes[i].path;
	}
	return path;
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

static void print_explanation(struct program *program, const struct explanation *explanation)
{
	enum style style = may_bind(explanation) ? STYLE_GOOD : STYLE_BAD;
	FILE *out = program->out;

	fputs(program_style(program->colour, style), out);
	text_print(explanation->summary, out);
	fprintf(out, "%s\n", program_style(program->colour, STYLE_PLAIN));
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

static json_t *explanation_json(const struct policy *policy, const struct target *target,
				const struct explanation *explanation)
{
	json_auto_t *statements = json_array();

	for (size_t i = 0; i < explanation->n_statements; i++) {
		if (json_array_append_new(statements,
					  statement_json(policy, &explanation->statements[i])) < 0)
			return NULL;
	}
	return json_pack("{s:s, s:i, s:s, s:b, s:o, s:o, s:o, s:s, s:O, s:I}", "protocol",
			 protocol_name(target->protocol), "port", target->port, "verdict",
			 explain_verdict_name(explanation->answer.verdict), "may_bind",
			 may_bind(explanation), "rule",
			 rule_json(policy, &explanation->answer.rule), "summary",
			 varlink_string(explanation->summary), "capability",
			 varlink_string(explanation->capability), "observed",
			 explain_verdict_name(explanation->observed.verdict), "statements",
			 statements, "omitted", (json_int_t)explanation->omitted);
}

static json_t *answers_json(const struct policy *policy, const struct answers *answers)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < answers->n; i++) {
		if (json_array_append_new(list, explanation_json(policy, &answers->targets[i],
								 answers->items[i])) < 0)
			return NULL;
	}
	return json_pack("{s:O}", "answers", list);
}

/* ask() - about every protocol that is meant */
static int ask(const struct reading *reading, const struct identity *identity,
	       const struct target *target, const struct port_argument *port,
	       struct answers *answers)
{
	for (enum protocol protocol = 0; protocol < PROTOCOLS; protocol++) {
		struct target *asked = &answers->targets[answers->n];
		const struct explain_request request = {
			.subject = &identity->subject,
			.target = asked,
			.user = identity->user,
			.unprivileged_start = unprivileged_start(),
		};
		int r;

		if (!(port->protocols & PROTOCOL_BIT(protocol)))
			continue;
		*asked = *target;
		asked->protocol = (uint8_t)protocol;
		asked->port = port->ports[protocol];
		r = explain(reading->ranges, reading->compiled, &request,
			    &answers->items[answers->n]);
		if (r < 0)
			return r;
		answers->n++;
	}
	return 0;
}

static int print_answers(struct program *program, const struct policy *policy,
			 const struct answers *answers, bool json)
{
	int status = EXIT_YES, r = EXIT_YES;

	if (json)
		r = program_json(program, answers_json(policy, answers), false);
	for (size_t i = 0; i < answers->n; i++) {
		if (!json) {
			fputs(i ? "\n" : "", program->out);
			print_explanation(program, answers->items[i]);
		}
		if (!may_bind(answers->items[i]))
			status = EXIT_NO;
	}
	return r == EXIT_YES ? status : r;
}

/*
 * read_policy() - the one that is asked about
 * @ret_cgroup: where its units are, NULL: everywhere
 */
static int read_policy(struct program *program, const struct question *question,
		       struct reading *reading, char **ret_cgroup)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	json_auto_t *status = NULL;
	const char *cgroup;
	int r;

	if (question->policy) {
		r = reading_policy(reading, program, question->policy);
		return r == EXIT_YES ? reading_usable(reading, program) : r;
	}
	r = client_open(program, &client);
	if (r == EXIT_NO_DAEMON)
		fputs("Or name a file with --policy.\n", program->err);
	if (r == EXIT_YES)
		r = in_force_read(program, client, reading, &status);
	if (r != EXIT_YES)
		return r;
	cgroup = client_text(status, "cgroup");
	if (cgroup) {
		*ret_cgroup = strdup(cgroup);
		if (!*ret_cgroup)
			return program_no_memory(program);
	}
	return EXIT_YES;
}

static int answer(struct program *program, const struct question *question,
		  const struct port_argument *port, const struct target *target)
{
	_cleanup_(identity_clear) struct identity identity = { 0 };
	_cleanup_(reading_clear) struct reading reading = { 0 };
	_cleanup_(answers_clear) struct answers answers = { 0 };
	_cleanup_free_ char *cgroup = NULL, *why = NULL;
	int r = read_policy(program, question, &reading, &cgroup);

	if (r != EXIT_YES)
		return r;
	r = identity_find(&question->who, cgroup, &identity, &why);
	if (r < 0)
		return why ? program_say(program, "%s", why) : program_no_memory(program);
	if (identity.subject.exe)
		identity.subject.exe = same_executable(reading.policy, identity.subject.exe);
	if (ask(&reading, &identity, target, port, &answers) < 0)
		return program_no_memory(program);
	return print_answers(program, reading.policy, &answers, question->json);
}

int explain_main(struct program *program, int argc, char **argv)
{
	_cleanup_(question_clear) struct question question = { 0 };
	const struct policy_environment machine = machine_environment();
	struct target target = { 0 };
	struct operands operands;
	struct port_argument port;
	_cleanup_free_ char *why = NULL;
	const struct option_spec options[] = {
		{ "user", "USER", "a process of this user: a name or a number",
		  .value = &question.who.user },
		{ "group", "GROUP", "in this group too (may be given several times)",
		  .list = &question.who.groups },
		{ "exe", "PATH", "running this program", .value = &question.who.exe },
		{ "unit", "UNIT", "in this systemd unit", .value = &question.who.unit },
		{ "address", "ADDRESS", "binding this address [0.0.0.0]",
		  .value = &question.address },
		{ "v6only", NULL, "with IPV6_V6ONLY set", .flag = &question.v6only },
		{ "policy", "FILE", "of this policy and the policy.d beside it; asks no daemon",
		  .value = &question.policy },
		{ "json", NULL, "print one JSON object", .flag = &question.json },
		{ 0 },
	};
	const struct usage usage = { "explain", "PORT[/PROTO]", about, options, 1, 1 };
	int r = options_parse(&usage, program, argc, argv, &operands);

	if (r != 0)
		return options_status(program, r);
	r = port_argument_parse(operands.items[0], &machine, &port, &why);
	if (r < 0)
		return why ? options_complain(&usage, program, "%s", why)
			   : program_no_memory(program);
	if (address_parse(question.address ? question.address : "0.0.0.0", &target) < 0)
		return options_complain(&usage, program, "--address takes an IPv4 or IPv6 address");
	if (question.who.exe && question.who.exe[0] != '/')
		return options_complain(&usage, program, "--exe takes an absolute path");
	target.v6only = question.v6only;
	return answer(program, &question, &port, &target);
}
