/* SPDX-License-Identifier: MIT */
#include "portcred/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

int handover_begin(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (fd < HANDOVER_FIRST && fcntl(fd, F_SETFD, 0) < 0)
			return -errno;
	} while (fd < HANDOVER_FIRST);
	close(fd);
	return 0;
}

/* make_way() - if one of the sockets behind @from stands at @number, move it out of all our ways */
static int make_way(int *sockets, size_t from, size_t n, int number)
{
	for (size_t i = from; i < n; i++) {
		int moved;

		if (sockets[i] != number)
			continue;
		moved = fcntl(number, F_DUPFD_CLOEXEC, HANDOVER_FIRST + (int)n);
		if (moved < 0)
			return -errno;
		close(number);
		sockets[i] = moved;
		return 0;
	}
	return 0;
}

int handover_sockets(int *sockets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int number = HANDOVER_FIRST + (int)i, r;

		if (sockets[i] == number) {
			if (fcntl(number, F_SETFD, 0) < 0)
				return -errno;
			continue;
		}
		r = make_way(sockets, i + 1, n, number);
		if (r < 0)
			return r;
		if (dup2(sockets[i], number) < 0)
			return -errno;
		close(sockets[i]);
		sockets[i] = number;
	}
	return close_range(HANDOVER_FIRST + (unsigned)n, ~0U, 0) < 0 ? -errno : 0;
}

int handover_socket_at(int socket, int number)
{
	if (socket == number) {
		if (fcntl(number, F_SETFD, 0) < 0)
			return -errno;
	} else if (dup2(socket, number) < 0) {
		return -errno;
	}
	if (number > HANDOVER_FIRST && close_range(HANDOVER_FIRST, (unsigned)number - 1, 0) < 0)
		return -errno;
	if (number < HANDOVER_FIRST)
		number = HANDOVER_FIRST - 1;
	return close_range((unsigned)number + 1, ~0U, 0) < 0 ? -errno : 0;
}

int handover_environment(size_t n, const char *names)
{
	char number[24], pid[24];

	snprintf(number, sizeof(number), "%zu", n);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (setenv("LISTEN_FDS", number, 1) < 0 || setenv("LISTEN_PID", pid, 1) < 0 ||
	    setenv("LISTEN_FDNAMES", names, 1) < 0)
		return -errno;
	return 0;
}

void handover_signals(void)
{
	/* As rt_sigaction(2) takes it, on every machine: all zero is SIG_DFL. */
	static const unsigned long by_default[8];
	sigset_t none;

	/* By the kernel's call, for libc keeps two for itself, which may be ignored from elsewhere. */
	for (int number = 1; number < NSIG; number++)
		syscall(SYS_rt_sigaction, number, by_default, NULL, (NSIG - 1) / CHAR_BIT);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(S_IWGRP | S_IWOTH);
}
