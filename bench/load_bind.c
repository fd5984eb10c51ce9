/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void bind_once(unsigned port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	bind_patiently(fd, &address);
	close(fd);
}

void load_bind(int argc, char *argv[])
{
	unsigned port = (unsigned)number(argv[0]);
	long count = number(argv[1]);
	uint64_t start;

	if (argc == 3 && setuid((uid_t)number(argv[2])) < 0)
		die("setuid");
	for (long i = 0; i < count / 10; i++)
		bind_once(port);
	start = now();
	for (long i = 0; i < count; i++)
		bind_once(port);
	report(now() - start, count);
}

void load_bindmany(int argc, char *argv[])
{
	long count = number(argv[1]);
	uint64_t spent = 0;
	size_t n;
	struct pair *pairs = read_pairs(argv[0], &n);

	srandom((unsigned)number(argv[2]));
	for (long i = -count / 10; i < count; i++) {
		const struct pair *pair = &pairs[(size_t)random() % n];
		uint64_t start;

		become(pair->uid);
		start = now();
		bind_once(pair->port);
		if (i >= 0)
			spent += now() - start;
		become(0);
	}
	free(pairs);
	report(spent, count);
}
