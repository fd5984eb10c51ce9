/* SPDX-License-Identifier: MIT */
/*
 * dualstack.c - binds [::]:PORT as a socket of IPv6 alone, while another thread makes it one of both
 *
 *	dualstack PORT ROUNDS
 *
 * The kernel takes IPV6_V6ONLY until the socket is bound. Prints how often the port was had for IPv6 alone
 * and how often for both.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOTHING (-1)
#define ENDED   (-2)

static atomic_int at_work = NOTHING;

static int set_v6only(int fd, int value)
{
	return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof(value));
}

/* change() - the other thread: to and fro, until the socket is bound */
static void *change(void *data)
{
	int fd;

	(void)data;
	while ((fd = atomic_load(&at_work)) != ENDED) {
		if (fd != NOTHING && set_v6only(fd, 0) == 0)
			set_v6only(fd, 1);
	}
	return NULL;
}

/* try_once() - returns 1 for both, 0 for IPv6 alone, -1 if it was refused */
static int try_once(const struct sockaddr_in6 *address)
{
	int v6only = 1, bound, fd = socket(AF_INET6, SOCK_STREAM, 0);
	socklen_t size = sizeof(v6only);

	if (fd < 0 || set_v6only(fd, 1) < 0)
		err(1, "socket");
	atomic_store(&at_work, fd);
	bound = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	atomic_store(&at_work, NOTHING);
	if (getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &size) < 0)
		err(1, "getsockopt");
	close(fd);
	return bound < 0 ? -1 : !v6only;
}

int main(int argc, char *argv[])
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	unsigned long alone = 0, both = 0;
	pthread_t thread;

	if (argc != 3)
		errx(2, "usage: dualstack PORT ROUNDS");
	address.sin6_port = htons((uint16_t)atoi(argv[1]));
	if (pthread_create(&thread, NULL, change, NULL) != 0)
		errx(1, "no thread");
	for (long left = atol(argv[2]); left > 0; left--) {
		int found = try_once(&address);

		alone += found == 0;
		both += found == 1;
	}
	atomic_store(&at_work, ENDED);
	pthread_join(thread, NULL);
	printf("%lu %lu\n", alone, both);
	return 0;
}
