/* SPDX-License-Identifier: MIT */
/*
 * probe.c - binds or connects one socket and says what came of it: "ok", or the name of the error
 *
 *	probe PROTOCOL FAMILY ADDRESS PORT        tcp, udp, udplite or mptcp; 4 or 6
 *	probe connect PROTOCOL FAMILY ADDRESS PORT
 *	probe                                     the same words, a line each, from standard input:
 *	                                          for tests in which a program outlives its file
 *
 * For tests in which it matters which executable asks, or whose it is (set-user-ID): they copy this
 * one to where they want it. Exit status 0 if it succeeded, 1 if it failed, 2 for usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct protocol {
	const char *name;
	int type;
	int number;
};

static const struct protocol protocols[] = {
	{ "tcp", SOCK_STREAM, IPPROTO_TCP },
	{ "udp", SOCK_DGRAM, IPPROTO_UDP },
	{ "udplite", SOCK_DGRAM, IPPROTO_UDPLITE },
	{ "mptcp", SOCK_STREAM, IPPROTO_MPTCP },
};

static int usage(void)
{
	fputs("Usage: probe [[connect] tcp|udp|udplite|mptcp 4|6 ADDRESS PORT]\n", stderr);
	return 2;
}

static const struct protocol *find_protocol(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	}
	return NULL;
}

typedef int system_call(int fd, const struct sockaddr *address, socklen_t size);

/* try() - socket(2) and bind(2) or connect(2): 0 or the errno of the first call that failed */
static int try(system_call *call, const struct protocol *protocol, const struct sockaddr *address,
	       socklen_t size)
{
	int fd = socket(address->sa_family, protocol->type | SOCK_CLOEXEC, protocol->number);
	int error;

	if (fd < 0)
		return errno;
	error = call(fd, address, size) < 0 ? errno : 0;
	close(fd);
	return error;
}

/* answer() - prints what came of one request; 0, 1, or 2 where it was not understood */
static int answer(system_call *call, const char *name, const char *family, const char *address,
		  const char *number)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	const struct protocol *protocol = find_protocol(name);
	unsigned long port;
	char *end;
	int error;

	if (!protocol)
		return usage();
	port = strtoul(number, &end, 10);
	if (*end || port > UINT16_MAX)
		return usage();
	if (strcmp(family, "4") == 0 && inet_pton(AF_INET, address, &four.sin_addr) == 1) {
		four.sin_port = htons((uint16_t)port);
		error = try(call, protocol, (const struct sockaddr *)&four, sizeof(four));
	} else if (strcmp(family, "6") == 0 && inet_pton(AF_INET6, address, &six.sin6_addr) == 1) {
		six.sin6_port = htons((uint16_t)port);
		error = try(call, protocol, (const struct sockaddr *)&six, sizeof(six));
	} else {
		return usage();
	}
	puts(error ? strerrorname_np(error) : "ok");
	return error != 0;
}

/* answer_lines() - until there are no more */
static int answer_lines(void)
{
	char protocol[16], family[4], address[64], port[8];

	while (scanf("%15s %3s %63s %7s", protocol, family, address, port) == 4) {
		if (answer(bind, protocol, family, address, port) == 2)
			return 2;
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 1)
		return answer_lines();
	if (argc == 6 && strcmp(argv[1], "connect") == 0)
		return answer(connect, argv[2], argv[3], argv[4], argv[5]);
	return argc == 5 ? answer(bind, argv[1], argv[2], argv[3], argv[4]) : usage();
}
