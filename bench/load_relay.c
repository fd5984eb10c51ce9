/* SPDX-License-Identifier: MIT */
/*
 * load_relay.c - the least that can stand between a client and a server: bytes in, the same bytes out
 *
 * It understands nothing, asks for bytes and not first whether there are any, and serves one connection
 * at a time: what it costs is what the kernel takes for two sockets more. Who reads what he passes cannot
 * cost less where records are short; where they are long he can, for this one copies. Two things it has from
 * the NFS gate, so that they are no difference: it looks for the next bytes before it sleeps, with a chance
 * for others now and then (nfsgate/busy_poll.h), and it sends to the server without pacing (tune(),
 * nfsgate/session.c).
 */
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nfsgate/busy_poll.h"
#include "nfsgate/options.h"

/* Nanoseconds. */
#define LOOK (DEFAULT_POLL * 1000U)

#define BUFFER (256U << 10)

/* struct direction - what was received and not sent yet lies from @begin to @end */
struct direction {
	int from, to;
	size_t begin, end;
	char bytes[BUFFER];
};

enum { ENDED = -1, NOTHING, CARRIED };

/* went() - @n as recv(2) and send(2) return it */
static int went(ssize_t n)
{
	if (n > 0)
		return CARRIED;
	return n < 0 && errno == EAGAIN ? NOTHING : ENDED;
}

static int carry(struct direction *way)
{
	ssize_t n;
	int r;

	if (way->begin == way->end) {
		n = recv(way->from, way->bytes, BUFFER, MSG_DONTWAIT);
		r = went(n);
		if (r != CARRIED)
			return r;
		way->begin = 0;
		way->end = (size_t)n;
	}
	n = send(way->to, way->bytes + way->begin, way->end - way->begin,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	r = went(n);
	if (r == CARRIED)
		way->begin += (size_t)n;
	return r;
}

static int carry_both(struct direction ways[static 2])
{
	int there = carry(&ways[0]), back = carry(&ways[1]);

	if (there == ENDED || back == ENDED)
		return ENDED;
	return there == CARRIED || back == CARRIED ? CARRIED : NOTHING;
}

/* look() - as carry_both(), again and again for LOOK */
static int look(struct direction ways[static 2])
{
	uint64_t begin = now(), turn = begin, time = begin;

	while (time < begin + LOOK) {
		int r = carry_both(ways);

		if (r != NOTHING)
			return r;
		if (time >= turn) {
			sched_yield();
			turn = now() + BUSY_POLL_TURN;
		}
		time = now();
	}
	return NOTHING;
}

/* rest() - sleep, until there is something to receive, or room for what was received */
static void rest(const struct direction ways[static 2])
{
	struct pollfd sockets[2];

	for (int i = 0; i < 2; i++) {
		const struct direction *out = &ways[i], *in = &ways[1 - i];
		bool empty = out->begin == out->end, full = in->begin < in->end;

		sockets[i] = (struct pollfd){
			.fd = out->from,
			.events = (short)((empty ? POLLIN : 0) | (full ? POLLOUT : 0)),
		};
	}
	if (poll(sockets, 2, -1) < 0)
		die("poll");
}

static int call_server(unsigned port)
{
	static const char congestion[] = "reno";
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, sizeof(congestion) - 1) < 0)
		die("server");
	return fd;
}

static void no_delay(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		die("TCP_NODELAY");
}

static void serve(int client, unsigned port)
{
	static struct direction ways[2];
	int server = call_server(port), r;

	no_delay(client);
	no_delay(server);
	ways[0].from = ways[1].to = client;
	ways[0].to = ways[1].from = server;
	ways[0].begin = ways[0].end = ways[1].begin = ways[1].end = 0;
	while ((r = look(ways)) != ENDED) {
		if (r == NOTHING)
			rest(ways);
	}
	close(server);
	close(client);
}

void load_relay(int argc, char *argv[])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)number(argv[0])) };
	unsigned server = (unsigned)number(argv[1]);
	int listening = listener(&address);

	for (;;) {
		int client = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			die("accept");
		serve(client, server);
	}
}
