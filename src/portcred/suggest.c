/* SPDX-License-Identifier: MIT */
/*
 * suggest.c - a policy from what is bound now, or was bound while somebody watched
 *
 * It asks the kernel, and portcredd only, where there is one, below which cgroup units are: a
 * machine wants its first policy before it has a daemon.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <time.h>

#include "control/varlink.h"
#include "kernel/netlink.h"
#include "kernel/sockets.h"
#include "policy/machine.h"
#include "policy/writer.h"
#include "portcred/identity.h"
#include "portcred/in_force.h"
#include "portcred/options.h"
#include "portcred/principal.h"
#include "portcred/proposal.h"
#include "portcred/reading.h"
#include "portcred/suggest_events.h"
#include "portcred/suggest_watch.h"
#include "portcred/text.h"
#include "portcred/verb.h"

static const char about[] =
	"Writes a policy that grants every bound port to who holds it now, to standard\n"
	"output:\n"
	"    portcred suggest > /etc/portcred/policy.conf\n"
	"Read it before you put it in force. Run it as root: only root sees the programs and\n"
	"units of other users.\n"
	"\n"
	"With --from-events it grants every port to who was seen binding it in what FILEs (or\n"
	"standard input, -) have, as 'portcred watch --json' or 'journalctl -o json' wrote it:\n"
	"    portcred watch --json >> events.json &    # for some days, under the policy\n"
	"                              # 'observe bind 1-65535 by unit none.service only'\n"
	"    portcred suggest --from-events --now events.json > /etc/portcred/policy.conf\n"
	"With --for it watches itself, for so long or until it is interrupted.\n";

/* struct choice - what the command line asks for */
struct choice {
	bool observe;
	bool all;
	bool from_events;
	bool now;             /* what is bound, too */
	const char *for_text; /* NULL: nothing but what the files have */
	unsigned seconds;     /* the same, read */
};

/* struct survey - what was found */
struct survey {
	struct events events;
	struct findings findings;
	size_t left_out; /* sockets of clients */
	struct known_words known;
	struct proposal proposal;
	char *policy; /* all of it */
	size_t size;
};

static void survey_clear(struct survey *survey)
{
	events_clear(&survey->events);
	findings_clear(&survey->findings);
	known_words_clear(&survey->known);
	proposal_clear(&survey->proposal);
	free(survey->policy);
}

/*
 * is_client() - whether a socket's port is nobody's to find
 * A UDP socket that is connected, or has a port that the kernel chose; a TCP socket that does not
 * listen.
 */
static bool is_client(const struct bound_socket *socket, const struct policy_environment *machine)
{
	if (socket->protocol == PROTOCOL_TCP)
		return !socket->listening;
	return socket->state == TCP_ESTABLISHED || (socket->port >= machine->ephemeral_first &&
						    socket->port <= machine->ephemeral_last);
}

/* holder_text() - "nginx (process 812, /usr/sbin/nginx)" */
static char *holder_text(const struct holder *holder)
{
	const struct process *process = holder->process;
	struct writer writer;
	char *text;

	if (writer_open(&writer) < 0)
		return NULL;
	if (!process) {
		fputs(geteuid() == 0
			      ? "No process is seen holding it: the kernel itself, or one of "
				"another PID namespace"
			      : "A process that could not be seen",
		      writer.out);
	} else {
		text_print(process->command, writer.out);
		fprintf(writer.out, " (process %d", process->pid);
		if (process->executable) {
			fputs(", ", writer.out);
			text_print(process->executable, writer.out);
		}
		fputc(')', writer.out);
	}
	if (holder->handed_on)
		fputs(", bound by systemd for a socket unit", writer.out);
	return writer_close(&writer, &text) < 0 ? NULL : text;
}

static int add_finding(struct survey *survey, const struct bound_socket *socket,
		       const struct processes *processes)
{
	struct holder holder = principal_holder(processes, socket->inode, socket->uid);
	struct findings *findings = &survey->findings;
	struct finding finding = {
		.port = socket->port,
		.protocol = socket->protocol,
		.family = socket->family,
	};
	int r;

	memcpy(finding.address, socket->address, sizeof(finding.address));
	r = principal_text(&holder, socket->uid, &survey->known, &finding.principal, &finding.why);
	if (r < 0)
		return r;
	finding.holder = holder_text(&holder);
	return findings_add(findings, &finding);
}

