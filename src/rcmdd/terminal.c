/* SPDX-License-Identifier: MIT */
#include "rcmdd/terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcmdd/descriptors.h"
#include "rcmdd/window.h"

#define PIECE 4096

/* What a client is told; the last three are those that the terminal tells us (TIOCPKT, ioctl_tty(2)). */
#define SEND_WINDOW 0x80
#define TOLD        (TIOCPKT_FLUSHWRITE | TIOCPKT_NOSTOP | TIOCPKT_DOSTOP)

_Static_assert(TIOCPKT_FLUSHWRITE == 0x02 && TIOCPKT_NOSTOP == 0x10 && TIOCPKT_DOSTOP == 0x20,
	       "RFC 1282 has the numbers of TIOCPKT");

/* struct flow - one direction: bytes [sent, filled) wait */
struct flow {
	uint8_t bytes[PIECE + WINDOW_BYTES];
	size_t sent, filled;
};

/* struct terminal - where it stands */
struct terminal {
	int connection, master;
	struct window_reader window;
	struct flow typed, shown;
	uint8_t urgent; /* waits to be sent; 0: nothing does */
	uint8_t asking; /* SEND_WINDOW until a size has come: of two urgent bytes a client may hear the
			 * second one alone (tcp(7)) */
	bool hung_up; /* the terminal; what it said may still wait */
	bool gone;    /* the client */
};

static bool is_waiting(const struct flow *flow)
{
	return flow->sent < flow->filled;
}

static bool is_passing(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* take_typed() - from the client, when all before has been given to the terminal */
static void take_typed(struct terminal *terminal)
{
	uint8_t bytes[PIECE];
	struct winsize size;
	ssize_t n = recv(terminal->connection, bytes, sizeof(bytes), 0);

	if (n < 0 && is_passing(errno))
		return;
	if (n <= 0) {
		terminal->gone = true;
		return;
	}
	terminal->typed.sent = 0;
	/* A size that the terminal does not take is a size that it does not have. */
	if (!window_take(&terminal->window, bytes, (size_t)n, terminal->typed.bytes,
			 &terminal->typed.filled, &size))
		return;
	terminal->asking = 0;
	ioctl(terminal->master, TIOCSWINSZ, &size);
}

static void give_typed(struct terminal *terminal)
{
	struct flow *flow = &terminal->typed;
	ssize_t n = write(terminal->master, flow->bytes + flow->sent, flow->filled - flow->sent);

	if (n > 0)
		flow->sent += (size_t)n;
	else if (n < 0 && !is_passing(errno))
		flow->sent =
			flow->filled; /* nobody reads there any more; the other side says when */
}

/* note() - what happened to the terminal, for the client */
static void note(struct terminal *terminal, uint8_t packet)
{
	/* Of these two only the later one is true. */
	if (packet & (TIOCPKT_NOSTOP | TIOCPKT_DOSTOP))
		terminal->urgent &= (uint8_t) ~(TIOCPKT_NOSTOP | TIOCPKT_DOSTOP);
	if (packet & TOLD)
		terminal->urgent |= (packet & TOLD) | terminal->asking;
	if (packet & TIOCPKT_FLUSHWRITE)
		terminal->shown.sent = terminal->shown.filled = 0;
}

/* take_packet() - what happened, while output waits here; no byte of output is taken */
static void take_packet(struct terminal *terminal)
{
	uint8_t packet;

	if (read(terminal->master, &packet, 1) == 1 && packet != TIOCPKT_DATA)
		note(terminal, packet);
}

/* take_shown() - a packet: a byte of what happened, or 0 and output */
static void take_shown(struct terminal *terminal)
{
	struct flow *flow = &terminal->shown;
	ssize_t n = read(terminal->master, flow->bytes, PIECE);

	if (n < 0 && is_passing(errno))
		return;
	flow->sent = flow->filled = 0;
	if (n <= 0) {
		terminal->hung_up = true;
		return;
	}
	if (flow->bytes[0] == TIOCPKT_DATA) {
		flow->sent = 1;
		flow->filled = (size_t)n;
	} else {
		note(terminal, flow->bytes[0]);
	}
}

static void send_urgent(struct terminal *terminal)
{
	ssize_t n = send(terminal->connection, &terminal->urgent, 1, MSG_OOB | MSG_NOSIGNAL);

	if (n == 1)
		terminal->urgent = 0;
	else if (n < 0 && !is_passing(errno))
		terminal->gone = true;
}

static void send_shown(struct terminal *terminal)
{
	struct flow *flow = &terminal->shown;
	ssize_t n = send(terminal->connection, flow->bytes + flow->sent, flow->filled - flow->sent,
			 MSG_NOSIGNAL);

	if (n > 0)
		flow->sent += (size_t)n;
	else if (n < 0 && !is_passing(errno))
		terminal->gone = true;
}

/* wanted_of_connection(), wanted_of_master() - what they are watched for */
static short wanted_of_connection(const struct terminal *terminal)
{
	bool out = terminal->urgent || is_waiting(&terminal->shown);

	/* One that takes nothing more from the client still has to hear that he is gone. */
	return (short)((is_waiting(&terminal->typed) ? POLLRDHUP : POLLIN) | (out ? POLLOUT : 0));
}

static short wanted_of_master(const struct terminal *terminal)
{
	if (terminal->hung_up)
		return 0;
	return (short)((is_waiting(&terminal->shown) ? POLLPRI : POLLIN) |
		       (is_waiting(&terminal->typed) ? POLLOUT : 0));
}

static int step(struct terminal *terminal)
{
	short connection = wanted_of_connection(terminal), master = wanted_of_master(terminal);
	struct pollfd watched[] = {
		{ .fd = terminal->connection, .events = connection },
		/* Of one that has hung up nothing is wanted, and it would be told for ever. */
		{ .fd = master ? terminal->master : -1, .events = master },
	};
	int n = poll(watched, ELEMENTS(watched), -1);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (watched[0].revents && (connection & POLLIN))
		take_typed(terminal);
	else if (watched[0].revents & (POLLRDHUP | POLLHUP | POLLERR))
		terminal->gone = true;
	if (watched[0].revents && terminal->urgent)
		send_urgent(terminal);
	if (watched[0].revents && is_waiting(&terminal->shown))
		send_shown(terminal);
	if (watched[1].revents && is_waiting(&terminal->typed))
		give_typed(terminal);
	if (watched[1].revents & POLLPRI)
		take_packet(terminal);
	else if (watched[1].revents && (master & POLLIN))
		take_shown(terminal);
	return 0;
}

static bool is_over(const struct terminal *terminal)
{
	return terminal->gone ||
	       (terminal->hung_up && !is_waiting(&terminal->shown) && !terminal->urgent);
}

int terminal_run(int connection, int master)
{
	struct terminal terminal = { connection, master, .urgent = SEND_WINDOW,
				     .asking = SEND_WINDOW };
	int on = 1, r;

	if (ioctl(master, TIOCPKT, &on) < 0)
		return -errno;
	/* Urgent bytes of a client mean nothing; they come where they stand. */
	if (setsockopt(connection, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) < 0)
		return -errno;
	r = descriptor_set_blocking(connection, false);
	if (r == 0)
		r = descriptor_set_blocking(master, false);
	while (r == 0 && !is_over(&terminal))
		r = step(&terminal);
	return r;
}
