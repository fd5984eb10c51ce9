/* SPDX-License-Identifier: MIT */
#include "rcp/bulk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcp/bounds.h"

/* What one system call moves at most: a signal is not kept waiting for a whole file. */
#define AT_ONCE (16U * 1024U * 1024U)

static size_t part(int64_t left, size_t most)
{
	return left < (int64_t)most ? (size_t)left : most;
}

/* wait_for() - 0 once a descriptor that does not wait (who started us may have made it so) is ready */
static int wait_for(int fd, short events)
{
	struct pollfd ready = { fd, events, 0 };

	return poll(&ready, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

ssize_t bulk_read(int fd, void *bytes, size_t n)
{
	for (;;) {
		ssize_t got = read(fd, bytes, n);
		int r = 0;

		if (got >= 0)
			return got;
		if (errno == EAGAIN)
			r = wait_for(fd, POLLIN);
		else if (errno != EINTR)
			r = -errno;
		if (r < 0)
			return r;
	}
}

int bulk_write(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n > 0) {
		ssize_t written = write(fd, at, n);
		int r = 0;

		if (written >= 0) {
			at += written;
			n -= (size_t)written;
			continue;
		}
		if (errno == EAGAIN)
			r = wait_for(fd, POLLOUT);
		else if (errno != EINTR)
			r = -errno;
		if (r < 0)
			return r;
	}
	return 0;
}

static int send_zeros(int out, int64_t left, char *block)
{
	int r = 0;

	memset(block, 0, RCP_BLOCK);
	while (r == 0 && left > 0) {
		size_t n = part(left, RCP_BLOCK);

		r = bulk_write(out, block, n);
		left -= (int64_t)n;
	}
	return r;
}

/* send_blocks() - what sendfile(2) left over; here it is known which side an error is of */
static int send_blocks(int file, int out, int64_t left, int *ret_file)
{
	_cleanup_free_ char *block = malloc(RCP_BLOCK);

	if (!block)
		return -ENOMEM;
	while (left > 0) {
		ssize_t n = bulk_read(file, block, part(left, RCP_BLOCK));
		int r;

		if (n <= 0) {
			*ret_file = n < 0 ? (int)n : -ENODATA;
			return send_zeros(out, left, block);
		}
		r = bulk_write(out, block, (size_t)n);
		if (r < 0)
			return r;
		left -= n;
	}
	return 0;
}

int bulk_send(int file, int out, int64_t size, int *ret_file)
{
	*ret_file = 0;
	while (size > 0) {
		ssize_t n = sendfile(out, file, NULL, part(size, AT_ONCE));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		size -= n;
	}
	return size > 0 ? send_blocks(file, out, size, ret_file) : 0;
}

static int receive_blocks(int in, int file, int64_t left, int *ret_file, int64_t *ret_kept)
{
	_cleanup_free_ char *block = malloc(RCP_BLOCK);

	if (!block)
		return -ENOMEM;
	while (left > 0) {
		ssize_t n = bulk_read(in, block, part(left, RCP_BLOCK));

		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
		left -= n;
		if (*ret_file == 0)
			*ret_file = bulk_write(file, block, (size_t)n);
		if (*ret_file == 0)
			*ret_kept += n;
	}
	return 0;
}

int bulk_receive(int in, int file, int64_t size, int *ret_file, int64_t *ret_kept)
{
	int64_t left = size;

	*ret_file = 0;
	*ret_kept = 0;
	while (left > 0) {
		ssize_t n = splice(in, NULL, file, NULL, part(left, AT_ONCE), SPLICE_F_MOVE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		left -= n;
		*ret_kept += n;
	}
	return left > 0 ? receive_blocks(in, file, left, ret_file, ret_kept) : 0;
}
