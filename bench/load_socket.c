/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <sys/socket.h>

void load_sendto(int argc, char *argv[])
{
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof(address);
	int receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
	long count = number(argv[0]);
	uint64_t start;

	if (receiver < 0 || sender < 0 ||
	    bind(receiver, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(receiver, (struct sockaddr *)&address, &length) < 0)
		die("receiver");
	start = now();
	for (long i = 0; i < count; i++) {
		if (sendto(sender, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)) < 0)
			die("sendto");
	}
	report(now() - start, count);
}

static void option(long count, int set)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), value = 1;
	socklen_t length = sizeof(value);
	uint64_t start;

	if (fd < 0)
		die("socket");
	start = now();
	for (long i = 0; i < count; i++) {
		int r = set ? setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value))
			    : getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &length);

		if (r < 0)
			die("socket option");
	}
	report(now() - start, count);
}

void load_setsockopt(int argc, char *argv[])
{
	option(number(argv[0]), 1);
}

void load_getsockopt(int argc, char *argv[])
{
	option(number(argv[0]), 0);
}
