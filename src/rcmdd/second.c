/* SPDX-License-Identifier: MIT */
#include "rcmdd/second.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/isolate.h"
#include "base/why.h"
#include "rcmdd/moment.h"

#define RESERVED_PORTS (RESERVED_LAST - RESERVED_FIRST + 1)

/* may_connect() - whether this is a port that such a caller may name at all */
static bool may_connect(const struct caller *caller, enum rcmd_service service, uint16_t port)
{
	if (caller->host)
		return true; /* its owner is looked at when it is connected */
	if (caller->reserved)
		return is_reserved(port);
	return service == RCMD_EXEC && port > RESERVED_LAST;
}

static socklen_t size_of(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
}

static int finish(int fd, uint64_t deadline)
{
	struct pollfd writable = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int n, error;

	do
		n = poll(&writable, 1, moment_left(deadline));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

/* try_from() - from @from of our address, 0: any port. The socket does not block. */
static int try_from(const struct caller *caller, uint16_t from, uint16_t port, uint64_t deadline,
		    int *ret_fd)
{
	struct sockaddr_storage remote = caller->address, local = caller->local;
	_cleanup_close_ int fd =
		socket(remote.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r, on = 1;

	if (fd < 0)
		return -errno;
	endpoint_set_port(&remote, port);
	endpoint_set_port(&local, from);
	/* A port that rests after another connection does for one to another port. */
	if (from && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&local, size_of(&local)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&remote, size_of(&remote)) < 0 && errno != EINPROGRESS)
		return -errno;
	r = finish(fd, deadline);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* try_reserved() - from one of 512 to 1023, beginning anywhere among them */
static int try_reserved(const struct caller *caller, uint16_t port, uint64_t deadline, int *ret_fd)
{
	unsigned start = 0;
	int r = -EAGAIN;

	if (getrandom(&start, sizeof(start), 0) != sizeof(start))
		return -errno;
	for (unsigned i = 0; i < RESERVED_PORTS; i++) {
		r = try_from(caller, (uint16_t)(RESERVED_FIRST + (start + i) % RESERVED_PORTS),
			     port, deadline, ret_fd);
		if (r != -EADDRINUSE && r != -EADDRNOTAVAIL)
			return r;
	}
	return r;
}

/*
 * try_as_nobody() - where it is not known whose listener that is: root would be let in by services that
 * admit root of this host alone (`accept ... from user root@HOST`), and strangers are not to have that
 * connection. It is the effective uid that kernels vouch for.
 */
static int try_as_nobody(const struct caller *caller, uint16_t port, uint64_t deadline, int *ret_fd)
{
	int r;

	if (seteuid(ISOLATED_NOBODY) < 0)
		return -errno;
	r = geteuid() == ISOLATED_NOBODY ? try_from(caller, 0, port, deadline, ret_fd) : -EPERM;
	/* What cannot be taken back ends the process. */
	if (seteuid(0) < 0 || geteuid() != 0)
		_exit(EXIT_FAILURE);
	return r;
}

int second_connect(const struct caller *caller, enum rcmd_service service, uint16_t port,
		   uint64_t deadline, int *ret_fd, char **ret_why)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (!may_connect(caller, service, port))
		return why(ret_why, -EPERM, "the second channel may not lead to port %u", port);
	if (is_reserved(port))
		r = try_reserved(caller, port, deadline, &fd);
	else if (caller->host)
		r = try_from(caller, 0, port, deadline, &fd);
	else
		r = try_as_nobody(caller, port, deadline, &fd);
	if (r < 0)
		return why(ret_why, r, "cannot connect the second channel to port %u: %s", port,
			   strerror(-r));
	if (caller->host && !caller_owns(caller, fd))
		return why(ret_why, -EPERM,
			   "the second channel leads to port %u, which is not known to be the "
			   "caller's",
			   port);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
