/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/listen.h"
#include "include/portcred/portcred.h"
#include "rcmdd/serve.h"
#include "rcmdd/tell.h"

static int add(struct listeners *listeners, int fd)
{
	if (listeners->n == MAX_LISTENERS)
		return -E2BIG;
	listeners->fds[listeners->n++] = fd;
	return 0;
}

static int listen_for(const struct listen_at *at, struct listeners *listeners)
{
	_cleanup_close_ int fd = -EBADF;
	int r = listen_open(&at->address, at->size, &fd);

	if (r == 0)
		r = add(listeners, fd);
	if (r == 0)
		TAKE_FD(fd);
	return r;
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

		r = listen_inherited(fd);
		if (r == 0)
			r = add(listeners, fd);
	}
	return r;
}

int listeners_open(const struct options *options, struct listeners *ret_listeners)
{
	struct listeners listeners = { .n = 0 };
	int r = 0;

	for (size_t i = 0; i < options->n_listen && r == 0; i++) {
		r = listen_for(&options->listen[i], &listeners);
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
