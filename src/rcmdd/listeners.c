/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "include/portcred/portcred.h"
#include "rcmdd/serve.h"
#include "rcmdd/tell.h"

/* Of connections that nobody has accepted yet: as many as the kernel allows (net.core.somaxconn). */
#define BACKLOG 4096

/* add() - does not block: who called may have hung up before accept(2), which would wait for the next */
static int add(struct listeners *listeners, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (listeners->n == MAX_LISTENERS)
		return -E2BIG;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	listeners->fds[listeners->n++] = fd;
	return 0;
}

static int listen_at(const struct listen_at *at, struct listeners *listeners)
{
	_cleanup_close_ int fd = socket(at->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, r;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&at->address, at->size) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	r = add(listeners, fd);
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

static void free_fds(struct portcred_fds **fds)
{
	portcred_fds_free(*fds);
}

/* take_inherited() - each must listen; a connection is served from descriptor 0 */
static int take_inherited(struct listeners *listeners)
{
	_cleanup_(free_fds) struct portcred_fds *fds = NULL;
	int r = portcred_listen_fds(&fds);

	for (size_t i = 0; r == 0 && i < portcred_fds_count(fds); i++) {
		int fd = portcred_fds_get(fds, i);

		r = is_listening(fd) ? add(listeners, fd) : -EINVAL;
	}
	return r;
}

int listeners_open(const struct options *options, struct listeners *ret_listeners)
{
	struct listeners listeners = { .n = 0 };
	int r = 0;

	for (size_t i = 0; i < options->n_listen && r == 0; i++) {
		r = listen_at(&options->listen[i], &listeners);
		if (r < 0)
			tell(options->aloud, LOG_ERR, "cannot listen at %s: %s",
			     options->listen[i].text, strerror(-r));
	}
	if (r == 0) {
		r = take_inherited(&listeners);
		if (r < 0)
			tell(options->aloud, LOG_ERR, "the sockets that it was started with: %s",
			     portcred_error_text(r));
	}
	if (r < 0) {
		listeners_close(&listeners);
		return r;
	}
	*ret_listeners = listeners;
	return 0;
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->n; i++)
		close(listeners->fds[i]);
	listeners->n = 0;
}
