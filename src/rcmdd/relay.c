/* SPDX-License-Identifier: MIT */
#include "rcmdd/relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcmd/status.h"

#define PIECE 16384

/* struct relaying - where it stands */
struct relaying {
	const struct relay *relay;
	int ended_fd; /* readable when the command has ended; -1: it has, and may be waited for */
	int status;   /* then */
	bool errors_open;    /* the pipe has not ended */
	bool signals_open;   /* the client's side of the channel has not ended */
	bool deaf;           /* the client takes nothing more */
	bool last_is_queued; /* the frame of the exit */
	char out[RCMD_STATUS_MAGIC_SIZE + RCMD_FRAME_HEAD + PIECE]; /* [sent, filled) waits */
	size_t sent, filled;
};

static void put(struct relaying *relaying, const void *bytes, size_t size)
{
	memcpy(relaying->out + relaying->filled, bytes, size);
	relaying->filled += size;
}

/* take_errors() - the next piece of standard error, when all before is gone */
static void take_errors(struct relaying *relaying)
{
	size_t head = relaying->relay->framed ? RCMD_FRAME_HEAD : 0;
	ssize_t n;

	relaying->sent = relaying->filled = 0;
	n = read(relaying->relay->errors, relaying->out + head, PIECE);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		relaying->errors_open = false;
		return;
	}
	if (relaying->deaf)
		return;
	if (head)
		rcmd_stderr_head((uint16_t)n, (uint8_t *)relaying->out);
	relaying->filled = head + (size_t)n;
}

static void send_out(struct relaying *relaying)
{
	/* What is last goes with the channel's end, which comes at once: a segment, and the client wakes once. */
	int more = relaying->last_is_queued ? MSG_MORE : 0;
	ssize_t n = send(relaying->relay->channel, relaying->out + relaying->sent,
			 relaying->filled - relaying->sent, MSG_NOSIGNAL | more);

	if (n >= 0) {
		relaying->sent += (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		/* The command goes on: what it says is read, and nobody hears it. */
		relaying->deaf = true;
		relaying->sent = relaying->filled = 0;
	}
}

/* take_signals() - to the whole group, with the user's own right to do so */
static void take_signals(struct relaying *relaying)
{
	uint8_t bytes[64];
	ssize_t n = recv(relaying->relay->channel, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		relaying->signals_open = false;
	for (ssize_t i = 0; i < n; i++) {
		/* Not once it has ended: the monitor would wait for it if we were not here. */
		if (relaying->ended_fd >= 0 && rcmd_signal_valid(bytes[i]))
			kill(-relaying->relay->pid, bytes[i]);
	}
}

static int take_end(struct relaying *relaying)
{
	ssize_t n = read(relaying->ended_fd, &relaying->status, sizeof(relaying->status));

	if (n != sizeof(relaying->status))
		return n < 0 ? -errno : -ECHILD;
	close(relaying->ended_fd);
	relaying->ended_fd = -1;
	return 0;
}

static bool is_waiting(const struct relaying *relaying)
{
	return relaying->sent < relaying->filled;
}

/* queue_last() - how the command ended, behind all that it said */
static void queue_last(struct relaying *relaying)
{
	uint8_t frame[RCMD_EXIT_FRAME];

	if (relaying->errors_open || relaying->ended_fd >= 0 || is_waiting(relaying) ||
	    relaying->last_is_queued)
		return;
	relaying->last_is_queued = true;
	if (!relaying->relay->framed || relaying->deaf)
		return;
	relaying->sent = relaying->filled = 0;
	rcmd_exit_frame(relaying->status, frame);
	put(relaying, frame, sizeof(frame));
}

/* is_over() - see relay.h */
static bool is_over(const struct relaying *relaying)
{
	if (relaying->last_is_queued && !is_waiting(relaying))
		return true;
	return relaying->ended_fd < 0 && (relaying->deaf || !relaying->signals_open) &&
	       !is_waiting(relaying) && !relaying->relay->framed;
}

static int step(struct relaying *relaying)
{
	const struct relay *relay = relaying->relay;
	short channel = (short)((relaying->signals_open ? POLLIN : 0) |
				(is_waiting(relaying) ? POLLOUT : 0));
	struct pollfd watched[] = {
		/* A descriptor of which nothing is wanted is left out, or its end would be told for ever. */
		{ .fd = channel ? relay->channel : -1, .events = channel },
		{ .fd = relaying->errors_open && !is_waiting(relaying) ? relay->errors : -1,
		  .events = POLLIN },
		{ .fd = relaying->ended_fd, .events = POLLIN },
	};

	if (poll(watched, ELEMENTS(watched), -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (watched[0].revents && relaying->signals_open)
		take_signals(relaying);
	if (watched[0].revents && is_waiting(relaying))
		send_out(relaying);
	if (watched[1].revents)
		take_errors(relaying);
	if (watched[2].revents)
		return take_end(relaying);
	return 0;
}

int relay_run(const struct relay *relay)
{
	struct relaying relaying = {
		.relay = relay,
		.errors_open = true,
		.signals_open = true,
		.ended_fd = relay->ended,
	};
	int r = 0;

	if (relay->framed)
		put(&relaying, RCMD_STATUS_MAGIC, RCMD_STATUS_MAGIC_SIZE);
	while (r == 0 && !is_over(&relaying)) {
		r = step(&relaying);
		queue_last(&relaying);
	}
	return r < 0 ? r : relaying.status;
}
