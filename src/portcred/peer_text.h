/* SPDX-License-Identifier: MIT */
/*
 * peer_text.h - who is at the other end of a connection, in words
 *
 * @user: the name of the peer's uid in this machine's database; NULL where there is none
 */
#ifndef PORTCRED_PORTCRED_PEER_TEXT_H
#define PORTCRED_PORTCRED_PEER_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "include/portcred/portcred.h"

/* peer_text_is_known() - whether there is a host to name, and mostly a user */
bool peer_text_is_known(const struct portcred_peer *peer);

/* struct peer_ids - who called, as it was vouched for */
struct peer_ids {
	const char *host;
	bool has_uid, has_raw_uid;
	uint32_t uid;     /* here */
	uint32_t raw_uid; /* on its own machine */
};

/*
 * peer_text_name() - how a peer is called wherever one is shown
 *
 * "alice@db1", "1000@db1" of a user here who has no name; of who is nobody here "root@db1", for root of
 * another machine is called so all the same, or "somebody(70000)@db1" with the number there, which is no
 * user's of here; "somebody@db1" of whom not even that is known.
 * Returns a text to be freed, NULL: no memory.
 */
char *peer_text_name(const struct peer_ids *ids, const char *user);

/* peer_text_who() - the same of @peer: one that is known */
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
