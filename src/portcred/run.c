/* SPDX-License-Identifier: MIT */
/*
 * run.c - bind, give up every privilege, and become a program that finds the sockets
 *
 *	read the command line ── environment ── is there such a program?
 *	  ── unit ── bind and listen, as the user ── become the user ── signals
 *	  ── descriptors ── execve()            signals and exit status are the program's own
 *	  \─ --inetd: a supervisor of that user's
 *
 * In this order a mistake on the command line costs nothing, rules see the unit at bind(2), and
 * connections, which others make, are met without a privilege.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/machine.h"
#include "portcred/execute.h"
#include "portcred/handover.h"
#include "portcred/inetd.h"
#include "portcred/join_unit.h"
#include "portcred/launch_capabilities.h"
#include "portcred/launch_environment.h"
#include "portcred/launch_user.h"
#include "portcred/obtain_socket.h"
#include "portcred/options.h"
#include "portcred/text.h"
#include "portcred/verb.h"

#define MAX_SOCKETS   1024U
#define MAX_FDNAMES   255  /* bytes of one name: sd_listen_fds_with_names(3) */
#define DEFAULT_QUEUE 4096 /* net.core.somaxconn's default; the kernel cuts what is above it */

static const char about[] =
	"Binds and listens, gives up every privilege, and becomes PROGRAM, which finds the\n"
	"sockets from descriptor 3 on (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES).\n"
	"As root, --user says who PROGRAM is to be. The sockets are that user's, and so are the\n"
	"listeners to an 'accept ... from owner' rule, where he may bind them; else root's,\n"
	"which is said. PROGRAM has no capabilities and can gain none (but those of --keep-caps),\n"
	"a clean environment, and no other descriptor than 0, 1, 2 and the sockets.\n"
	"Its exit status is that of this command; 126: it could not be run, 127: there is none.\n";

/* struct run - the command line, and what became of it; owned: run_clear() */
struct run {
	const struct usage *usage;
	struct program *program;
	struct operands command;

	struct option_list listen, variables;
	const char *user_text, *unit, *fdname, *backlog_text, *limit_text, *accept_fd_text;
	const char *capabilities_text;
	bool inetd, ambient, keep_env;

	struct listen_argument *arguments; /* of each --listen */
	struct launch_user user;
	bool other_user; /* @user is somebody */
	uint64_t kept;   /* capabilities */
	char *names;     /* LISTEN_FDNAMES */
	int *sockets;
	size_t n_sockets;
	int backlog, accept_fd; /* -1: none */
	size_t limit;
};

static void run_clear(struct run *run)
{
	for (size_t i = 0; i < run->n_sockets; i++)
		cleanup_close(&run->sockets[i]);
	option_list_clear(&run->listen);
	option_list_clear(&run->variables);
	launch_user_clear(&run->user);
	free(run->arguments);
	free(run->names);
	free(run->sockets);
}

/* complain_or_memory() - of a function that leaves @why where the command line is wrong */
static int complain_or_memory(const struct run *run, const char *why)
{
	return why ? options_complain(run->usage, run->program, "%s", why)
		   : program_no_memory(run->program);
}

/* parse_number() - an option's, from @least to @most */
static int parse_number(const struct run *run, const char *option, const char *text, unsigned least,
			unsigned most, unsigned *ret_number)
{
	if (options_number(text, least, most, ret_number))
		return EXIT_YES;
	return options_complain(run->usage, run->program, "--%s takes a number from %u to %u",
				option, least, most);
}

static int read_numbers(struct run *run)
{
	unsigned backlog = DEFAULT_QUEUE, limit = INETD_LIMIT, number = 0;
	int r = EXIT_YES;

	if (run->backlog_text)
		r = parse_number(run, "backlog", run->backlog_text, 1, INT_MAX, &backlog);
	if (r == EXIT_YES && run->limit_text)
		r = parse_number(run, "limit", run->limit_text, 1, INETD_MOST_LIMIT, &limit);
	if (r == EXIT_YES && run->accept_fd_text)
		r = parse_number(run, "accept-fd", run->accept_fd_text, 0, INT_MAX, &number);
	run->backlog = (int)backlog;
	run->limit = limit;
	run->accept_fd = run->accept_fd_text ? (int)number : -1;
	return r;
}

static int read_sockets(struct run *run)
{
	const struct policy_environment machine = machine_databases();

	if (run->listen.n > MAX_SOCKETS)
		return options_complain(run->usage, run->program,
					"%zu times --listen, expected %u at most", run->listen.n,
					MAX_SOCKETS);
	run->arguments = calloc(run->listen.n + 1, sizeof(*run->arguments));
	run->sockets = calloc(run->listen.n + 1, sizeof(*run->sockets));
	if (!run->arguments || !run->sockets)
		return program_no_memory(run->program);
	for (size_t i = 0; i < run->listen.n; i++) {
		_cleanup_free_ char *why = NULL;

		if (listen_argument_parse(run->listen.items[i], &machine, &run->arguments[i],
					  &why) < 0)
			return complain_or_memory(run, why);
	}
	return EXIT_YES;
}

