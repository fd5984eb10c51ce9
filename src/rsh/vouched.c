/* SPDX-License-Identifier: MIT */
#include "rsh/vouched.h"

#include <string.h>

#include "base/cleanup.h"
#include "include/portcred/portcred.h"

DEFINE_CLEANUP(struct portcred_peer *, portcred_peer_free)

static bool is_known(const struct portcred_peer *peer)
{
	enum portcred_known known = portcred_peer_known(peer);

	return known == PORTCRED_LOCAL || known == PORTCRED_VOUCHED;
}

bool vouched_second(int accepted, int connection)
{
	_cleanup_(portcred_peer_freep) struct portcred_peer *server = NULL, *caller = NULL;
	uid_t owner, uid;

	/* A kernel that cannot be asked knows nothing of this connection either. */
	if (portcred_peer(connection, &server) < 0 || !is_known(server))
		return true;
	if (portcred_peer(accepted, &caller) < 0 || !is_known(caller))
		return false;
	if (strcmp(portcred_peer_host(caller), portcred_peer_host(server)) != 0 ||
	    portcred_peer_raw_uid(caller, &uid) < 0)
		return false;
	return uid == 0 || (portcred_peer_raw_uid(server, &owner) == 0 && uid == owner);
}
