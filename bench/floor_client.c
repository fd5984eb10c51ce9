/* SPDX-License-Identifier: MIT */
/*
 * floor_client.c - the least that a client of rsh does: see floor_server.c
 *
 *	floor_client HOST PORT
 *
 * Says who it is, is let in, and ends as the command did.
 */
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* connected() - by a name or an address, as any that the machine's name service knows */
static int connected(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *address;
	int fd;

	if (getaddrinfo(host, port, &hints, &address) != 0)
		die(host);
	fd = socket(address->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen) < 0)
		die("connect");
	freeaddrinfo(address);
	return fd;
}

static void say_who(int fd)
{
	const struct passwd *entry = getpwuid(getuid());

	if (!entry || send(fd, entry->pw_name, strlen(entry->pw_name) + 1, 0) < 0)
		die("send");
}

int main(int argc, char *argv[])
{
	char answer[2]; /* that we are let in, how it ended */
	int fd;

	if (argc != 3)
		return EXIT_FAILURE;
	fd = connected(argv[1], argv[2]);
	say_who(fd);
	if (recv(fd, answer, sizeof(answer), MSG_WAITALL) != sizeof(answer) || answer[0] != '\0')
		die("answer");
	return (unsigned char)answer[1];
}
