/* SPDX-License-Identifier: MIT */
#include "rsh/helper.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* start() - the helper with one end of a pair of sockets; returns its pid, -errno */
static pid_t start(const char *program, char *const *argv, int end)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	pid_t pid = 0;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	error = posix_spawnattr_init(&attributes);
	if (error) {
		posix_spawn_file_actions_destroy(&actions);
		return -error;
	}
	/* A group of its own: what the terminal sends is for us to pass on, and it ends when we do. */
	error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, end, HELPER_SOCKET);
	if (error == 0)
		error = posix_spawn(&pid, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error ? -error : pid;
}

/* receive() - one message with two sockets: 0; -ENODATA: the helper has given up; -errno */
static int receive(int end, int sockets[static 2], char *ret_has_second)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct iovec data = { ret_has_second, 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *part;
	ssize_t n;

	do {
		n = recvmsg(end, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	part = CMSG_FIRSTHDR(&message);
	if (n == 0 || !part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS ||
	    part->cmsg_len != CMSG_LEN(2 * sizeof(int)))
		return -ENODATA;
	memcpy(sockets, CMSG_DATA(part), 2 * sizeof(int));
	return 0;
}

/* how_it_ended() - of a helper that has handed nothing on */
static int how_it_ended(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == HELPER_NOT_REACHED ? -EHOSTUNREACH
									      : -EIO;
}

int helper_connect(const struct session_target *target, const struct rcmd_request *request,
		   const char *address, struct session *ret_session)
{
	bool login = request->service == RCMD_LOGIN;
	char seconds[16], word[RCMD_TERMINAL_MAX + 16], second = 0;
	/* posix_spawn(3) does not write there. */
	char *const argv[] = { (char *)target->helper,
			       (char *)rcmd_service_name(request->service),
			       (char *)address,
			       seconds,
			       (char *)request->user,
			       login ? word : (char *)request->command,
			       NULL };
	_cleanup_close_ int ours = -EBADF, theirs = -EBADF;
	int pair[2], sockets[2] = { -EBADF, -EBADF }, r;
	pid_t pid;

	snprintf(seconds, sizeof(seconds), "%u", target->seconds);
	snprintf(word, sizeof(word), "%s/%u", request->terminal, request->speed);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = start(target->helper, argv, theirs);
	if (pid < 0)
		return pid;
	close(TAKE_FD(theirs));
	r = receive(ours, sockets, &second);
	if (r == -ENODATA)
		return how_it_ended(pid);
	if (r < 0)
		return r;
	/* A server that let us in without one is session.c's to refuse. */
	if (!login && !second)
		close(TAKE_FD(sockets[1]));
	*ret_session = (struct session){ sockets[0], sockets[1] };
	return 0;
}
