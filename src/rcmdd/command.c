/* SPDX-License-Identifier: MIT */
/*
 * command.c - shell and exec: the account's shell, with the command
 *
 * The command has the connection itself as its input and output: nothing is copied. Without a second
 * channel it is its standard error too. It is over for the client when the last process that holds it
 * has let go.
 *
 * With one, a process of the user's carries its standard error and signals for it. Both are the
 * monitor's children, and the command is first: it does its work while the other one is forked.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcmdd/bare.h"
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

/* struct carrying - what the second channel needs: [0] the relay's ends, [1] the others' */
struct carrying {
	int errors[2]; /* the command's standard error */
	int ended[2];  /* how it ended, which its parent knows */
};

static void close_carrying(struct carrying *carrying)
{
	for (size_t i = 0; i < 2; i++) {
		cleanup_close(&carrying->errors[i]);
		cleanup_close(&carrying->ended[i]);
	}
}

static int open_carrying(struct carrying *ret_carrying)
{
	struct carrying carrying = { { -EBADF, -EBADF }, { -EBADF, -EBADF } };

	if (pipe2(carrying.errors, O_CLOEXEC) < 0 || pipe2(carrying.ended, O_CLOEXEC) < 0) {
		int r = -errno;

		close_carrying(&carrying);
		return r;
	}
	*ret_carrying = carrying;
	return 0;
}

/* run_directly() - the command, with nothing of ours beside it; the child of spawn() */
static int run_directly(void *data)
{
	const struct start *start = data;

	if (setsid() < 0 || become_user(start->account) < 0)
		_exit(EXIT_CANNOT);
	run_shell(start);
}

/* run_beside() - the same of a command that is hung up on when nobody waits for it any more */
static int run_beside(void *data)
{
	const struct start *start = data;

	/* In this order: who changes his user is not told of his parent's end any more. */
	if (setsid() < 0 || become_user(start->account) < 0 || prctl(PR_SET_PDEATHSIG, SIGHUP) < 0)
		_exit(EXIT_CANNOT);
	run_shell(start);
}

/* spawn_command() - as spawn(); said where the server finds it, should this process be killed */
static pid_t spawn_command(struct session *session, int (*run)(void *data), struct start *start)
{
	struct remains *remains = session->shared.remains;
	pid_t pid;

	if (remains)
		remains->command = REMAINS_UNKNOWN;
	pid = spawn(run, start);
	if (remains)
		remains->command = pid < 0 ? REMAINS_NONE : pid;
	return pid;
}

/* run_relay() - in the child: as the user, with three descriptors; does not return */
static _Noreturn void run_relay(const struct session *session, const struct carrying *carrying,
				pid_t pid)
{
	const struct relay relay = { session->second, carrying->errors[0], carrying->ended[0], pid,
				     session->request->framed };
	int r;

	/* Not to be traced by the user: who changes his user is not before he runs a program. */
	if (setsid() < 0 || become_user(&session->account) < 0 ||
	    descriptor_set_blocking(relay.errors, false) < 0 ||
	    descriptor_set_blocking(relay.channel, false) < 0 ||
	    descriptors_keep_three(relay.channel, relay.errors, relay.ended) < 0)
		_exit(EXIT_CANNOT);
	r = relay_run(&relay);
	/* The client waits for it, and a process closes what it has when its memory is given back. */
	close(relay.channel);
	_exit(r < 0 ? EXIT_CANNOT : EXIT_SUCCESS);
}

/*
 * start_carried() - the command first, which the client waits for, and then what carries for it
 * It runs its program by then: it has its process group, and a signal finds it.
 */
static pid_t start_carried(struct session *session, struct start *start)
{
	_cleanup_(close_carrying) struct carrying carrying = { { -EBADF, -EBADF },
							       { -EBADF, -EBADF } };
	int r = open_carrying(&carrying);
	pid_t pid;

	if (r < 0)
		return r;
	start->errors = carrying.errors[1];
	pid = spawn_command(session, run_beside, start);
	if (pid < 0)
		return pid;
	/* It alone says when there is no more of it. */
	close(TAKE_FD(carrying.errors[1]));
	session->relay = bare_fork();
	if (session->relay == 0)
		run_relay(session, &carrying, pid);
	if (session->relay < 0) {
		r = -errno;
		kill(-pid, SIGKILL);
		return r;
	}
	session->ended = TAKE_FD(carrying.ended[1]);
	return pid;
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

	if (r < 0)
		return r;
	return session->second < 0 ? spawn_command(session, run_directly, &start)
				   : start_carried(session, &start);
}
