/* SPDX-License-Identifier: MIT */
/*
 * listing.h - what is bound, who holds it and which rule governs it, for those who ask
 */
#ifndef PORTCRED_PORTCREDD_LISTING_H
#define PORTCRED_PORTCREDD_LISTING_H

#include <jansson.h>

#include "portcredd/daemon.h"

struct varlink_call;

/*
 * listing_call() - answers ListSockets: root at once, the others one after the other
 * @userdata: the daemon
 *
 * Returns what varlink_reply() does; -ENOMEM.
 */
int listing_call(struct varlink_call *call, json_t *parameters, void *userdata);

/*
 * listing_sockets() - a list of sockets, and who holds them as far as @caller may know
 * Returns a new reference.
 */
json_t *listing_sockets(const struct daemon *daemon, const struct socket_list *sockets,
			uid_t caller);

/* listing_refused() - sockets that the policy refuses, which were bound before it. A new reference. */
json_t *listing_refused(const struct daemon *daemon);

#endif
