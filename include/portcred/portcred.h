/* SPDX-License-Identifier: MIT */
/*
 * portcred.h - who is at the other end of a TCP connection
 *
 *	struct portcred_peer *peer;
 *	const char *host;
 *	uid_t uid;
 *
 *	if (portcred_peer(fd, &peer) < 0)
 *		return;
 *	host = portcred_peer_host(peer);
 *	if (host && portcred_peer_uid(peer, &uid) == 0)
 *		printf("uid %u at %s\n", uid, host);
 *	portcred_peer_free(peer);
 *
 * Not to know is no error: without portcred, or where nobody vouches, the answer is a peer of
 * which nothing is known. What is not known is never guessed, and has no value that could be used by
 * mistake: a function that returns an id returns it through a pointer, which it leaves alone where
 * there is none.
 *
 * Errors are returned, as -errno; nothing is printed, and errno itself means nothing. The library
 * keeps no state: every function may be called in any thread at any time. A peer does not change
 * once it is there, so threads may share one, as long as none frees it. Nothing here waits, but for
 * portcred_peer_user(). portcred(3) has all of it at more length.
 */
#ifndef PORTCRED_H
#define PORTCRED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * enum portcred_known - how it is known who is there
 * Take a value that you do not know, of a later version, for PORTCRED_UNKNOWN.
 */
enum portcred_known {
	PORTCRED_UNKNOWN,  /* it is not */
	PORTCRED_LOCAL,    /* this machine's kernel saw the process */
	PORTCRED_VOUCHED,  /* the other machine's kernel vouches, with a key that we know */
	PORTCRED_ASKED,    /* the other machine answered a question, with a key that we know */
	PORTCRED_RESERVED, /* not who, but that its port is one of 512 to 1023 */
};

/* struct portcred_peer - the other end of one connection, as it was when it was asked about */
struct portcred_peer;

/*
 * portcred_peer() - ask the kernel
 * @fd: a connected TCP socket; it is not read, written or changed, and may be closed afterwards
 * @ret_peer: for portcred_peer_free(); left alone on failure
 *
 * Of an accepted connection it is the user who opened it; of one that this side opened, the user
 * who bound the listener. It is known as soon as accept(2) or connect(2) has succeeded, and does not
 * change while the connection lasts, whoever holds the sockets by then.
 *
 * Returns 0, also where nothing is known; -EBADF, -ENOTSOCK; -EPROTOTYPE: no TCP; -ENOTCONN: not
 * connected, or not any more; -EPROTONOSUPPORT: the kernel half has another version of the record;
 * -EPROTO: its answer makes no sense; -ENOMEM; any other: what the kernel refused with.
 */
int portcred_peer(int fd, struct portcred_peer **ret_peer);

/* portcred_peer_free() - and all texts that belong to it; of NULL nothing */
void portcred_peer_free(struct portcred_peer *peer);

enum portcred_known portcred_peer_known(const struct portcred_peer *peer);

/*
 * portcred_peer_host() - the name that this machine's policy has for the peer's machine
 * Returns "local" for this one; NULL where the peer is PORTCRED_UNKNOWN or PORTCRED_RESERVED, else
 * never. The text belongs to @peer. It is no name of the DNS.
 */
const char *portcred_peer_host(const struct portcred_peer *peer);

/*
 * portcred_peer_uid(), portcred_peer_gid() - effective, as they count on this machine
 * Unknown also for a peer that is vouched for, but whose user is nobody here: outside the shared
 * ranges, or root there without `root trust`. Returns 0, -ENODATA: not known.
 */
int portcred_peer_uid(const struct portcred_peer *peer, uid_t *ret_uid);
int portcred_peer_gid(const struct portcred_peer *peer, gid_t *ret_gid);

/*
 * portcred_peer_raw_uid() - the uid on the peer's own machine, as that vouched for it
 * For logs: what it may do here is portcred_peer_uid()'s matter. Returns 0, -ENODATA: not known.
 */
int portcred_peer_raw_uid(const struct portcred_peer *peer, uid_t *ret_uid);

/*
 * portcred_peer_user() - the name of portcred_peer_uid() in this machine's user database
 * @ret_name: for free(3); left alone on failure
 *
 * Asks the database now, which may wait for a directory service.
 *
 * Returns 0; -ENODATA: the uid is not known; -ENOENT: no user has it; -ENOMEM; what the database
 * failed with.
 */
int portcred_peer_user(const struct portcred_peer *peer, char **ret_name);

/*
 * portcred_peer_opened() - 1: this side opened the connection, 0: it accepted it
 * Returns -ENODATA where the peer is PORTCRED_UNKNOWN or PORTCRED_RESERVED.
 */
int portcred_peer_opened(const struct portcred_peer *peer);

/*
 * portcred_peer_approved() - whether the peer's machine says that its policy let the listener bind
 * Only of a connection that this side opened to a peer that is known.
 */
bool portcred_peer_approved(const struct portcred_peer *peer);

/*
 * portcred_known_text() - "unknown", "local", "vouched", "asked", "reserved"; for any other value
 * "unknown"
 */
const char *portcred_known_text(enum portcred_known known);

/*
 * portcred_error_text() - what an error of these functions means, in words
 * @error: with or without the minus
 * Returns a text that lasts and nobody frees.
 */
const char *portcred_error_text(int error);

/*
 * What the kernel itself says: getsockopt(fd, SOL_PORTCRED, PORTCRED_PEER, &record, &size), for
 * languages and programs that do without this library. ENOPROTOOPT or EOPNOTSUPP: nothing is known.
 */
#define SOL_PORTCRED  0x7063
#define PORTCRED_PEER 1

#define PORTCRED_RECORD_VERSION 1
#define PORTCRED_RECORD_HOST    64 /* bytes of a host's name with its NUL */
#define PORTCRED_NO_ID          UINT32_MAX

/* Flags of a record. */
#define PORTCRED_RECORD_OPENED   1U /* this side opened the connection */
#define PORTCRED_RECORD_APPROVED 2U /* see portcred_peer_approved() */

/* struct portcred_record - 80 bytes, numbers in the machine's own order */
struct portcred_record {
	uint16_t version; /* PORTCRED_RECORD_VERSION */
	uint8_t known;    /* enum portcred_known */
	uint8_t flags;
	uint32_t uid; /* these three: PORTCRED_NO_ID where it is not known */
	uint32_t raw_uid;
	uint32_t gid;
	char host[PORTCRED_RECORD_HOST]; /* NUL-padded; empty: not known */
};

#ifdef __cplusplus
}
#endif

#endif
