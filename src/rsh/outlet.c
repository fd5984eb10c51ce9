/* SPDX-License-Identifier: MIT */
#include "rsh/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void outlet_open(int fd, struct outlet *ret_outlet)
{
	struct outlet outlet = { .fd = fd };
	char path[32];
	struct stat found;

	if (fstat(fd, &found) == 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		outlet.socket = S_ISSOCK(found.st_mode);
		/* A file keeps its offset, and never waits. */
		if (S_ISFIFO(found.st_mode) || isatty(fd)) {
			outlet.fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
			outlet.ours = outlet.fd >= 0;
			outlet.blocks = !outlet.ours;
		}
	}
	if (outlet.fd < 0)
		outlet.fd = fd;
	*ret_outlet = outlet;
}

void outlet_close(struct outlet *outlet)
{
	if (outlet->ours)
		close(outlet->fd);
	*outlet = (struct outlet){ .fd = -EBADF };
}

ssize_t outlet_write(const struct outlet *outlet, const void *bytes, size_t size)
{
	ssize_t n;

	/* Of a pipe that is ready, poll(2) says no more than that so much fits. */
	if (outlet->blocks && size > PIPE_BUF)
		size = PIPE_BUF;
	do {
		n = outlet->socket ? send(outlet->fd, bytes, size, MSG_DONTWAIT)
				   : write(outlet->fd, bytes, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
