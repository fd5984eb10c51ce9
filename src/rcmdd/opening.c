/* SPDX-License-Identifier: MIT */
#include "rcmdd/opening.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "rcmdd/bare.h"
#include "rcmdd/confine.h"
#include "rcmdd/descriptors.h"
#include "rcmdd/moment.h"

/* begin_reading() - in the child */
static _Noreturn void begin_reading(int fd, enum rcmd_service service, pid_t parent)
{
	if (confine(fd, parent) < 0)
		_exit(EXIT_FAILURE);
	opening_read(fd, service);
}

int opening_start(struct opening *opening, enum rcmd_service service)
{
	_cleanup_close_ int theirs = -EBADF;
	pid_t parent = getpid();
	int pair[2];

	opening->frame = malloc(OPENING_FRAME_MAX);
	if (!opening->frame)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	opening->fd = pair[0];
	theirs = pair[1];
	opening->state = opening_begin(service);
	opening->pid = bare_fork();
	if (opening->pid < 0)
		return -errno;
	if (opening->pid == 0)
		begin_reading(theirs, service, parent);
	return 0;
}

int opening_hand(struct opening *opening, int connection)
{
	return descriptor_send(opening->fd, connection, "", 1);
}

int opening_receive(struct opening *opening, uint64_t deadline, struct opening_message *ret_message)
{
	struct pollfd readable = { .fd = opening->fd, .events = POLLIN };
	ssize_t size;
	int n;

	do
		n = poll(&readable, 1, moment_left(deadline));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	/* MSG_TRUNC: a longer one says how long it is, and is none. */
	size = recv(opening->fd, opening->frame, OPENING_FRAME_MAX, MSG_DONTWAIT | MSG_TRUNC);
	if (size <= 0)
		return size < 0 && errno != ECONNRESET ? -errno : -EPIPE;
	if ((size_t)size > OPENING_FRAME_MAX) {
		opening->used = OPENING_FRAME_MAX;
		return -EBADMSG;
	}
	if (opening->used < (size_t)size)
		opening->used = (size_t)size;
	return opening_decode(opening->frame, (size_t)size, &opening->state, ret_message);
}

int opening_ask(struct opening *opening, const char *prompt)
{
	char frame[1 + OPENING_PROMPT_MAX] = { OPENING_ASK };
	size_t length = strnlen(prompt, OPENING_PROMPT_MAX);

	if (opening->state != OPENING_QUIET)
		return -EPROTO;
	memcpy(frame + 1, prompt, length);
	if (send(opening->fd, frame, 1 + length, MSG_NOSIGNAL) < 0)
		return -errno;
	opening->state = OPENING_ASKED;
	return 0;
}

void opening_clear(struct opening *opening)
{
	if (opening->fd >= 0)
		close(TAKE_FD(opening->fd));
	if (opening->pid > 0) {
		/* It may wait for a client who says nothing, or for one that takes nothing. */
		kill(opening->pid, SIGKILL);
		while (waitpid(opening->pid, NULL, 0) < 0 && errno == EINTR)
			;
		opening->pid = -1;
	}
	if (opening->frame)
		explicit_bzero(opening->frame, opening->used);
	free(opening->frame);
	opening->frame = NULL;
}
