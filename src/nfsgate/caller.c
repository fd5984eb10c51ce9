/* SPDX-License-Identifier: MIT */
/*
 * caller.c - who opened a connection, by libportcred
 */
#include <errno.h>
#include <string.h>

#include "nfsgate/session.h"

static void free_peer(struct portcred_peer **peer)
{
	portcred_peer_free(*peer);
}

int caller_ask(int fd, const struct sockaddr_storage *address, struct caller *ret_caller)
{
	_cleanup_(free_peer) struct portcred_peer *peer = NULL;
	struct caller caller = { .address = *address };
	const char *host;
	int r = portcred_peer(fd, &peer);

	if (r < 0)
		return r;
	caller.known = portcred_peer_known(peer);
	/* A connection that this side opened cannot have come from a listener of its own. */
	if (portcred_peer_opened(peer) == 1)
		caller.known = PORTCRED_UNKNOWN;
	caller.has_uid = portcred_peer_uid(peer, &caller.uid) == 0;
	caller.has_raw_uid = portcred_peer_raw_uid(peer, &caller.raw_uid) == 0;
	host = portcred_peer_host(peer);
	if (host && strlen(host) >= sizeof(caller.host))
		return -EPROTO;
	if (host)
		memcpy(caller.host, host, strlen(host) + 1);
	*ret_caller = caller;
	return 0;
}
