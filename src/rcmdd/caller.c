/* SPDX-License-Identifier: MIT */
#include "rcmdd/caller.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"

uint16_t endpoint_port(const struct sockaddr_storage *address)
{
	/* sin_port and sin6_port lie at the same place. */
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

void endpoint_set_port(struct sockaddr_storage *address, uint16_t port)
{
	((struct sockaddr_in *)address)->sin_port = htons(port);
}

/* make_plain() - IPv4 out of v4-mapped; everything else as it is */
static void make_plain(const struct sockaddr_storage *address, struct sockaddr_storage *plain)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)plain;

	*plain = *address;
	if (address->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return;
	*plain = (struct sockaddr_storage){ .ss_family = AF_INET };
	v4->sin_port = v6->sin6_port;
	memcpy(&v4->sin_addr, v6->sin6_addr.s6_addr + 12, sizeof(v4->sin_addr));
}

static int look_at_addresses(int connection, struct caller *caller)
{
	socklen_t size = sizeof(caller->address), local_size = sizeof(caller->local);
	const void *bytes;

	if (getpeername(connection, (struct sockaddr *)&caller->address, &size) < 0 ||
	    getsockname(connection, (struct sockaddr *)&caller->local, &local_size) < 0)
		return -errno;
	if (caller->address.ss_family != AF_INET && caller->address.ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	make_plain(&caller->address, &caller->plain);
	bytes = caller->plain.ss_family == AF_INET
			? (const void *)&((struct sockaddr_in *)&caller->plain)->sin_addr
			: (const void *)&((struct sockaddr_in6 *)&caller->plain)->sin6_addr;
	if (!inet_ntop(caller->plain.ss_family, bytes, caller->text, sizeof(caller->text)))
		return -errno;
	caller->port = endpoint_port(&caller->address);
	return 0;
}

/* look_at_peer() - what is not known stays so */
static int look_at_peer(int connection, struct caller *caller)
{
	enum portcred_known known;
	int r = portcred_peer(connection, &caller->peer);

	if (r < 0)
		return r;
	known = portcred_peer_known(caller->peer);
	if ((known != PORTCRED_LOCAL && known != PORTCRED_VOUCHED) ||
	    portcred_peer_raw_uid(caller->peer, &caller->raw_uid) < 0)
		return 0;
	caller->host = portcred_peer_host(caller->peer);
	r = portcred_peer_user(caller->peer, &caller->user);
	return r == -ENOMEM ? r : 0;
}

int caller_find(int connection, const struct options *options, struct caller *ret_caller)
{
	struct caller caller = { 0 };
	int r = look_at_addresses(connection, &caller);

	if (r == 0)
		r = look_at_peer(connection, &caller);
	if (r < 0) {
		caller_clear(&caller);
		return r;
	}
	for (size_t i = 0; i < options->n_reserved_from && is_reserved(caller.port); i++)
		caller.reserved |= network_has(&options->reserved_from[i], &caller.plain);
	/*
	 * A reserved port stands for root's approval of what the client says. Where the kernels tell
	 * that it was not root who opened it, they know better.
	 */
	if (caller.host && caller.raw_uid != 0)
		caller.reserved = false;
	*ret_caller = caller;
	return 0;
}

void caller_clear(struct caller *caller)
{
	portcred_peer_free(caller->peer);
	free(caller->user);
	*caller = (struct caller){ 0 };
}

static void free_peer(struct portcred_peer **peer)
{
	portcred_peer_free(*peer);
}

bool caller_owns(const struct caller *caller, int fd)
{
	_cleanup_(free_peer) struct portcred_peer *peer = NULL;
	enum portcred_known known;
	const char *host;
	uid_t raw_uid;

	if (!caller->host || portcred_peer(fd, &peer) < 0)
		return false;
	known = portcred_peer_known(peer);
	host = portcred_peer_host(peer);
	return (known == PORTCRED_LOCAL || known == PORTCRED_VOUCHED) && host &&
	       strcmp(host, caller->host) == 0 && portcred_peer_opened(peer) == 1 &&
	       portcred_peer_raw_uid(peer, &raw_uid) == 0 && raw_uid == caller->raw_uid;
}
