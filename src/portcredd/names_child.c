/* SPDX-License-Identifier: MIT */
/*
 * names_child.c - the name service: a supervisor that holds no privilege (base/isolate.h) and reads no
 * byte, and its workers, which call the name service modules
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/isolate.h"
#include "portcredd/names.h"
#include "portcredd/names_worker.h"

#define MAX_DESCRIPTORS 64U
#define MAX_MEMORY      (512U << 20) /* a group of a directory can have very many members */

/* What the service says of itself. A daemon that does not listen any more needs no answer. */
static void report(int fd, int status)
{
	struct names_answer answer = { .status = status };
	uint8_t frame[NAMES_ANSWER_SIZE];

	names_answer_encode(&answer, frame);
	send(fd, frame, sizeof(frame), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Throws away what a worker left behind: else the next would fail of the same request. */
static void discard(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) > 0)
		;
}

/*
 * Waits for a worker's end, kills it when its time is up or when the daemon has gone.
 * Returns 0 if it ended well, -ETIMEDOUT, -EIO.
 */
static int await_worker(int fd, pid_t worker, unsigned limit_ms)
{
	_cleanup_close_ int process = (int)syscall(SYS_pidfd_open, worker, 0);
	struct pollfd ready[] = { { .fd = process, .events = POLLIN }, { .fd = fd, .events = 0 } };
	int status, n;

	n = process < 0 ? -1 : poll(ready, ELEMENTS(ready), (int)limit_ms);
	if (n <= 0 || !(ready[0].revents & POLLIN))
		kill(worker, SIGKILL);
	while (waitpid(worker, &status, 0) < 0)
		if (errno != EINTR)
			return -EIO;
	if (n == 0)
		return -ETIMEDOUT;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -EIO;
}

static void serve_once(int fd, unsigned limit_ms)
{
	pid_t supervisor = getpid(), worker = fork();
	int status;

	if (worker == 0) {
		if (isolate_end_with(supervisor) < 0)
			_exit(EXIT_FAILURE);
		names_work(fd, limit_ms);
	}
	status = worker < 0 ? -errno : await_worker(fd, worker, limit_ms);
	if (status < 0) {
		discard(fd);
		report(fd, status);
	}
}

void names_serve(int fd, pid_t parent, unsigned worker_limit_ms)
{
	const struct isolation isolation = {
		.fd = fd,
		.parent = parent,
		.descriptors = MAX_DESCRIPTORS,
		.memory = MAX_MEMORY,
		.user = ISOLATED_NAMES,
	};
	struct pollfd ready = { .fd = ISOLATED_FD, .events = POLLIN };
	int error = isolate(&isolation);

	prctl(PR_SET_NAME, "portcredd-names", 0, 0, 0);
	report(ISOLATED_FD, error);
	if (error < 0)
		_exit(EXIT_FAILURE);
	for (;;) {
		if (poll(&ready, 1, -1) < 0 && errno != EINTR)
			_exit(EXIT_FAILURE);
		if (ready.revents & (POLLHUP | POLLERR | POLLNVAL))
			_exit(EXIT_SUCCESS); /* the daemon has closed its end */
		if (ready.revents & POLLIN)
			serve_once(ISOLATED_FD, worker_limit_ms);
	}
}
