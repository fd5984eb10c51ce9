/* SPDX-License-Identifier: MIT */
#include "portcred/inetd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "portcred/endpoint.h"
#include "portcred/execute.h"

/* How long to rest when the machine has no descriptor, memory or process left for a connection. */
#define REST_MSEC 1000

static const int ends[] = { SIGTERM, SIGINT, SIGQUIT };
static const int passed[] = { SIGHUP, SIGUSR1, SIGUSR2 };

/* struct supervisor - @running of them are in @pids, in any order */
struct supervisor {
	struct program *program;
	char **argv;
	struct pollfd *watched; /* the signals, then the listeners */
	size_t n_listeners;
	pid_t *pids;
	size_t running, limit;
	posix_spawnattr_t attributes;
	bool ending;
	bool resting;
};

static void supervisor_clear(struct supervisor *supervisor)
{
	for (size_t i = 0; supervisor->watched && i < supervisor->n_listeners + 1; i++)
		cleanup_close(&supervisor->watched[i].fd);
	free(supervisor->watched);
	free(supervisor->pids);
	posix_spawnattr_destroy(&supervisor->attributes);
}

/* open_signals() - the signals that are ours, as a descriptor, and blocked otherwise */
static int open_signals(void)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGCHLD);
	for (size_t i = 0; i < ELEMENTS(ends); i++)
		sigaddset(&ours, ends[i]);
	for (size_t i = 0; i < ELEMENTS(passed); i++)
		sigaddset(&ours, passed[i]);
	if (sigprocmask(SIG_BLOCK, &ours, NULL) < 0)
		return -errno;
	/* Nobody may end it by closing its standard error. */
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* set_attributes() - a program has no signal blocked, and none that is not at its default */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int error = posix_spawnattr_init(attributes);

	sigemptyset(&none);
	sigfillset(&all);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attributes, &none);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	if (error == 0)
		error = posix_spawnattr_setflags(attributes,
						 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return -error;
}

static int begin(struct supervisor *supervisor, int *listeners)
{
	int r = set_attributes(&supervisor->attributes);

	if (r < 0)
		return r;
	supervisor->pids = calloc(supervisor->limit, sizeof(*supervisor->pids));
	supervisor->watched = calloc(supervisor->n_listeners + 1, sizeof(*supervisor->watched));
	if (!supervisor->pids || !supervisor->watched)
		return -ENOMEM;
	for (size_t i = 0; i < supervisor->n_listeners; i++)
		supervisor->watched[i + 1] =
			(struct pollfd){ .fd = TAKE_FD(listeners[i]), .events = POLLIN };
	supervisor->watched[0] = (struct pollfd){ .fd = open_signals(), .events = POLLIN };
	if (supervisor->watched[0].fd < 0)
		return -errno;
	/* Who called may have hung up before accept(2), which would wait for the next. */
	for (size_t i = 1; i < supervisor->n_listeners + 1; i++) {
		if (fcntl(supervisor->watched[i].fd, F_SETFL, O_NONBLOCK) < 0)
			return -errno;
	}
	return 0;
}

/* name_caller() - REMOTE_ADDR and REMOTE_PORT, as systemd's Accept=yes sets them */
static int name_caller(int connection)
{
	struct endpoint remote;
	char port[8];
	int r = endpoint_remote(connection, &remote);

	if (r < 0)
		return r;
	snprintf(port, sizeof(port), "%u", remote.port);
	if (setenv("REMOTE_ADDR", remote.address, 1) < 0 || setenv("REMOTE_PORT", port, 1) < 0)
		return -errno;
	return 0;
}

