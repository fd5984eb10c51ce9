/* SPDX-License-Identifier: MIT */
#include "rsh/wire.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <time.h>

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t wire_deadline(unsigned seconds)
{
	return now() + (int64_t)seconds * 1000;
}

int wire_left(int64_t deadline)
{
	int64_t left = deadline - now();

	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

int wire_wait(int fd, short events, int64_t deadline)
{
	struct pollfd watched = { .fd = fd, .events = events };
	int r;

	do {
		r = poll(&watched, 1, wire_left(deadline));
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

int wire_connect(int fd, const struct sockaddr *to, socklen_t size, int64_t deadline)
{
	int error = 0, on = 1, r;
	socklen_t length = sizeof(error);

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return -errno;
	if (connect(fd, to, size) == 0)
		return 0;
	if (errno != EINPROGRESS && errno != EINTR)
		return -errno;
	r = wire_wait(fd, POLLOUT, deadline);
	if (r < 0)
		return r;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -errno;
	return -error;
}

int wire_send(int fd, const char *bytes, size_t size, int64_t deadline)
{
	while (size > 0) {
		ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n >= 0) {
			bytes += n;
			size -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = wire_wait(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

int wire_receive(int fd, int64_t deadline, char *ret_byte)
{
	for (;;) {
		ssize_t n = recv(fd, ret_byte, 1, MSG_DONTWAIT);
		int r;

		if (n == 1)
			return 0;
		if (n == 0)
			return -ENODATA;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = wire_wait(fd, POLLIN, deadline);
		if (r < 0)
			return r;
	}
}