/* is_name() - what may stand between the colons of LISTEN_FDNAMES */
static bool is_name(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (name[i] < ' ' || name[i] > '~')
			return false;
	}
	return length > 0 && length <= MAX_FDNAMES;
}

/* read_names() - as --fdname gives them, or each socket's port and protocol */
static int read_names(struct run *run)
{
	size_t n = 0, size = run->listen.n * sizeof("65535/tcp") + 1, length = 0;

	for (const char *at = run->fdname; at; at = strchr(at, ':'), at = at ? at + 1 : NULL) {
		if (!is_name(at, strcspn(at, ":")))
			return options_complain(run->usage, run->program,
						"a name in --fdname has 1 to %d characters of "
						"ASCII, none of them a control",
						MAX_FDNAMES);
		n++;
	}
	if (run->fdname && n != run->listen.n)
		return options_complain(run->usage, run->program,
					"--fdname has %zu names, and --listen %zu sockets", n,
					run->listen.n);
	run->names = run->fdname ? strdup(run->fdname) : calloc(1, size);
	if (!run->names)
		return program_no_memory(run->program);
	for (size_t i = 0; i < run->listen.n && !run->fdname; i++) {
		const struct listen_argument *argument = &run->arguments[i];

		length += (size_t)snprintf(run->names + length, size - length, "%s%u/%s",
					   i ? ":" : "", argument->port,
					   argument->protocol == PROTOCOL_TCP ? "tcp" : "udp");
	}
	return EXIT_YES;
}

/* check_together() - options that want, or exclude, others */
static int check_together(const struct run *run)
{
	const char *what = NULL;

	if (run->command.n == 0)
		what = "missing argument: PROGRAM";
	else if (run->limit_text && !run->inetd)
		what = "--limit is of --inetd";
	else if (run->inetd && run->accept_fd_text)
		what = "--inetd and --accept-fd, expected one of the two";
	else if (run->inetd && run->listen.n == 0)
		what = "--inetd needs --listen PORT";
	else if (run->accept_fd_text && run->listen.n != 1)
		what = "--accept-fd needs --listen PORT, once";
	else if (run->fdname && (run->inetd || run->accept_fd_text))
		what = "--fdname names sockets in LISTEN_FDNAMES, and here there is none";
	if (what)
		return options_complain(run->usage, run->program, "%s", what);
	for (size_t i = 0; i < run->listen.n && run->inetd; i++) {
		if (run->arguments[i].protocol != PROTOCOL_TCP)
			return options_complain(run->usage, run->program,
						"--inetd serves connections, and UDP has none: "
						"--accept-fd 0 gives the program the socket");
	}
	return EXIT_YES;
}

/* find_user() - who it is to be, and who may say so */
static int find_user(struct run *run)
{
	_cleanup_free_ char *why = NULL;
	bool root = geteuid() == 0;

	if (root && !run->user_text)
		return options_complain(run->usage, run->program,
					"as root, say who the program is to be: --user USER "
					"(root, if that is meant)");
	if (!root && run->user_text)
		return program_say(run->program, "only root can start a program as another user: "
						 "leave --user out");
	if (!root && (run->ambient || run->capabilities_text))
		return program_say(run->program,
				   "only root can leave a program a capability: leave --%s out",
				   run->ambient ? "ambient" : "keep-caps");
	if (!run->user_text)
		return EXIT_YES;
	run->other_user = true;
	if (launch_user_find(run->user_text, &run->user, &why) < 0)
		return why ? program_say(run->program, "%s", why) : program_no_memory(run->program);
	return EXIT_YES;
}

/* find_capabilities() - those that are kept: --ambient is short for one of them */
static int find_capabilities(struct run *run)
{
	const char *const texts[] = { run->capabilities_text,
				      run->ambient ? "cap_net_bind_service" : NULL };

	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		_cleanup_free_ char *why = NULL;
		uint64_t kept = 0;
		int r = 0;

		if (texts[i])
			r = launch_capabilities_parse(texts[i], launch_capabilities_had(), &kept,
						      &why);
		if (r == -EPERM && why)
			return program_say(run->program, "%s", why);
		if (r < 0)
			return complain_or_memory(run, why);
		run->kept |= kept;
	}
	return EXIT_YES;
}

