/* SPDX-License-Identifier: MIT */
/*
 * explain.c - the verdict on a bind, a caller or a service, and what each statement has to do with it
 */
#include <string.h>
#include <sys/stat.h>

#include "policy/explain.h"
#include "policy/machine.h"
#include "portcred/explain_print.h"
#include "portcred/identity.h"
#include "portcred/in_force.h"
#include "portcred/other_end.h"
#include "portcred/port_argument.h"
#include "portcred/verb.h"

#define UNPRIVILEGED_START_FILE    "/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define UNPRIVILEGED_START_DEFAULT 1024U

static const char about[] =
	"Says whether a process may bind a port, which statement of the policy decides, and\n"
	"why the others do not. Without /PROTO: for tcp and for udp. Without --user: for\n"
	"whoever asks. With --from: whether a caller may connect to the port here; with --to:\n"
	"whether a service elsewhere is one that may be connected to.\n"
	"Without --policy: of the policy in force.\n"
	"Exit status 0 if it may, 1 if it is refused.\n";

/* struct question - the command line */
struct question {
	struct identity_options who;
	struct other_end_options other;
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

static json_t *answers_json(const struct policy *policy, const struct answers *answers)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < answers->n; i++) {
		const struct target *target = &answers->targets[i];
		json_t *answer = explain_json(policy, answers->items[i], "may_bind", target->port,
					      target->protocol);

		if (json_array_append_new(list, answer) < 0)
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
			explain_print(program, answers->items[i]);
		}
		if (!explain_grants(answers->items[i]))
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

DEFINE_CLEANUP(struct explanation *, explanation_free)

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

/* answer_end() - of a caller or a service */
static int answer_end(struct program *program, const struct question *question, uint16_t port)
{
	_cleanup_(other_end_clear) struct other_end_found found = { 0 };
	_cleanup_(explanation_freep) struct explanation *explanation = NULL;
	_cleanup_(reading_clear) struct reading reading = { 0 };
	_cleanup_free_ char *cgroup = NULL, *why = NULL;
	struct explain_connection request = {
		.kind = question->other.to ? STATEMENT_CONNECT : STATEMENT_ACCEPT,
		.port = port,
		.end = &found.end,
	};
	int r = read_policy(program, question, &reading, &cgroup);

	if (r != EXIT_YES)
		return r;
	r = other_end_find(&question->other, reading.compiled, &found, &why);
	if (r < 0)
		return why ? program_say(program, "%s", why) : program_no_memory(program);
	request.user = found.user;
	request.owner = found.owner;
	request.owner_group = found.owner_group;
	if (explain_connection(reading.ranges, reading.compiled, &request, &explanation) < 0)
		return program_no_memory(program);
	if (question->json)
		r = program_json(program,
				 json_pack("{s:[o]}", "answers",
					   explain_json(reading.policy, explanation, "may_connect",
							port, PROTOCOL_TCP)),
				 false);
	else
		explain_print(program, explanation);
	if (r != EXIT_YES)
		return r;
	return explain_grants(explanation) ? EXIT_YES : EXIT_NO;
}

/* misplaced() - an option that belongs to another question; NULL: none */
static const char *misplaced(const struct question *question)
{
	const struct other_end_options *other = &question->other;
	const struct identity_options *who = &question->who;

	if (other->from && other->to)
		return "--from and --to are two questions, expected one of them";
	if (other->owner && !other->from)
		return "--owner is of the listener that a caller calls, expected --from too";
	if (other->approved && !other->to)
		return "--approved is of a service, expected --to too";
	if ((other->from || other->to) &&
	    (who->user || who->groups.n || who->exe || who->unit || question->v6only))
		return "--user, --group, --exe, --unit and --v6only are about a bind, expected "
		       "them "
		       "without --from and --to";
	return NULL;
}

int explain_main(struct program *program, int argc, char **argv)
{
	_cleanup_(question_clear) struct question question = { 0 };
	const struct policy_environment machine = machine_environment();
	struct target target = { 0 };
	struct operands operands;
	struct port_argument port;
	_cleanup_free_ char *why = NULL;
	const char *wrong;
	const struct option_spec options[] = {
		{ "user", "USER", "a process of this user: a name or a number",
		  .value = &question.who.user },
		{ "group", "GROUP", "in this group too (may be given several times)",
		  .list = &question.who.groups },
		{ "exe", "PATH", "running this program", .value = &question.who.exe },
		{ "unit", "UNIT", "in this systemd unit", .value = &question.who.unit },
		{ "address", "ADDRESS",
		  "binding this address [0.0.0.0]; with --from: its ADDRESS[:PORT]",
		  .value = &question.address },
		{ "v6only", NULL, "with IPV6_V6ONLY set", .flag = &question.v6only },
		{ "from", "CALLER", "a caller: USER@HOST, anyone@HOST or ADDRESS[:PORT]",
		  .value = &question.other.from },
		{ "owner", "USER[:GROUP]", "with --from: to a listener of this user",
		  .value = &question.other.owner },
		{ "to", "SERVICE", "a service: USER@HOST, approved@HOST or anyone@HOST",
		  .value = &question.other.to },
		{ "approved", NULL, "with --to: a bind rule there approved it",
		  .flag = &question.other.approved },
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
	wrong = misplaced(&question);
	if (wrong)
		return options_complain(&usage, program, "%s", wrong);
	if (question.other.from || question.other.to) {
		question.other.address = question.address;
		wrong = other_end_wrong(&question.other);
		if (!wrong && !(port.protocols & PROTOCOL_BIT(PROTOCOL_TCP)))
			wrong = "--from and --to are about tcp connections, expected a tcp port";
		if (wrong)
			return options_complain(&usage, program, "%s", wrong);
		return answer_end(program, &question, port.ports[PROTOCOL_TCP]);
	}
	if (address_parse(question.address ? question.address : "0.0.0.0", &target) < 0)
		return options_complain(&usage, program, "--address takes an IPv4 or IPv6 address");
	if (question.who.exe && question.who.exe[0] != '/')
		return options_complain(&usage, program, "--exe takes an absolute path");
	target.v6only = question.v6only;
	return answer(program, &question, &port, &target);
}
