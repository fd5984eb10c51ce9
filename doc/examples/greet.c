/* SPDX-License-Identifier: MIT */
/*
 * greet.c - a TCP server that greets who calls by name and host
 *
 * greet [PORT]      on loopback; without a port the kernel chooses one, which is printed
 *
 *	cc greet.c $(pkg-config --cflags --libs portcred) -o greet
 */
#include <netinet/in.h>
#include <portcred/portcred.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_on(unsigned short port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	address.sin6_addr = in6addr_loopback;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
		perror("greet");
		exit(EXIT_FAILURE);
	}
	printf("greet: listening on port %u\n", ntohs(address.sin6_port));
	fflush(stdout);
	return fd;
}

static void greet(int fd)
{
	struct portcred_peer *peer;
	char *user = NULL;
	uid_t uid;
	int error = portcred_peer(fd, &peer);

	if (error < 0) {
		fprintf(stderr, "greet: %s\n", portcred_error_text(error));
		return;
	}
	if (portcred_peer_uid(peer, &uid) < 0)
		dprintf(fd, "Hello, stranger.\n");
	else if (portcred_peer_user(peer, &user) < 0)
		dprintf(fd, "Hello, user %u of %s.\n", uid, portcred_peer_host(peer));
	else
		dprintf(fd, "Hello, %s of %s.\n", user, portcred_peer_host(peer));
	free(user);
	portcred_peer_free(peer);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? (unsigned short)atoi(argv[1]) : 0);

	signal(SIGPIPE, SIG_IGN); /* a caller who has hung up already */
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		greet(fd);
		close(fd);
	}
}
