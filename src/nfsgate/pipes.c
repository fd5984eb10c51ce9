/* SPDX-License-Identifier: MIT */
#include "nfsgate/pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int pipes_borrow(struct pipes *pipes, int ret_pipe[static 2])
{
	int ends[2];

	if (pipes->n) {
		pipes->n--;
		ret_pipe[0] = pipes->kept[pipes->n][0];
		ret_pipe[1] = pipes->kept[pipes->n][1];
		return 0;
	}
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE); /* else it takes more turns */
	ret_pipe[0] = ends[0];
	ret_pipe[1] = ends[1];
	return 0;
}

void pipes_return(struct pipes *pipes, int pipe[static 2])
{
	if (pipe[0] < 0)
		return;
	if (pipes->n == PIPES_KEPT) {
		pipe_close(pipe);
		return;
	}
	pipes->kept[pipes->n][0] = pipe[0];
	pipes->kept[pipes->n][1] = pipe[1];
	pipes->n++;
	pipe[0] = pipe[1] = -EBADF;
}

void pipe_close(int pipe[static 2])
{
	if (pipe[0] >= 0) {
		close(pipe[0]);
		close(pipe[1]);
	}
	pipe[0] = pipe[1] = -EBADF;
}

void pipes_clear(struct pipes *pipes)
{
	while (pipes->n) {
		pipes->n--;
		pipe_close(pipes->kept[pipes->n]);
	}
}
