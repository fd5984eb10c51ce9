/* SPDX-License-Identifier: MIT */
#include "portcred/obtain_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "portcred/bind_failure.h"
#include "portcred/broker.h"
#include "portcred/text.h"

/* Where the last four of an address's sixteen bytes stand. */
#define IPV4_AT 12

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* fill() - the address of a socket of @family; returns its size */
static socklen_t fill(const struct listen_argument *where, int family, union address *address)
{
	*address = (union address){ 0 };
	address->any.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		address->in.sin_port = htons(where->port);
		memcpy(&address->in.sin_addr, &where->address.s6_addr[IPV4_AT],
		       sizeof(address->in.sin_addr));
		return sizeof(address->in);
	}
	address->in6.sin6_port = htons(where->port);
	address->in6.sin6_addr = where->address;
	return sizeof(address->in6);
}

/* set_options() - both families without an address, else one; a port in TIME_WAIT is no obstacle */
static int set_options(int fd, const struct listen_argument *where, int family)
{
	int v6only = !where->everywhere, reuse = 1;

	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -errno;
	if (where->protocol == PROTOCOL_TCP &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)) < 0)
		return -errno;
	return 0;
}

/* bind_family() - of one family; returns 0, -errno */
static int bind_family(const struct obtain_request *request, int family, int *ret_fd)
{
	bool tcp = request->where->protocol == PROTOCOL_TCP;
	_cleanup_close_ int fd = -EBADF;
	union address address;
	socklen_t size;
	int r;

	fd = socket(family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = set_options(fd, request->where, family);
	if (r < 0)
		return r;
	size = fill(request->where, family, &address);
	if (bind(fd, &address.any, size) < 0 || (tcp && listen(fd, request->backlog) < 0))
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* bind_as_we_are() - with the credentials that this process has now */
static int bind_as_we_are(const struct obtain_request *request, int *ret_fd)
{
	int r = bind_family(request, request->where->family, ret_fd);

	/* A machine without IPv6 has all its addresses in the other family. */
	if (request->where->everywhere && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL))
		r = bind_family(request, AF_INET, ret_fd);
	return r;
}

/* bind_as() - of root's process; returns -errno where its credentials could not be changed, or back */
static int bind_as(const struct obtain_request *request, bool capable, int *ret_fd, int *ret_error)
{
	int r = launch_user_act(request->user, capable), back;

	if (r == 0)
		*ret_error = bind_as_we_are(request, ret_fd);
	back = launch_user_act_root();
	return r < 0 ? r : back;
}

/*
 * bind_for() - see the head of obtain_socket.h
 * @ret_error: of the last attempt; @ret_root: it was root's
 * Returns 0, or -errno where the credentials could not be changed.
 */
static int bind_for(const struct obtain_request *request, int *ret_fd, int *ret_error,
		    bool *ret_root)
{
	int r = bind_as(request, false, ret_fd, ret_error);

	if (r == 0 && *ret_error == -EACCES)
		r = bind_as(request, true, ret_fd, ret_error);
	if (r < 0 || *ret_error != -EPERM || request->user->uid == 0)
		return r;
	*ret_error = bind_as_we_are(request, ret_fd);
	*ret_root = true;
	return 0;
}

/*
 * bind_by_portcredd() - where the kernel's own rule says no, the policy may say yes
 * @ret_message: why not, for the caller to free
 *
 * That is so where no program in the kernel asks it: portcredd --broker-only. Returns 0; errors as
 * broker_bind().
 */
static int bind_by_portcredd(const struct program *program, const struct obtain_request *request,
			     int *ret_fd, char **ret_message)
{
	const struct listen_argument *where = request->where;
	bool tcp = where->protocol == PROTOCOL_TCP;
	_cleanup_close_ int fd = -EBADF;
	union address address;
	const struct broker_request wanted = {
		.type = tcp ? SOCK_STREAM : SOCK_DGRAM,
		.address = &address.any,
		.size = fill(where, where->family, &address),
		.v6only = !where->everywhere,
	};
	int r;

	r = broker_bind(program->runtime_dir, &wanted, &fd, ret_message);
	if (r < 0)
		return r;
	if (tcp && listen(fd, request->backlog) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int obtain_socket(struct program *program, const struct obtain_request *request, int *ret_fd)
{
	_cleanup_free_ char *where = listen_argument_text(request->where);
	_cleanup_free_ char *name = NULL, *message = NULL;
	_cleanup_close_ int fd = -EBADF;
	bool of_root = false;
	int error = 0, r = 0;

	if (!where)
		return program_no_memory(program);
	if (request->user)
		r = bind_for(request, &fd, &error, &of_root);
	else
		error = bind_as_we_are(request, &fd);
	if (r < 0)
		return program_say(program, "cannot act as user %u to bind %s: %s",
				   request->user->uid, where, strerror(-r));
	if (error == -EACCES && !request->user) {
		r = bind_by_portcredd(program, request, &fd, &message);
		if (r < 0 && r != -ECONNREFUSED)
			return program_say(program, "cannot bind %s: %s", where,
					   message ? message : strerror(-r));
		error = r < 0 ? error : 0;
	}
	if (error < 0)
		return bind_failure_say(program, request->where, where, error);
	*ret_fd = TAKE_FD(fd);
	if (!of_root)
		return EXIT_YES;
	name = request->user->name ? text_show(request->user->name) : NULL;
	program_say(program,
		    "%s: no rule lets user %s bind it: bound by root, who is the owner that "
		    "accept rules mean",
		    where, name ? name : "of that number");
	return EXIT_YES;
}
