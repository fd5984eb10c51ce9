/* SPDX-License-Identifier: MIT */
/*
 * load_start.c - how long until somebody is served, by a server that is started, or a program a call
 *
 * Whoever starts the program is measured, so the program itself (served.c) does next to nothing: it
 * answers with a byte and ends.
 */
#include "load.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_TRIES 1000000

/* try_call() - a connection; -1: nobody listens */
static int try_call(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	if (errno != ECONNREFUSED)
		die("connect");
	close(fd);
	return -1;
}

/* call() - as soon as somebody listens; a refused attempt takes microseconds */
static int call(const struct sockaddr_in *address)
{
	for (int i = 0; i < MAX_TRIES; i++) {
		int fd = try_call(address);

		if (fd >= 0)
			return fd;
		/* Who is to listen may wait for this very processor. */
		sched_yield();
	}
	die_saying("nobody listens");
}

/* answered() - the byte has come, and nothing behind it */
static void answered(int fd)
{
	char byte[2];

	if (read(fd, byte, 1) != 1 || read(fd, byte + 1, 1) != 0)
		die_saying("no answer of a byte");
	/* Whoever serves closes first; so its port would be in TIME_WAIT. */
	reset_on_close(fd);
	close(fd);
}

static pid_t start(char *argv[])
{
	pid_t pid;
	int error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

	if (error) {
		errno = error;
		die(argv[0]);
	}
	return pid;
}

/* end() - some end by themselves, some only when they are told to */
static void end(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		die_saying("a server ended with an error");
}

/* start PORT COUNT SERVER...: from its start until it has served somebody */
void load_start(int argc, char *argv[])
{
	const struct sockaddr_in address = loopback((unsigned)number(argv[0]));
	struct slices slices = { .count = number(argv[1]) };

	(void)argc;
	for (long i = -1; i < slices.count; i++) {
		uint64_t begin = now();
		pid_t pid = start(argv + 2);

		answered(call(&address));
		slices_add(&slices, i, now() - begin);
		end(pid);
	}
	slices_report(&slices);
}

/* served PORT COUNT SERVER...: a connection of a server that runs, each started a program */
void load_served(int argc, char *argv[])
{
	const struct sockaddr_in address = loopback((unsigned)number(argv[0]));
	struct slices slices = { .count = number(argv[1]) };
	pid_t pid = start(argv + 2);

	(void)argc;
	answered(call(&address));
	for (long i = -1; i < slices.count; i++) {
		uint64_t begin = now();

		answered(call(&address));
		slices_add(&slices, i, now() - begin);
	}
	end(pid);
	slices_report(&slices);
}