static int read_command_line(struct run *run)
{
	_cleanup_free_ char *why = NULL;
	int r = read_numbers(run);

	if (r == EXIT_YES)
		r = read_sockets(run);
	if (r == EXIT_YES)
		r = check_together(run);
	if (r == EXIT_YES)
		r = read_names(run);
	if (r != EXIT_YES)
		return r;
	if (launch_environment_check(&run->variables, &why) < 0 ||
	    (run->unit && join_unit_check(run->unit, &why) < 0))
		return complain_or_memory(run, why);
	r = find_user(run);
	return r == EXIT_YES ? find_capabilities(run) : r;
}

static int bind_all(struct run *run)
{
	for (size_t i = 0; i < run->listen.n; i++) {
		const struct obtain_request request = {
			.where = &run->arguments[i],
			.user = run->other_user ? &run->user : NULL,
			.backlog = run->backlog,
		};
		int r = obtain_socket(run->program, &request, &run->sockets[i]);

		if (r != EXIT_YES)
			return r;
		run->n_sockets++;
	}
	return EXIT_YES;
}

/* become_user() - the user and the environment: what is left of the caller's rights ends here */
static int become_user(struct run *run)
{
	const struct launch_user *user = run->other_user ? &run->user : NULL;
	_cleanup_free_ char *why = NULL;
	int r = launch_user_become(user, run->kept, &why);

	if (r < 0)
		return program_say(run->program, "%s", why ? why : strerror(-r));
	return EXIT_YES;
}

/* hand_over() - descriptors and LISTEN_*, then the program itself; returns why not */
static int hand_over(struct run *run)
{
	int r;

	if (run->accept_fd >= 0)
		r = handover_socket_at(run->sockets[0], run->accept_fd);
	else
		r = handover_sockets(run->sockets, run->n_sockets);
	if (r == 0 && run->accept_fd < 0 && run->n_sockets)
		r = handover_environment(run->n_sockets, run->names);
	run->n_sockets = 0;
	if (r < 0)
		return program_say(run->program, "cannot hand over the sockets: %s%s", strerror(-r),
				   r == -EBADF ? " (ulimit -n is the limit of numbers)" : "");
	return execute(run->program, run->command.items);
}

static int launch(struct run *run)
{
	const struct launch_user *user = run->other_user ? &run->user : NULL;
	int r = EXIT_YES;

	/* PATH is in it, and the program is sought as it will be found. */
	if (launch_environment_set(user, run->keep_env, !run->inetd, &run->variables) < 0)
		return program_no_memory(run->program);
	r = execute_check(run->program, run->command.items[0]);
	if (r == EXIT_YES && run->unit)
		r = join_unit(run->program, run->unit);
	if (r == EXIT_YES)
		r = bind_all(run);
	if (r == EXIT_YES)
		r = become_user(run);
	if (r != EXIT_YES)
		return r;
	handover_signals();
	if (!run->inetd)
		return hand_over(run);
	return inetd_serve(run->program, run->sockets, run->n_sockets, run->limit,
			   run->command.items);
}

int run_main(struct program *program, int argc, char **argv)
{
	_cleanup_(run_clear) struct run run = { .program = program };
	const struct option_spec options[] = {
		{ "listen", "[ADDR:]PORT[/PROTO]", "bind it, and listen on TCP; several times",
		  .list = &run.listen },
		{ "backlog", "N", "connections that may wait to be accepted [4096]",
		  .value = &run.backlog_text },
		{ "user", "USER[:GROUP]", "who PROGRAM is to be, with the groups of a login",
		  .value = &run.user_text },
		{ "unit", "NAME", "the unit that rules see it in", .value = &run.unit },
		{ "keep-caps", "CAP[,CAP...]", "leave PROGRAM these capabilities, or 'all'",
		  .value = &run.capabilities_text },
		{ "ambient", NULL, "the same as --keep-caps cap_net_bind_service",
		  .flag = &run.ambient },
		{ "fdname", "NAME[:NAME...]", "names of the sockets [PORT/PROTO each]",
		  .value = &run.fdname },
		{ "accept-fd", "N", "the one socket is descriptor N of PROGRAM",
		  .value = &run.accept_fd_text },
		{ "inetd", NULL, "a PROGRAM for each connection, on descriptors 0, 1",
		  .flag = &run.inetd },
		{ "limit", "N", "with --inetd: so many at once [64]", .value = &run.limit_text },
		{ "env", "NAME[=VALUE]", "set it, or pass it on; several times",
		  .list = &run.variables },
		{ "keep-env", NULL, "pass the whole environment on", .flag = &run.keep_env },
		{ 0 },
	};
	const struct usage usage = { "run", "[--] PROGRAM [ARGUMENT...]", about, options, 0, 0 };
	int r = handover_begin();

	if (r < 0)
		return program_say(program, "cannot open /dev/null: %s", strerror(-r));
	run.usage = &usage;
	r = options_parse_leading(&usage, program, argc, argv, &run.command);
	if (r != 0)
		return options_status(program, r);
	r = read_command_line(&run);
	return r == EXIT_YES ? launch(&run) : r;
}
