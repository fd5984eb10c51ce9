/* SPDX-License-Identifier: MIT */
/*
 * caller.c - who opened a connection, by libportcred
 */
#include <arpa/inet.h>
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

void caller_text(const struct caller *caller, char ret_text[static CALLER_TEXT_MAX])
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&caller->address;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&caller->address;
	bool is_v6 = caller->address.ss_family == AF_INET6;
	char address[INET6_ADDRSTRLEN] = "?", *shown = address;
	char who[PORTCRED_RECORD_HOST + 32] = "";

	inet_ntop(caller->address.ss_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr,
		  address, sizeof(address));
	if (is_v6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		shown = strrchr(address, ':') + 1;
	if (caller->has_raw_uid)
		snprintf(who, sizeof(who), "user %u of %s, ", caller->raw_uid, caller->host);
	snprintf(ret_text, CALLER_TEXT_MAX, "%s%s port %u", who, shown, ntohs(v4->sin_port));
}
