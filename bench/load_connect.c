/* SPDX-License-Identifier: MIT */
/*
 * load_connect.c - TCP connections, both ends in one process
 *
 * The two ends may belong to two hosts: a socket stays in the network namespace and the cgroup in
 * which it was made, whoever holds it.
 */
#include "load.h"

#include "portcred/portcred.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct way way_from_arguments(int argc, char *argv[])
{
	struct way way = { .address = loopback(argc ? (unsigned)number(argv[0]) : 0) };

	if (argc >= 2 && strcmp(argv[1], "vouched") == 0)
		way.expected = EXPECT_VOUCHED;
	else if (argc >= 2 && strcmp(argv[1], "unknown") == 0)
		way.expected = EXPECT_UNKNOWN;
	else if (argc)
		die_saying("neither vouched nor unknown is expected");
	if (argc == 4) {
		way.listening = (int)number(argv[3]);
		if (inet_pton(AF_INET, argv[2], &way.address.sin_addr) != 1)
			die_saying("not an address");
	} else {
		way.listening = listener(&way.address);
	}
	return way;
}

struct ends way_connect(const struct way *way)
{
	struct ends ends = { .client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

	if (ends.client < 0 ||
	    connect(ends.client, (const struct sockaddr *)&way->address, sizeof(way->address)) < 0)
		die("connect");
	ends.server = accept4(way->listening, NULL, NULL, SOCK_CLOEXEC);
	if (ends.server < 0)
		die("accept");
	return ends;
}

/* ask() - enum portcred_known of the other end; PORTCRED_UNKNOWN without portcred, too */
static unsigned ask(int fd)
{
	struct portcred_record record;
	socklen_t length = sizeof(record);

	if (getsockopt(fd, SOL_PORTCRED, PORTCRED_PEER, &record, &length) == 0)
		return record.known;
	if (errno != ENOPROTOOPT && errno != EOPNOTSUPP)
		die("getsockopt of who is there");
	return PORTCRED_UNKNOWN;
}

static int is_expected(const struct way *way, int fd)
{
	unsigned known = ask(fd);

	if (way->expected == EXPECT_VOUCHED)
		return known == PORTCRED_LOCAL || known == PORTCRED_VOUCHED;
	return known == PORTCRED_UNKNOWN;
}

void way_check(const struct way *way, const struct ends *ends)
{
	if (way->expected == EXPECT_ANYTHING)
		return;
	if (!is_expected(way, ends->client) || !is_expected(way, ends->server))
		die_saying(way->expected == EXPECT_VOUCHED ? "a connection was not vouched"
							   : "a connection was vouched");
}

void reset_on_close(int fd)
{
	struct linger reset = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		die("SO_LINGER");
}

/* connect_once() - returns the nanoseconds of connect, accept and close */
static uint64_t connect_once(const struct way *way)
{
	uint64_t start = now(), spent;
	struct ends ends = way_connect(way);

	spent = now() - start;
	way_check(way, &ends);
	reset_on_close(ends.client);
	start = now();
	close(ends.client);
	close(ends.server);
	return spent + now() - start;
}

void load_connect(int argc, char *argv[])
{
	struct slices slices = { .count = number(argv[0]) };
	struct way way = way_from_arguments(argc - 1, argv + 1);

	for (long i = -slices.count / 10; i < slices.count; i++)
		slices_add(&slices, i, connect_once(&way));
	slices_report(&slices);
}

void load_acceptmany(int argc, char *argv[])
{
	struct slices slices = { .count = number(argv[1]) };
	size_t n;
	struct pair *pairs = read_pairs(argv[0], &n);

	srandom((unsigned)number(argv[2]));
	for (long i = -slices.count / 10; i < slices.count; i++) {
		const struct pair *pair = &pairs[(size_t)random() % n];
		struct way way = { .address = loopback(pair->port), .expected = EXPECT_VOUCHED };
		uint64_t once;

		way.listening = listener(&way.address);
		become(pair->uid);
		once = connect_once(&way);
		become(0);
		close(way.listening);
		slices_add(&slices, i, once);
	}
	free(pairs);
	slices_report(&slices);
}
