/* SPDX-License-Identifier: MIT */
/*
 * listing.h - bound sockets as the daemon lists them, for people
 */
#ifndef PORTCRED_PORTCRED_LISTING_H
#define PORTCRED_PORTCRED_LISTING_H

#include "bpf/abi.h"
#include "portcred/client.h"

/* struct listing - sockets sorted by port, protocol and address; listing_clear() releases it */
struct listing {
	json_t *array;  /* of Socket */
	json_t **items; /* the same, sorted; the array is owned, the values are the array's */
	size_t n;
	json_t *redirects; /* of Redirect, from listing_ask() alone; NULL: none */
};

/*
 * listing_take() - sort what an answer holds in its member @name
 * What is no object with a port is left out. Returns 0, -ENOMEM.
 */
int listing_take(const json_t *answer, const char *name, struct listing *ret_listing);

/* listing_ask() - every bound socket; EXIT_YES, or the status to leave with after saying why */
int listing_ask(struct program *program, struct varlink_client *client,
		struct listing *ret_listing);

/* listing_keep() - leave out every socket that @wanted does not want */
void listing_keep(struct listing *listing, bool (*wanted)(const json_t *socket, void *data),
		  void *data);

/*
 * listing_print() - a table; sockets that differ in nothing that is shown are one line
 * @policy: the daemon's policy file, see in_force_place(); may be NULL
 */
int listing_print(const struct listing *listing, struct program *program, const char *policy);

void listing_clear(struct listing *listing);

/* listing_is() - whether a socket is of this protocol and port */
bool listing_is(const json_t *socket, enum protocol protocol, uint16_t port);

#endif
