/* SPDX-License-Identifier: MIT */
#include "nfsgate/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/isolate.h"

#define DESCRIPTORS 64
#define MEMORY      (512U << 20)

static void live(int fd, pid_t parent, void (*work)(const void *data), const void *data)
{
	const struct isolation isolation = {
		.fd = fd,
		.parent = parent,
		.descriptors = DESCRIPTORS,
		.memory = MEMORY,
		.user = ISOLATED_NOBODY,
	};

	if (isolate(&isolation) < 0)
		_exit(EXIT_FAILURE);
	work(data);
	_exit(EXIT_SUCCESS);
}

int child_start(int type, void (*work)(const void *data), const void *data, struct child *ret_child)
{
	_cleanup_close_ int ours = -EBADF, theirs = -EBADF;
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		live(theirs, parent, work, data);
	*ret_child = (struct child){ TAKE_FD(ours), pid };
	return 0;
}

void child_end(struct child *child)
{
	if (child->fd < 0)
		return;
	close(child->fd); /* epoll forgets it */
	child->fd = -EBADF;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