/* spawn() - the program, on this connection; returns its pid, -errno */
static pid_t spawn(struct supervisor *supervisor, int connection)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	error = posix_spawn_file_actions_adddup2(&actions, connection, STDIN_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, connection, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (error == 0)
		error = posix_spawnp(&pid, supervisor->argv[0], &actions, &supervisor->attributes,
				     supervisor->argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error ? -error : pid;
}

/* is_shortage() - errors after which the next attempt would fail too, for a while */
static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* take() - one connection of a listener that is ready */
static void take(struct supervisor *supervisor, int listener)
{
	_cleanup_close_ int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	pid_t pid;

	if (connection < 0) {
		/* The others (accept(2)): that connection's own, and it is gone. */
		supervisor->resting = is_shortage(errno);
		if (supervisor->resting)
			program_say(supervisor->program, "cannot take a connection: %s",
				    strerror(errno));
		return;
	}
	if (name_caller(connection) < 0)
		return; /* hung up meanwhile */
	pid = spawn(supervisor, connection);
	if (pid > 0) {
		supervisor->pids[supervisor->running++] = pid;
		return;
	}
	/* EAGAIN: the user has as many processes as he may (RLIMIT_NPROC). */
	supervisor->resting = is_shortage(-pid) || pid == -EAGAIN;
	execute_failed(supervisor->program, supervisor->argv[0], -pid);
}

static void reap(struct supervisor *supervisor)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		for (size_t i = 0; i < supervisor->running; i++) {
			if (supervisor->pids[i] != pid)
				continue;
			supervisor->pids[i] = supervisor->pids[--supervisor->running];
			break;
		}
	}
}

static bool is_ending(int number)
{
	for (size_t i = 0; i < ELEMENTS(ends); i++) {
		if (ends[i] == number)
			return true;
	}
	return false;
}

/* end() - no new connections: who waits in the backlog is reset at once */
static void end(struct supervisor *supervisor)
{
	supervisor->ending = true;
	for (size_t i = 1; i < supervisor->n_listeners + 1; i++) {
		cleanup_close(&supervisor->watched[i].fd);
		supervisor->watched[i].fd = -EBADF;
	}
}

static void take_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo told;

	while (read(supervisor->watched[0].fd, &told, sizeof(told)) == (ssize_t)sizeof(told)) {
		int number = (int)told.ssi_signo;

		/* First who has ended: a pid that was reaped may be another process's. */
		reap(supervisor);
		if (number == SIGCHLD)
			continue;
		for (size_t i = 0; i < supervisor->running; i++)
			kill(supervisor->pids[i], number);
		if (is_ending(number) && !supervisor->ending)
			end(supervisor);
	}
}

/* wait_for_more() - signals; connections only where there is room for one. Returns 0, -errno */
static int wait_for_more(struct supervisor *supervisor)
{
	bool room = supervisor->running < supervisor->limit && !supervisor->resting;
	nfds_t n = room && !supervisor->ending ? supervisor->n_listeners + 1 : 1;
	int r = poll(supervisor->watched, n, supervisor->resting ? REST_MSEC : -1);

	supervisor->resting = false;
	for (size_t i = r > 0 ? n : 0; i < supervisor->n_listeners + 1; i++)
		supervisor->watched[i].revents = 0;
	return r < 0 && errno != EINTR ? -errno : 0;
}

static int serve(struct supervisor *supervisor)
{
	while (!supervisor->ending || supervisor->running) {
		int r = wait_for_more(supervisor);

		if (r < 0)
			return r;
		if (supervisor->watched[0].revents)
			take_signals(supervisor);
		for (size_t i = 1; i < supervisor->n_listeners + 1; i++) {
			if (supervisor->watched[i].revents && !supervisor->ending &&
			    supervisor->running < supervisor->limit)
				take(supervisor, supervisor->watched[i].fd);
		}
	}
	return 0;
}

int inetd_serve(struct program *program, int *listeners, size_t n_listeners, size_t limit,
		char **argv)
{
	_cleanup_(supervisor_clear) struct supervisor supervisor = {
		.program = program,
		.argv = argv,
		.n_listeners = n_listeners,
		.limit = limit,
	};
	int r = begin(&supervisor, listeners);

	if (r == 0)
		r = serve(&supervisor);
	if (r < 0)
		return program_say(program, "cannot go on: %s", strerror(-r));
	return EXIT_YES;
}
