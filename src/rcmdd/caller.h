/* SPDX-License-Identifier: MIT */
/*
 * caller.h - who is at the other end, as far as the kernels say so
 */
#ifndef PORTCRED_RCMDD_CALLER_H
#define PORTCRED_RCMDD_CALLER_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "include/portcred/portcred.h"
#include "rcmdd/options.h"

/* What a port must be for the old proof (rcmd(3)): IPPORT_RESERVED / 2 to IPPORT_RESERVED - 1. */
#define RESERVED_FIRST 512
#define RESERVED_LAST  1023

/* struct caller - begins as all zeros; caller_clear() */
struct caller {
	struct sockaddr_storage address, local; /* of the connection; v4-mapped as it is */
	struct sockaddr_storage plain;          /* the address, IPv4 where it is v4-mapped */
	char text[INET6_ADDRSTRLEN];
	uint16_t port;
	struct portcred_peer *peer; /* owned; NULL: nothing is known */
	const char *host; /* who vouches for it: "local", or of the policy; NULL: nobody */
	uid_t raw_uid;    /* there; where there is a host */
	char *user;       /* owned: the name of the uid here; NULL: nobody here */
	bool reserved;    /* its port and its address are ones that --reserved-from believes */
};

/*
 * caller_find() - of a connection that was accepted
 * Asks the user database for the name. Returns 0; -errno: the connection is broken.
 */
int caller_find(int connection, const struct options *options, struct caller *ret_caller);
void caller_clear(struct caller *caller);

/* is_reserved() - 512 to 1023 */
static inline bool is_reserved(uint16_t port)
{
	return port >= RESERVED_FIRST && port <= RESERVED_LAST;
}

/*
 * caller_owns() - whether the other end of @fd, a connection of ours, is a listener of the caller's:
 * bound at the same host by the user who opened the first connection
 */
bool caller_owns(const struct caller *caller, int fd);

/* endpoint_port(), endpoint_set_port() - of IPv4 and IPv6 alike, in the machine's order */
uint16_t endpoint_port(const struct sockaddr_storage *address);
void endpoint_set_port(struct sockaddr_storage *address, uint16_t port);

#endif
