/* SPDX-License-Identifier: MIT */
#include "rcmdd/spare.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcmdd/descriptors.h"

pid_t spare_fork(struct spare *spare, int *ret_fd)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		*ret_fd = pair[1];
		return 0;
	}
	pid = pid < 0 ? -errno : pid;
	close(pair[1]);
	if (pid < 0)
		close(pair[0]);
	else
		*spare = (struct spare){ pid, pair[0], spare->given };
	return pid;
}

pid_t spare_give(struct spare *spare, int connection, size_t seat)
{
	pid_t pid = spare->pid;
	int r = descriptor_send(spare->fd, connection, &seat, sizeof(seat));

	if (r < 0) {
		spare_clear(spare);
		return r;
	}
	spare_settle(spare);
	*spare = (struct spare){ 0, -EBADF, spare->fd };
	return pid;
}

void spare_settle(struct spare *spare)
{
	cleanup_close(&spare->given);
	spare->given = -EBADF;
}

int spare_wait(int fd, int *ret_connection, size_t *ret_seat)
{
	return descriptor_receive(fd, ret_seat, sizeof(*ret_seat), ret_connection);
}

void spare_clear(struct spare *spare)
{
	if (spare->fd >= 0)
		close(spare->fd);
	if (spare->pid > 0) {
		kill(spare->pid, SIGKILL);
		while (waitpid(spare->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*spare = (struct spare){ 0, -EBADF, spare->given };
}
