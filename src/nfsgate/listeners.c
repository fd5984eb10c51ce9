/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/listen.h"
#include "base/log.h"
#include "nfsgate/gate.h"

static void free_fds(struct portcred_fds **fds)
{
	portcred_fds_free(*fds);
}

static int add(struct listener *listeners, size_t n, int fd, enum port port)
{
	if (n == MAX_LISTENERS)
		return -E2BIG;
	listeners[n] = (struct listener){ { SOURCE_LISTENER, fd, NULL }, port };
	return 0;
}

static int listen_for(const struct listen_at *at, struct listener *listeners, size_t n)
{
	_cleanup_close_ int fd = -EBADF;
	int r = listen_open(&at->at.address, at->at.size, &fd);

	if (r == 0)
		r = add(listeners, n, fd, at->port);
	if (r == 0)
		TAKE_FD(fd);
	return r;
}

/* take_inherited() - of one socket; its name says of which port it is */
static int take_inherited(const struct options *options, const struct portcred_fds *fds, size_t i,
			  struct listener *listeners, size_t n)
{
	enum port port = port_find(portcred_fds_name(fds, i));
	int fd = portcred_fds_get(fds, i), r = listen_inherited(fd);

	if (r == -EINVAL)
		log_warnx("descriptor %d, that it was started with, is no socket that listens", fd);
	if (r < 0)
		return r;
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
		r = listen_for(&options->listen[i], ret_listeners, n);
		if (r < 0) {
			log_warn(r, "cannot listen at %s", options->listen[i].at.text);
			return r;
		}
		n++;
	}
	if (n == 0) {
		log_warnx("no socket to listen with: neither --listen, or listen in the file, nor "
			  "LISTEN_FDS");
		return -EINVAL;
	}
	return (int)n;
}
