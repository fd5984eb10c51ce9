/* SPDX-License-Identifier: MIT */
#include "portcred/suggest_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "portcred/event_lines.h"
#include "portcred/watch.h"

#define TICK_MSEC 1000

/* struct watched - the child, and what is said meanwhile */
struct watched {
	struct program *program;
	pid_t pid;
	int lines, signals; /* descriptors */
	unsigned seconds;
	time_t since; /* CLOCK_MONOTONIC; 0: not yet */
	bool shows;   /* standard error is a terminal */
	struct events *events;
};

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void watched_clear(struct watched *watched)
{
	cleanup_close(&watched->lines);
	cleanup_close(&watched->signals);
}

/* block() - the signals that end a watch; the child has them as they were */
static int block(sigset_t *ret_before)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &ends, ret_before) < 0)
		return -errno;
	return signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* be_watch() - the child; does not return */
static void __attribute__((noreturn))
be_watch(const struct program *ours, int out, unsigned seconds, const sigset_t *before)
{
	struct program program = *ours;
	const struct watch_style style = { .json = true, .announced = true, .seconds = seconds };

	program.out = fdopen(out, "w");
	if (!program.out || sigprocmask(SIG_SETMASK, before, NULL) < 0)
		_exit(EXIT_NO);
	_exit(program_end(&program, watch(&program, &style)));
}

/* begin() - 0, -errno */
static int begin(struct watched *watched)
{
	_cleanup_close_ int reading = -EBADF, writing = -EBADF;
	sigset_t before;
	int ends[2];

	watched->signals = block(&before);
	if (watched->signals < 0)
		return -errno;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	reading = ends[0];
	writing = ends[1];
	/* What is in its buffer would be written twice. */
	fflush(watched->program->out);
	watched->pid = fork();
	if (watched->pid < 0)
		return -errno;
	if (watched->pid == 0)
		be_watch(watched->program, TAKE_FD(writing), watched->seconds, &before);
	watched->lines = TAKE_FD(reading);
	return 0;
}

/* show() - how far it is: over what was shown before, for it only grows */
static void show(const struct watched *watched)
{
	FILE *err = watched->program->err;

	if (!watched->since)
		return;
	fprintf(err, "\rWatching: %lld of %u s, %" PRIu64 " binds (^C ends it) ",
		(long long)(now() - watched->since), watched->seconds,
		watched->events->sightings.told);
	fflush(err);
}

/* begun() - the daemon has answered: from here on nothing is missed */
static void begun(struct watched *watched)
{
	if (watched->since)
		return;
	watched->since = now();
	if (!watched->shows)
		program_say(watched->program,
			    "watching for %u s; SIGINT or SIGTERM ends it, and what was seen by "
			    "then is written",
			    watched->seconds);
}

/* take() - what the child has written; 1 at the end of it, 0, -errno */
static int take(struct watched *watched, struct event_lines *lines)
{
	char piece[4096];
	ssize_t n = read(watched->lines, piece, sizeof(piece));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return 1;
	begun(watched);
	return event_lines_take(lines, piece, (size_t)n);
}

static void pass_signals(const struct watched *watched)
{
	struct signalfd_siginfo told;

	while (read(watched->signals, &told, sizeof(told)) == (ssize_t)sizeof(told))
		kill(watched->pid, SIGTERM);
}

/* follow() - until the child has ended, 0, or with -errno before that */
static int follow(struct watched *watched, struct event_lines *lines)
{
	struct pollfd polled[] = {
		{ .fd = watched->lines, .events = POLLIN },
		{ .fd = watched->signals, .events = POLLIN },
	};
	int r = 0;

	while (r == 0) {
		if (watched->shows)
			show(watched);
		if (poll(polled, ELEMENTS(polled), watched->shows ? TICK_MSEC : -1) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		if (polled[1].revents)
			pass_signals(watched);
		if (polled[0].revents)
			r = take(watched, lines);
	}
	if (watched->shows && watched->since)
		fputc('\n', watched->program->err);
	return r < 0 ? r : event_lines_end(lines);
}

/* reap() - the status of the child, which ends by itself or has been told to */
static int reap(const struct watched *watched)
{
	int status;

	while (waitpid(watched->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_NO;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_NO;
}

int events_watch(struct program *program, unsigned seconds, struct events *events)
{
	_cleanup_(watched_clear) struct watched watched = {
		.program = program,
		.lines = -EBADF,
		.signals = -EBADF,
		.seconds = seconds,
		.shows = isatty(fileno(program->err)),
		.events = events,
	};
	_cleanup_(event_lines_clear) struct event_lines lines = {
		.program = program,
		.name = "portcredd",
		.sightings = &events->sightings,
		.unreadable = &events->unreadable,
	};
	int r, status;

	if (geteuid() != 0)
		program_say(program, "not root: only your own binds are told");
	r = begin(&watched);
	if (r < 0)
		return program_say(program, "cannot watch: %s", strerror(-r));
	r = follow(&watched, &lines);
	if (r < 0)
		kill(watched.pid, SIGTERM);
	status = reap(&watched);
	if (r < 0)
		return program_say(program, "cannot go on watching: %s", strerror(-r));
	return status;
}
