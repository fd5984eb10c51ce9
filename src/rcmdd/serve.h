/* SPDX-License-Identifier: MIT */
/*
 * serve.h - a server that stands alone: accepts, counts, forks
 */
#ifndef PORTCRED_RCMDD_SERVE_H
#define PORTCRED_RCMDD_SERVE_H

#include "rcmdd/options.h"

/* struct listeners - sockets that listen; owned */
struct listeners {
	int fds[MAX_LISTENERS];
	size_t n;
};

/*
 * listeners_open() - those of --listen, and those that this program was started with (LISTEN_FDS)
 * @ret_listeners: none at all is no failure
 * Returns 0; -errno after telling.
 */
int listeners_open(const struct options *options, struct listeners *ret_listeners);
void listeners_close(struct listeners *listeners);

/*
 * serve() - until it is told to end, by SIGTERM or SIGINT; sessions that have begun go on
 * Returns 0; -errno after telling.
 */
int serve(const struct options *options, const struct listeners *listeners);

#endif