static int scan_processes(const struct program *program, const struct socket_list *sockets,
			  struct processes **ret_processes)
{
	_cleanup_free_ char *cgroup = in_force_cgroup(program);
	_cleanup_free_ char *attached = identity_unit_root(cgroup);

	return processes_scan_list(sockets, attached, ret_processes);
}

/* look() - at every bound socket of this network namespace */
static int look(const struct program *program, struct survey *survey,
		const struct policy_environment *machine, bool all)
{
	struct socket_list sockets = { 0 };
	struct processes *processes = NULL;
	int r = sockets_bound(&sockets);

	if (r == 0)
		r = scan_processes(program, &sockets, &processes);
	for (size_t i = 0; i < sockets.n_items && r == 0; i++) {
		const struct bound_socket *socket = &sockets.items[i];

		if (!all && is_client(socket, machine))
			survey->left_out++;
		else
			r = add_finding(survey, socket, processes);
	}
	processes_free(processes);
	socket_list_clear(&sockets);
	return r;
}

static void write_head(const struct survey *survey, const struct choice *choice, FILE *out)
{
	fputs("# Suggested by portcred " PORTCRED_VERSION " on ", out);
	proposal_moment(time(NULL), out);
	fputs(", from ", out);
	if (choice->from_events)
		events_write_source(&survey->events, out);
	fprintf(out, "%s%s.\n", choice->from_events && choice->now ? ", and\n# " : "",
		choice->now ? "what was bound then" : "");
	fputs("# Take out what should not be there. `portcred check` says what is wrong with "
	      "it,\n",
	      out);
	fputs(choice->observe ? "# `portcred watch` shows what it would refuse; take `observe` out "
				"to enforce it.\n"
			      : "# `portcred reload --try 60` puts it in force for a minute.\n",
	      out);
	if (choice->now && geteuid() != 0)
		fputs("#\n"
		      "# Not written by root: programs and units of other users are missing.\n",
		      out);
}

static int write_policy(struct survey *survey, const struct choice *choice)
{
	const struct proposal *proposal = &survey->proposal;
	struct writer writer;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	write_head(survey, choice, writer.out);
	for (size_t i = 0; i < proposal->n; i++)
		fprintf(writer.out, "\n%s%s", proposal->items[i].comment,
			proposal->items[i].statement);
	if (choice->from_events)
		events_write_missing(&survey->events, writer.out);
	if (survey->left_out)
		fprintf(writer.out,
			"\n# Left out: %zu sockets of clients (--all writes them too).\n",
			survey->left_out);
	if (writer_close(&writer, &survey->policy) < 0)
		return -ENOMEM;
	survey->size = strlen(survey->policy);
	return 0;
}

static json_t *survey_json(const struct survey *survey, const struct choice *choice)
{
	json_auto_t *list = json_array();
	json_auto_t *events = choice->from_events ? events_json(&survey->events) : json_null();

	for (size_t i = 0; i < survey->proposal.n; i++) {
		const struct proposed *proposed = &survey->proposal.items[i];

		if (json_array_append_new(list,
					  json_pack("{s:o, s:o}", "comment",
						    varlink_string(proposed->comment), "statement",
						    varlink_string(proposed->statement))) < 0)
			return NULL;
	}
	return json_pack("{s:o, s:O, s:I, s:O}", "policy", varlink_string(survey->policy),
			 "statements", list, "left_out", (json_int_t)survey->left_out, "events",
			 events);
}

/* check_own() - what is suggested must pass `portcred check`: names may change while we look */
static int check_own(struct program *program, const struct survey *survey)
{
	_cleanup_(reading_clear) struct reading reading = { 0 };

	if (reading_text(&reading, "<suggestion>", survey->policy, survey->size) < 0)
		return program_no_memory(program);
	return reading_usable(&reading, program);
}

