/* SPDX-License-Identifier: MIT */
/*
 * command.c - shell and exec: the account's shell, with the command
 *
 * The command has the connection itself as its input and output: nothing is copied. Without a second
 * channel it is its standard error too. It is over for the client when the last process that holds it
 * has let go.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcmdd/become.h"
#include "rcmdd/descriptors.h"
#include "rcmdd/relay.h"
#include "rcmdd/session.h"
#include "rcmdd/spawn.h"

/* Both of a shell that cannot be started, sh(1). */
#define EXIT_CANNOT 126
#define EXIT_NONE   127

/* struct start - what the user's process is started with */
struct start {
	const struct account *account;
	const char *command;
	char *const *environment;
	int connection, errors; /* become 0 and 1, and 2 */
};

/* run_shell() - does not return */
static _Noreturn void run_shell(const struct start *start)
{
	const char *slash = strrchr(start->account->shell, '/');
	char *const argv[] = { (char *)slash + 1, (char *)"-c", (char *)start->command, NULL };

	if (dup2(start->connection, STDIN_FILENO) < 0 ||
	    dup2(start->connection, STDOUT_FILENO) < 0 || dup2(start->errors, STDERR_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		_exit(EXIT_CANNOT);
	if (become_home(start->account) < 0)
		dprintf(STDERR_FILENO, "%s: no home directory: %s\n", start->account->name,
			strerror(errno));
	execve(start->account->shell, argv, start->environment);
	dprintf(STDERR_FILENO, "%s: %s\n", start->account->shell, strerror(errno));
	_exit(errno == ENOENT ? EXIT_NONE : EXIT_CANNOT);
}

/* run_beside() - the command whose relay is its parent, and that is hung up on when the relay is */
static int run_beside(void *data)
{
	if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGHUP) < 0)
		_exit(EXIT_CANNOT);
	run_shell(data);
}

/* run_relay() - as the user: start the command, and carry its second channel; does not return */
static _Noreturn void run_relay(struct start *start, int channel, bool framed)
{
	struct relay relay = { .channel = channel, .framed = framed };
	int pair[2], r;

	if (pipe2(pair, O_CLOEXEC) < 0 || descriptor_set_blocking(pair[0], false) < 0 ||
	    descriptor_set_blocking(channel, false) < 0)
		_exit(EXIT_CANNOT);
	relay.errors = pair[0];
	start->errors = pair[1];
	/* It runs its program by then: it has its process group, and a signal finds it. */
	relay.pid = spawn(run_beside, start);
	if (relay.pid < 0 || descriptors_keep_two(channel, relay.errors) < 0)
		_exit(EXIT_CANNOT);
	r = relay_run(&relay);
	/* The client waits for it, and a process closes what it has when its memory is given back. */
	close(channel);
	_exit(r < 0 ? EXIT_CANNOT : EXIT_SUCCESS);
}

/* run_directly() - the command, with nothing of ours beside it; the child of spawn() */
static int run_directly(void *data)
{
	const struct start *start = data;

	if (setsid() < 0 || become_user(start->account) < 0)
		_exit(EXIT_CANNOT);
	run_shell(start);
}

pid_t command_start(struct session *session, char *const environment[])
{
	struct start start = {
		.account = &session->account,
		.command = session->request->command,
		.environment = environment,
		.connection = session->connection,
		.errors = session->connection,
	};
	int r = descriptor_set_blocking(session->connection, true);
	pid_t pid;

	if (r < 0)
		return r;
	if (session->second < 0)
		return spawn(run_directly, &start);
	pid = fork();
	if (pid != 0)
		return pid < 0 ? -errno : pid;
	/* Not to be traced by the user: who changes his user is not before he runs a program. */
	if (setsid() < 0 || become_user(&session->account) < 0)
		_exit(EXIT_CANNOT);
	run_relay(&start, session->second, session->request->framed);
}
