/* SPDX-License-Identifier: MIT */
#include "rsh/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
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
			outlet.nowait = !outlet.ours && S_ISFIFO(found.st_mode);
			outlet.blocks = !outlet.ours && !outlet.nowait;
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

/* write_nowait() - as write(2) with O_NONBLOCK; -EOPNOTSUPP: an older kernel */
static ssize_t write_nowait(int fd, const void *bytes, size_t size)
{
	const struct iovec piece = { (void *)bytes, size };

	return pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
}

/* write_piece() - what a pipe or terminal takes at once where it is ready at all */
static ssize_t write_piece(int fd, const void *bytes, size_t size)
{
	struct pollfd watched = { .fd = fd, .events = POLLOUT };
	int r = poll(&watched, 1, 0);

	if (r == 0) {
		errno = EAGAIN;
		r = -1;
	}
	if (r < 0)
		return -1;
	return write(fd, bytes, size < PIPE_BUF ? size : PIPE_BUF);
}

static ssize_t write_once(struct outlet *outlet, const void *bytes, size_t size)
{
	if (outlet->socket)
		return send(outlet->fd, bytes, size, MSG_DONTWAIT);
	if (outlet->nowait) {
		ssize_t n = write_nowait(outlet->fd, bytes, size);

		if (n >= 0 || errno != EOPNOTSUPP)
			return n;
		outlet->nowait = false;
		outlet->blocks = true;
	}
	if (outlet->blocks)
		return write_piece(outlet->fd, bytes, size);
	return write(outlet->fd, bytes, size);
}

ssize_t outlet_write(struct outlet *outlet, const void *bytes, size_t size)
{
	ssize_t n;

	do {
		n = write_once(outlet, bytes, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
