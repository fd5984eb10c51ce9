/* SPDX-License-Identifier: MIT */
/*
 * peer_text.h - who is at the other end of a connection, in words
 *
 * @user: the name of the peer's uid in this machine's database; NULL where there is none
 */
#ifndef PORTCRED_PORTCRED_PEER_TEXT_H
#define PORTCRED_PORTCRED_PEER_TEXT_H

#include <jansson.h>

#include "include/portcred/portcred.h"

/* peer_text_is_known() - whether there is a host to name, and mostly a user */
bool peer_text_is_known(const struct portcred_peer *peer);

/*
 * peer_text_who() - "alice@db1", of a user who is nobody here "somebody@db1"
 * @peer: one that is known
 * Returns a text to be freed, NULL: no memory.
 */
char *peer_text_who(const struct portcred_peer *peer, const char *user);

/*
 * peer_text_line() - "alice@db1 uid 1000, vouched", safe to print
 * @peer: one that is known
 * A uid that is another one there follows: "uid 1000 uid 70000 there". Returns as above.
 */
char *peer_text_line(const struct portcred_peer *peer, const char *user);

/* peer_text_json() - all that is known, the rest null; NULL: no memory */
json_t *peer_text_json(const struct portcred_peer *peer, const char *user);

#endif
