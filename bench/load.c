/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_BIND_TRIES 100000

void die(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

void die_saying(const char *sentence)
{
	fprintf(stderr, "workload: %s\n", sentence);
	exit(1);
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

void report(uint64_t nanoseconds, long operations)
{
	printf("%.2f\n", (double)nanoseconds / (double)operations);
}

void slices_add(struct slices *slices, long i, uint64_t nanoseconds)
{
	if (i >= 0)
		slices->spent[i * SLICES / slices->count] += nanoseconds;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

void slices_report(struct slices *slices)
{
	uint64_t middle;

	qsort(slices->spent, SLICES, sizeof(slices->spent[0]), compare);
	middle = slices->spent[SLICES / 2 - 1] + slices->spent[SLICES / 2];
	report(middle, slices->count * 2 / SLICES);
}

long number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value <= 0) {
		fprintf(stderr, "workload: not a positive number: %s\n", text);
		exit(2);
	}
	return value;
}

struct sockaddr_in loopback(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/*
 * Tried again where the port is still taken: whoever lists our descriptors in /proc at the moment of a
 * close holds the socket a little longer (fs/proc/fd.c, proc_fd_link())
 */
void bind_patiently(int fd, const struct sockaddr_in *address)
{
	for (int i = 0; i < MAX_BIND_TRIES; i++) {
		if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
			return;
		if (errno != EADDRINUSE)
			break;
	}
	die("bind");
}

int listener(struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	socklen_t length = sizeof(*address);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		die("socket");
	bind_patiently(fd, address);
	if (listen(fd, SOMAXCONN) < 0 || getsockname(fd, (struct sockaddr *)address, &length) < 0)
		die("listener");
	return fd;
}

struct pair *read_pairs(const char *path, size_t *ret_n)
{
	FILE *file = fopen(path, "re");
	struct pair *pairs = NULL;
	size_t n = 0, room = 0;
	struct pair one;

	if (!file)
		die(path);
	while (fscanf(file, "%u %u", &one.port, &one.uid) == 2) {
		if (n == room) {
			room = room ? room * 2 : 1024;
			pairs = reallocarray(pairs, room, sizeof(*pairs));
			if (!pairs)
				die("pairs");
		}
		pairs[n++] = one;
	}
	fclose(file);
	if (n == 0)
		die(path);
	*ret_n = n;
	return pairs;
}

void become(unsigned uid)
{
	if (syscall(SYS_setresuid, -1, uid, -1) < 0)
		die("setresuid");
}
