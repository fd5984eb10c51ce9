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
	pid_t pid = 0;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	error = posix_spawn_file_actions_adddup2(&actions, end, HELPER_SOCKET);
	if (error == 0)
		error = posix_spawn(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error ? -error : pid;
}

/* receive() - one message, with one socket or two; returns how many, 0: the helper has given up */
static int receive(int end, int sockets[static 2])
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *part;
	ssize_t n;
	size_t size;

	do {
		n = recvmsg(end, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	part = CMSG_FIRSTHDR(&message);
	if (n == 0 || !part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
		return 0;
	size = part->cmsg_len - CMSG_LEN(0);
	memcpy(sockets, CMSG_DATA(part), size);
	return (int)(size / sizeof(int));
}

static int how_it_ended(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == HELPER_NOT_REACHED ? -EHOSTUNREACH
									      : -EIO;
}

int helper_connect(const struct session_target *target, const struct rcmd_request *request,
		   const char *address, struct session *ret_session)
{
	bool login = request->service == RCMD_LOGIN;
	char seconds[16], word[RCMD_TERMINAL_MAX + 16];
	/* posix_spawn(3) does not write there. */
	char *const argv[] = { (char *)target->helper,
			       (char *)rcmd_service_name(request->service),
			       (char *)address,
			       seconds,
			       (char *)request->user,
			       login ? word : (char *)request->command,
			       NULL };
	_cleanup_close_ int ours = -EBADF, theirs = -EBADF;
	int pair[2], sockets[2] = { -EBADF, -EBADF }, n, r;
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
	n = receive(ours, sockets);
	r = how_it_ended(pid);
	if (r == 0 && n < 1)
		r = n < 0 ? n : -EIO;
	if (r < 0) {
		cleanup_close(&sockets[0]);
		cleanup_close(&sockets[1]);
		return r;
	}
	*ret_session = (struct session){ sockets[0], sockets[1] };
	return 0;
}
