/* SPDX-License-Identifier: MIT */
#include "rcp/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/visible.h"
#include "rcp/bounds.h"
#include "rcp/bulk.h"

/* A pipe of this size moves more at a time; where the kernel does not allow it, the usual one does. */
#define PIPE_BYTES (1024 * 1024)

/* Bytes of a character at most (RFC 3629), less the last. */
#define UTF8_BEGINNING 3

/* cut_character() - how many of the last bytes begin a character whose end has not come yet */
static size_t cut_character(const char *bytes, size_t n)
{
	for (size_t back = 1; back <= UTF8_BEGINNING && back <= n; back++) {
		unsigned char byte = (unsigned char)bytes[n - back];

		if (byte >= 0xc0)
			return back < (byte >= 0xf0 ? 4U : byte >= 0xe0 ? 3U : 2U) ? back : 0;
		if (byte < 0x80)
			break;
	}
	return 0;
}

/* read_remarks() - a thread: nobody may wait for its reader while we wait for data */
static void *read_remarks(void *argument)
{
	int fd = (int)(intptr_t)argument;
	char bytes[RCP_MAX_LINE];
	size_t left = 0;
	ssize_t n;

	while ((n = bulk_read(fd, bytes + left, sizeof(bytes) - left)) > 0) {
		size_t end = left + (size_t)n;

		left = cut_character(bytes, end);
		flockfile(stderr);
		visible_print(bytes, end - left, true, stderr);
		funlockfile(stderr);
		memmove(bytes, bytes + end - left, left);
	}
	visible_print(bytes, left, true, stderr);
	return NULL;
}

static char *make_command(const struct connect_how *how, const char *path, char end, bool directory)
{
	char *command;

	if (asprintf(&command, "%s%s%s%s -%c %s%s", how->remote_rcp, how->recursive ? " -r" : "",
		     how->preserve ? " -p" : "", directory ? " -d" : "", end,
		     path[0] == '-' ? "./" : "", path) < 0)
		return NULL;
	return command;
}

/* struct pipes - ours[i] is the end that we keep of what is the program's descriptor i */
struct pipes {
	int ours[3];
	int theirs[3];
};

static void pipes_clear(struct pipes *pipes)
{
	for (unsigned i = 0; i < ELEMENTS(pipes->ours); i++) {
		cleanup_close(&pipes->ours[i]);
		cleanup_close(&pipes->theirs[i]);
	}
}

static int pipes_make(struct pipes *pipes)
{
	for (unsigned i = 0; i < ELEMENTS(pipes->ours); i++) {
		bool to_them = i == STDIN_FILENO;
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		pipes->ours[i] = ends[to_them];
		pipes->theirs[i] = ends[!to_them];
		if (i != STDERR_FILENO)
			fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES); /* a matter of speed alone */
	}
	return 0;
}

/* spawn() - SIGPIPE, which we ignore, is itself again in the program */
static int spawn(char **argv, const struct pipes *pipes, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	for (int i = 0; r == 0 && i < 3; i++)
		r = posix_spawn_file_actions_adddup2(&actions, pipes->theirs[i], i);
	if (r == 0)
		r = posix_spawnattr_init(&attributes);
	if (r != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	r = posix_spawnattr_setsigdefault(&attributes, &defaults);
	if (r == 0)
		r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int connect_start(const struct connect_how *how, const struct operand *operand, char end,
		  bool directory, struct connection *ret_connection)
{
	_cleanup_free_ char *command = make_command(how, operand->path, end, directory);
	_cleanup_(pipes_clear) struct pipes pipes = { { -EBADF, -EBADF, -EBADF },
						      { -EBADF, -EBADF, -EBADF } };
	struct connection connection = { 0 };
	char *argv[6] = { (char *)how->rsh };
	size_t n = 1;
	int r;

	if (!command)
		return -ENOMEM;
	if (operand->user) {
		argv[n++] = (char *)"-l";
		argv[n++] = operand->user;
	}
	argv[n++] = operand->host;
	argv[n] = command;
	r = pipes_make(&pipes);
	if (r == 0)
		r = spawn(argv, &pipes, &connection.pid);
	if (r < 0)
		return r;
	r = -pthread_create(&connection.reader, NULL, read_remarks,
			    (void *)(intptr_t)pipes.ours[STDERR_FILENO]);
	if (r < 0) {
		/* Its ends of the pipes close with ours, and it with them. */
		pipes_clear(&pipes);
		pipes = (struct pipes){ { -EBADF, -EBADF, -EBADF }, { -EBADF, -EBADF, -EBADF } };
		waitpid(connection.pid, NULL, 0);
		return r;
	}
	connection.out = TAKE_FD(pipes.ours[STDIN_FILENO]);
	connection.in = TAKE_FD(pipes.ours[STDOUT_FILENO]);
	connection.remarks = TAKE_FD(pipes.ours[STDERR_FILENO]);
	*ret_connection = connection;
	return 0;
}

int connect_end(struct connection *connection)
{
	int status = 0;

	close(connection->out);
	close(connection->in);
	while (waitpid(connection->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	pthread_join(connection->reader, NULL);
	close(connection->remarks);
	return status;
}
