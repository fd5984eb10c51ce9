/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "nfsgate/gate.h"

/* Of connections that nobody has accepted yet: as many as the kernel allows (net.core.somaxconn). */
#define BACKLOG 4096

static void free_fds(struct portcred_fds **fds)
{
	portcred_fds_free(*fds);
}

/* add() - does not block: who called may have hung up before accept(2), which would wait for the next */
static int add(struct listener *listeners, size_t n, int fd, enum port port)
{
	int flags = fcntl(fd, F_GETFL);

	if (n == MAX_LISTENERS)
		return -E2BIG;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	listeners[n] = (struct listener){ { SOURCE_LISTENER, fd, NULL }, port };
	return 0;
}

static int listen_at(const struct listen_at *at, struct listener *listeners, size_t n)
{
	_cleanup_close_ int fd = socket(at->at.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, r;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&at->at.address, at->at.size) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	r = add(listeners, n, fd, at->port);
	if (r == 0)
		TAKE_FD(fd);
	return r;
}

static bool is_listening(int fd)
{
	socklen_t size = sizeof(int);
	int listening;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

/* take_inherited() - of one socket; its name says of which port it is */
static int take_inherited(const struct options *options, const struct portcred_fds *fds, size_t i,
			  struct listener *listeners, size_t n)
{
	enum port port = port_find(portcred_fds_name(fds, i));
	int fd = portcred_fds_get(fds, i);

	if (!is_listening(fd)) {
		log_warnx("descriptor %d, that it was started with, is no socket that listens", fd);
		return -EINVAL;
	}
	if (!options->servers[port].text) {
		log_warnx("descriptor %d is for %s, of which no server was given", fd,
			  port_name(port));
		return -EINVAL;
	}
	return add(listeners, n, fd, port);
}

int listeners_open(const struct options *options,
		   struct listener ret_listeners[static MAX_LISTENERS])
{
	_cleanup_(free_fds) struct portcred_fds *fds = NULL;
	size_t n = 0;
	int r = portcred_listen_fds(&fds);

	if (r < 0) {
		log_warnx("the sockets that it was started with: %s", portcred_error_text(r));
		return r;
	}
	for (size_t i = 0; i < portcred_fds_count(fds); i++) {
		r = take_inherited(options, fds, i, ret_listeners, n);
		if (r < 0)
			return r;
		n++;
	}
	for (size_t i = 0; i < options->n_listen; i++) {
		r = listen_at(&options->listen[i], ret_listeners, n);
		if (r < 0) {
			log_warn(r, "cannot listen at %s", options->listen[i].at.text);
			return r;
		}
		n++;
	}
	if (n == 0) {
		log_warnx("no socket to listen with: neither --listen nor LISTEN_FDS");
		return -EINVAL;
	}
	return (int)n;
}
