/* SPDX-License-Identifier: MIT */
/*
 * listener.c - a service as its author would write it with sd_listen_fds(3)
 *
 * Prints "NAME FAMILY PROTOCOL PORT" for each socket that it was given, then answers one caller, of
 * the first that listens, with its own port. Exit status 1 where it was given none.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static unsigned port_of(int fd)
{
	struct sockaddr_in6 address = { 0 }; /* the port is where sockaddr_in has it */
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return 0;
	return ntohs(address.sin6_port);
}

static int answer(int listener)
{
	int connection = accept(listener, NULL, NULL);

	if (connection < 0 || dprintf(connection, "at %u\n", port_of(listener)) < 0)
		return EXIT_FAILURE;
	close(connection);
	return EXIT_SUCCESS;
}

int main(void)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names), listener = -1;

	if (n <= 0) {
		fprintf(stderr, "no sockets\n");
		return EXIT_FAILURE;
	}
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		bool listens = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0;

		printf("%s %s %s %u\n", names[i],
		       sd_is_socket(fd, AF_INET6, 0, -1) > 0 ? "ipv6" : "ipv4",
		       listens ? "tcp" : "udp", port_of(fd));
		if (listens && listener < 0)
			listener = fd;
		free(names[i]);
	}
	free(names);
	fflush(stdout);
	return listener < 0 ? EXIT_SUCCESS : answer(listener);
}
