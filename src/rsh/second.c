/* SPDX-License-Identifier: MIT */
#include "rsh/second.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "rsh/wire.h"

#define RESERVED_FIRST 512
#define RESERVED_LAST  1023
#define BACKLOG        16

uint16_t second_port(const struct second_address *address)
{
	if (address->address.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&address->address)->sin_port);
	if (address->address.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&address->address)->sin6_port);
	return 0;
}

int second_local(int connection, uint16_t port, struct second_address *ret_address)
{
	struct second_address local = { .size = sizeof(local.address) };

	if (getsockname(connection, (struct sockaddr *)&local.address, &local.size) < 0)
		return -errno;
	if (local.address.ss_family == AF_INET)
		((struct sockaddr_in *)&local.address)->sin_port = htons(port);
	else if (local.address.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&local.address)->sin6_port = htons(port);
	else
		return -EAFNOSUPPORT;
	*ret_address = local;
	return 0;
}

int second_socket(int family)
{
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int second_listen(int connection, int *ret_listener, uint16_t *ret_port)
{
	struct second_address local = { 0 }, bound = { .size = sizeof(bound.address) };
	_cleanup_close_ int fd = -EBADF;
	int r = second_local(connection, 0, &local);

	if (r < 0)
		return r;
	fd = second_socket(local.address.ss_family);
	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&local.address, local.size) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound.address, &bound.size) < 0)
		return -errno;
	*ret_listener = TAKE_FD(fd);
	*ret_port = second_port(&bound);
	return 0;
}

/* same_host() - ports, and what else a socket address has, do not matter */
static bool same_host(const struct second_address *a, const struct second_address *b)
{
	if (a->address.ss_family != b->address.ss_family)
		return false;
	if (a->address.ss_family == AF_INET) {
		const struct sockaddr_in *x = (const struct sockaddr_in *)&a->address;
		const struct sockaddr_in *y = (const struct sockaddr_in *)&b->address;

		return x->sin_addr.s_addr == y->sin_addr.s_addr;
	}
	if (a->address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)&a->address;
		const struct sockaddr_in6 *y = (const struct sockaddr_in6 *)&b->address;

		return memcmp(&x->sin6_addr, &y->sin6_addr, sizeof(x->sin6_addr)) == 0 &&
		       x->sin6_scope_id == y->sin6_scope_id;
	}
	return false;
}

static bool is_servers(int accepted, int connection)
{
	struct second_address one = { .size = sizeof(one.address) }, other = one;

	return getpeername(accepted, (struct sockaddr *)&one.address, &one.size) == 0 &&
	       getpeername(connection, (struct sockaddr *)&other.address, &other.size) == 0 &&
	       same_host(&one, &other);
}

/* take() - the next who waits, if it is the server: 0, -EAGAIN: nobody yet; -errno */
static int take(int listener, int connection, bool (*wanted)(int accepted, int connection),
		int *ret_fd)
{
	_cleanup_close_ int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		int error = errno;

		/* A shortage is told; the others, accept(2) says, are that connection's own. */
		if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
			return -error;
		return -EAGAIN;
	}
	if (!is_servers(fd, connection) || !wanted(fd, connection))
		return -EAGAIN;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int second_accept(int listener, int connection, bool (*wanted)(int accepted, int connection),
		  int64_t deadline, int *ret_fd)
{
	struct pollfd watched[] = { { .fd = listener, .events = POLLIN },
				    { .fd = connection, .events = POLLIN } };

	for (unsigned strangers = 0; strangers < SECOND_MAX_STRANGERS;) {
		int r = poll(watched, ELEMENTS(watched), wire_left(deadline));

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0)
			continue;
		if (watched[0].revents) {
			r = take(listener, connection, wanted, ret_fd);
			if (r != -EAGAIN)
				return r;
			strangers++;
			continue;
		}
		if (watched[1].revents)
			return -ENOTCONN;
	}
	return -ETIMEDOUT;
}

bool second_reserved(int accepted, int connection)
{
	struct second_address peer = { .size = sizeof(peer.address) };
	uint16_t port;

	(void)connection;
	if (getpeername(accepted, (struct sockaddr *)&peer.address, &peer.size) < 0)
		return false;
	port = second_port(&peer);
	return port >= RESERVED_FIRST && port <= RESERVED_LAST;
}
