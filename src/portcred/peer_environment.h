/* SPDX-License-Identifier: MIT */
/*
 * peer_environment.h - who is at the other end of a connection, in the environment of a program
 */
#ifndef PORTCRED_PORTCRED_PEER_ENVIRONMENT_H
#define PORTCRED_PORTCRED_PEER_ENVIRONMENT_H

#include "include/portcred/portcred.h"
#include "portcred/endpoint.h"

/*
 * peer_environment_set() - the variables of portcred(1), and no older ones of these names
 * @user: the name of the peer's uid, NULL: none
 *
 * A variable that was there before was not about this connection, or came from somebody who wants
 * the program to believe it. Returns 0, -ENOMEM; then the program must not be run.
 */
int peer_environment_set(const struct portcred_peer *peer, const char *user,
			 const struct endpoint *local, const struct endpoint *remote);

#endif
