/* SPDX-License-Identifier: MIT */
/*
 * load_stream.c - what an established connection carries
 *
 * Timed is what is carried, not the handshake. Large writes go from one process to another; a byte
 * goes to and fro inside one process, so that neither the scheduler nor the other processor has a say
 * in what a segment costs.
 */
#include "load.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEBIBYTE (1U << 20)

static void send_all(int fd, long megabytes)
{
	static char buffer[MEBIBYTE];

	for (long i = 0; i < megabytes; i++) {
		for (size_t sent = 0; sent < sizeof(buffer);) {
			ssize_t n = write(fd, buffer + sent, sizeof(buffer) - sent);

			if (n < 0)
				die("write");
			sent += (size_t)n;
		}
	}
}

/* read_all() - returns the bytes until the sender is through */
static long read_all(int fd)
{
	static char buffer[MEBIBYTE];
	long total = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		total += n;
	if (n < 0)
		die("read");
	return total;
}

void load_bulk(int argc, char *argv[])
{
	long megabytes = number(argv[0]);
	struct way way = way_from_arguments(argc - 1, argv + 1);
	struct ends ends = way_connect(&way);
	uint64_t start;
	pid_t sender;
	int status;

	way_check(&way, &ends);
	start = now();
	sender = fork();
	if (sender < 0)
		die("fork");
	if (sender == 0) {
		send_all(ends.client, megabytes);
		_exit(0);
	}
	close(ends.client);
	if (read_all(ends.server) != megabytes * (long)MEBIBYTE)
		die_saying("bytes were lost");
	report(now() - start, megabytes);
	if (waitpid(sender, &status, 0) < 0 || status != 0)
		die_saying("the sender failed");
}

static void carry(int from, int to)
{
	char byte = 'x';

	if (write(from, &byte, 1) != 1 || read(to, &byte, 1) != 1)
		die("carry");
}

/* volley() - a byte there and back again; returns the nanoseconds */
static uint64_t volley(const struct ends *ends)
{
	uint64_t start = now();

	carry(ends->client, ends->server);
	carry(ends->server, ends->client);
	return now() - start;
}

void load_pingpong(int argc, char *argv[])
{
	struct slices slices = { .count = number(argv[0]) };
	struct way way = way_from_arguments(argc - 1, argv + 1);
	struct ends ends = way_connect(&way);
	int one = 1;

	way_check(&way, &ends);
	if (setsockopt(ends.client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    setsockopt(ends.server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		die("TCP_NODELAY");
	for (long i = -slices.count / 10; i < slices.count; i++)
		slices_add(&slices, i, volley(&ends));
	slices_report(&slices);
}