static int suggest(struct program *program, struct survey *survey, const struct choice *choice)
{
	const struct policy_environment machine = machine_environment();
	const struct proposal_style style = {
		.observe = choice->observe,
		.ephemeral = choice->all || !choice->from_events,
		.ephemeral_first = machine.ephemeral_first,
		.ephemeral_last = machine.ephemeral_last,
	};
	_cleanup_free_ char *why = NULL;
	int r = choice->now ? netlink_check(&why) : 0;

	if (why)
		return program_say(program, "cannot list sockets: %s", why);
	if (r == 0 && choice->now)
		r = look(program, survey, &machine, choice->all);
	if (r == -EOPNOTSUPP)
		return program_say(program, "the kernel cannot list sockets: it lacks inet_diag or "
					    "udp_diag (modprobe tcp_diag udp_diag)");
	if (r == 0)
		r = events_find(&survey->events, &survey->known, &survey->findings);
	if (r == 0)
		r = proposal_make(&survey->findings, &style, &survey->proposal);
	if (r == 0)
		r = write_policy(survey, choice);
	if (r == -ENOMEM)
		return program_no_memory(program);
	if (r < 0)
		return program_say(program, "cannot list sockets: %s", strerror(-r));
	return check_own(program, survey);
}

/* choose() - what options and operands mean together; EXIT_YES, or EXIT_USAGE after saying why */
static int choose(struct program *program, const struct usage *usage,
		  const struct operands *operands, struct choice *choice)
{
	if (choice->for_text &&
	    !options_number(choice->for_text, 1, MOST_WATCHED, &choice->seconds))
		return options_complain(usage, program, "--for takes seconds, 1 to %u",
					MOST_WATCHED);
	if (!choice->from_events && operands->n)
		return options_complain(usage, program, "a FILE without --from-events");
	if (choice->from_events && !choice->seconds && !operands->n && isatty(STDIN_FILENO))
		return options_complain(usage, program,
					"--from-events without a FILE, and standard input is a "
					"terminal");
	choice->from_events |= choice->seconds > 0;
	choice->now |= !choice->from_events;
	return EXIT_YES;
}

/*
 * gather() - what was seen before, and what is seen from now on
 * @ret_watched: the status of a watch that ended too early; what it saw counts
 */
static int gather(struct program *program, const struct choice *choice,
		  const struct operands *files, struct events *events, int *ret_watched)
{
	int r = EXIT_YES;

	if (files->n || !choice->seconds)
		r = events_read(program, files, events);
	if (r == EXIT_YES && choice->seconds)
		*ret_watched = events_watch(program, choice->seconds, events);
	if (r != EXIT_YES)
		return r;
	if (*ret_watched != EXIT_YES && events->sightings.told == 0)
		return *ret_watched;
	return events_complete(program, events);
}

static int print_survey(struct program *program, const struct survey *survey,
			const struct choice *choice, bool json)
{
	if (choice->now && geteuid() != 0)
		program_say(program, "not root: the programs and units of other users' processes "
				     "cannot be seen, and are left out of the rules");
	if (json)
		return program_json(program, survey_json(survey, choice), false);
	fputs(survey->policy, program->out);
	return EXIT_YES;
}

int suggest_main(struct program *program, int argc, char **argv)
{
	_cleanup_(survey_clear) struct survey survey = { 0 };
	struct choice choice = { 0 };
	struct operands operands;
	bool json = false;
	int watched = EXIT_YES;
	const struct option_spec options[] = {
		{ "from-events", NULL, "from what was seen over time, not from what is bound",
		  .flag = &choice.from_events },
		{ "for", "SECONDS", "from what portcredd tells from now on, for so long",
		  .value = &choice.for_text },
		{ "now", NULL, "with --from-events: from what is bound, too", .flag = &choice.now },
		{ "observe", NULL, "statements that only log what they would refuse",
		  .flag = &choice.observe },
		{ "all", NULL, "also sockets of clients, whose ports the kernel chose",
		  .flag = &choice.all },
		{ "json", NULL, "print one JSON object", .flag = &json },
		{ 0 },
	};
	const struct usage usage = { "suggest", "[FILE...]", about, options, 0, SIZE_MAX };
	int r = options_parse(&usage, program, argc, argv, &operands);

	if (r != 0)
		return options_status(program, r);
	r = choose(program, &usage, &operands, &choice);
	if (r == EXIT_YES && choice.from_events)
		r = gather(program, &choice, &operands, &survey.events, &watched);
	if (r != EXIT_YES)
		return r;
	r = suggest(program, &survey, &choice);
	if (!survey.policy)
		return r;
	if (print_survey(program, &survey, &choice, json) != EXIT_YES)
		return EXIT_NO;
	return r == EXIT_YES ? watched : r;
}
