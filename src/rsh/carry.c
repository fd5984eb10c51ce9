/* SPDX-License-Identifier: MIT */
#include "rsh/carry.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "rsh/buffer.h"

/* struct flow - one direction; bytes[@start .. @end - 1] are read and not sent */
struct flow {
	int from, to;
	uint8_t *bytes;
	size_t start, end;
	bool ended; /* no more is read */
};

enum {
	TO_SERVER,
	TO_PARENT,
	SECOND_TO_SERVER,
	SECOND_TO_PARENT,
	FLOWS,
};

struct carry {
	const struct carry_pair *pairs;
	struct flow flows[FLOWS];
	bool over; /* the parent is gone */
};

static void carry_clear(struct carry *carry)
{
	for (size_t i = 0; i < FLOWS; i++)
		free(carry->flows[i].bytes);
}

static int begin(struct carry *carry)
{
	for (size_t i = 0; i < FLOWS; i++) {
		const struct carry_pair *pair = &carry->pairs[i / 2];
		struct flow *flow = &carry->flows[i];

		flow->from = i % 2 == 0 ? pair->parent : pair->connection;
		flow->to = i % 2 == 0 ? pair->connection : pair->parent;
		flow->ended = pair->connection < 0;
		flow->bytes = buffer_new();
		if (!flow->bytes)
			return -ENOMEM;
	}
	return 0;
}

static bool is_empty(const struct flow *flow)
{
	return flow->start == flow->end;
}

static bool is_over(const struct flow *flow)
{
	return flow->ended && is_empty(flow);
}

static bool is_later(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* give() - what is in hand; who reads no more is sent no more, and what he says is still carried */
static void give(struct flow *flow)
{
	ssize_t n = 0;

	if (!is_empty(flow))
		n = send(flow->to, flow->bytes + flow->start, flow->end - flow->start,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0) {
		flow->start += (size_t)n;
	} else if (!is_later(errno)) {
		flow->start = flow->end = 0;
		flow->ended = true;
		shutdown(flow->from, SHUT_RD);
	}
	if (is_over(flow))
		shutdown(flow->to, SHUT_WR);
}

static void take(struct flow *flow)
{
	ssize_t n = recv(flow->from, flow->bytes, BUFFER_SIZE, MSG_DONTWAIT);

	if (n < 0 && is_later(errno))
		return;
	flow->ended = n <= 0;
	flow->start = 0;
	flow->end = n > 0 ? (size_t)n : 0;
	give(flow);
}

/* take_urgent() - one byte beside the stream; it has a way of its own to the parent */
static void take_urgent(const struct carry *carry)
{
	char byte;

	/* Where so many wait that there is no room, one more says nothing new. */
	if (recv(carry->pairs[0].connection, &byte, 1, MSG_OOB | MSG_DONTWAIT) == 1 &&
	    carry->pairs[1].connection < 0)
		send(carry->pairs[1].parent, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* wanted() - what to wait for at one end: 0: nothing, and it must not be in the list */
static short wanted(const struct flow *reads, const struct flow *writes)
{
	short events = 0;

	if (!reads->ended && is_empty(reads))
		events |= POLLIN;
	if (!is_empty(writes))
		events |= POLLOUT;
	return events;
}

static void watch(const struct carry *carry, struct pollfd watched[static FLOWS])
{
	for (size_t i = 0; i < FLOWS; i++) {
		const struct flow *reads = &carry->flows[i], *writes = &carry->flows[i ^ 1];
		short events = wanted(reads, writes);

		watched[i] = (struct pollfd){ .fd = events ? reads->from : -1, .events = events };
	}
	/* While the stream goes on: whether the parent is gone, and urgent bytes. */
	if (!is_over(&carry->flows[TO_PARENT]))
		watched[TO_SERVER].fd = carry->pairs[0].parent;
	if (!carry->flows[TO_PARENT].ended) {
		watched[TO_PARENT].fd = carry->pairs[0].connection;
		watched[TO_PARENT].events |= POLLPRI;
	}
}

static void step(struct carry *carry, const struct pollfd watched[static FLOWS])
{
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow *reads = &carry->flows[i], *writes = &carry->flows[i ^ 1];
		short ready = watched[i].revents;

		if (ready && !is_empty(writes))
			give(writes);
		if (ready & ~(POLLOUT | POLLPRI) && !reads->ended && is_empty(reads))
			take(reads);
	}
	if (watched[TO_PARENT].revents & POLLPRI)
		take_urgent(carry);
	/* Closed in both directions, and not by us: it has ended. */
	carry->over =
		(watched[TO_SERVER].revents & POLLHUP) != 0 && !is_over(&carry->flows[TO_PARENT]);
}

int carry_run(const struct carry_pair pairs[static 2])
{
	_cleanup_(carry_clear) struct carry carry = { .pairs = pairs };
	int r = begin(&carry);

	while (r == 0 && !carry.over &&
	       !(is_over(&carry.flows[TO_SERVER]) && is_over(&carry.flows[TO_PARENT]) &&
		 is_over(&carry.flows[SECOND_TO_PARENT]))) {
		struct pollfd watched[FLOWS];

		watch(&carry, watched);
		if (poll(watched, FLOWS, -1) >= 0)
			step(&carry, watched);
		else if (errno != EINTR)
			r = -errno;
	}
	return r;
}
