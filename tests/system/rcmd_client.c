/* SPDX-License-Identifier: MIT */
/*
 * rcmd_client.c - the C library's own clients of shell and exec: rcmd(3), rexec(3)
 *
 *	rcmd_client rcmd  HOST RUSER LUSER    COMMAND    as root, whose word about RUSER is to be taken
 *	rcmd_client rexec HOST USER  PASSWORD COMMAND
 *
 * Standard input, output and error are the command's. Exit status 1 where there was no command.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* struct stream - from one descriptor to another; `from` is -1 when it has ended */
struct stream {
	int from, to;
	bool half; /* `to` is a socket, to be told of the end */
};

static void carry(struct stream *stream)
{
	char bytes[65536];
	ssize_t n = read(stream->from, bytes, sizeof(bytes));

	for (ssize_t written = 0, w; n > 0 && written < n; written += w) {
		w = write(stream->to, bytes + written, (size_t)(n - written));
		if (w < 0)
			n = -1; /* nobody wants it any more */
	}
	if (n > 0)
		return;
	if (stream->half)
		shutdown(stream->to, SHUT_WR);
	stream->from = -1;
}

/* relay() - until the command's output and error have ended */
static void relay(int connection, int second)
{
	struct stream streams[] = {
		{ STDIN_FILENO, connection, true },
		{ connection, STDOUT_FILENO, false },
		{ second, STDERR_FILENO, false },
	};

	while (streams[1].from >= 0 || streams[2].from >= 0) {
		struct pollfd ready[3];

		for (int i = 0; i < 3; i++)
			ready[i] = (struct pollfd){ .fd = streams[i].from, .events = POLLIN };
		if (poll(ready, 3, -1) < 0)
			exit(EXIT_FAILURE);
		for (int i = 0; i < 3; i++)
			if (ready[i].revents)
				carry(&streams[i]);
	}
}

int main(int argc, char **argv)
{
	int connection, second = -1;
	char *host;

	if (argc != 6) {
		fprintf(stderr, "usage: %s rcmd|rexec HOST USER LUSER|PASSWORD COMMAND\n", argv[0]);
		return 2;
	}
	host = argv[2];
	if (strcmp(argv[1], "rcmd") == 0)
		connection = rcmd(&host, htons(514), argv[3], argv[4], argv[5], &second);
	else
		connection = rexec(&host, htons(512), argv[3], argv[4], argv[5], &second);
	if (connection < 0)
		return EXIT_FAILURE;
	relay(connection, second);
	return EXIT_SUCCESS;
}
