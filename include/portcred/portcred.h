/* SPDX-License-Identifier: MIT */
/*
 * portcred.h - who is at the other end of a TCP connection; and a socket at a port, without root
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
 * once it is there, so threads may share one, as long as none frees it; the same goes for options and
 * inherited sockets. Nothing here waits, but for portcred_peer_user() and portcred_bind(). portcred(3) has all of it at more length.
 */
#ifndef PORTCRED_H
#define PORTCRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
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

/* struct portcred_bind_options - how portcred_bind() is to go about it */
struct portcred_bind_options;

/* Flags of portcred_bind(). The last two: neither is the system's choice, net.ipv6.bindv6only. */
#define PORTCRED_BIND_REUSEPORT  1U /* SO_REUSEPORT: shared with other such sockets of this user */
#define PORTCRED_BIND_V6ONLY     2U /* IPV6_V6ONLY set */
#define PORTCRED_BIND_DUAL_STACK 4U /* IPV6_V6ONLY not set */

/*
 * portcred_bind_options_new() - the defaults; for portcred_bind_options_free()
 * Returns 0, -ENOMEM.
 */
int portcred_bind_options_new(struct portcred_bind_options **ret_options);

/* portcred_bind_options_free() - of NULL nothing */
void portcred_bind_options_free(struct portcred_bind_options *options);

/*
 * portcred_bind_options_set_runtime_dir() - portcredd's --runtime-dir; /run/portcred at first
 * @directory: copied. Returns 0, -ENOMEM.
 */
int portcred_bind_options_set_runtime_dir(struct portcred_bind_options *options,
					  const char *directory);

/*
 * portcred_bind_options_set_flags() - PORTCRED_BIND_* together; 0 at first
 * Returns 0; -EINVAL: a flag that this version does not know, or two that exclude each other.
 */
int portcred_bind_options_set_flags(struct portcred_bind_options *options, unsigned int flags);

/*
 * portcred_bind_options_set_timeout() - how long portcredd may take to answer; 10 s at first
 * Returns 0; -EINVAL: 0.
 */
int portcred_bind_options_set_timeout(struct portcred_bind_options *options,
				      unsigned int milliseconds);

/*
 * portcred_bind() - have portcredd bind a socket for this process, if the policy lets it have the port
 * @type: SOCK_STREAM (TCP) or SOCK_DGRAM (UDP), with SOCK_NONBLOCK or not; it is SOCK_CLOEXEC anyway
 * @address: IPv4 or IPv6, with a port; it is not v4-mapped
 * @options: NULL for the defaults
 * @ret_fd: bound, and not listening yet; the caller's to close
 * @ret_reason: a sentence about a failure, for free(3), NULL where there is no memory for it or
 *	nothing failed; NULL: not wanted
 *
 * The policy judges the process as it would judge its own bind(2): its effective user, its groups, its
 * executable, its unit. At ports that no rule names it goes by the kernel's own rule. The socket is as
 * if the process had made it: its user's.
 *
 * Returns 0; -EACCES: refused, by the policy or the kernel's rule; -ECONNREFUSED: portcredd is not
 * running; -ETIMEDOUT: it does not answer; -EXDEV: it serves another network namespace; -EREMOTEIO: it
 * could not, for a reason of its own; -EBADMSG: its answer makes no sense; -EADDRINUSE, -EADDRNOTAVAIL
 * and what else bind(2) says; -EINVAL, -EAFNOSUPPORT: arguments; -EMFILE, -ENFILE, -ENOMEM.
 */
int portcred_bind(int type, const struct sockaddr *address, socklen_t size,
		  const struct portcred_bind_options *options, int *ret_fd, char **ret_reason);

/* struct portcred_fds - the sockets that this program was started with */
struct portcred_fds;

/*
 * portcred_listen_fds() - find them, by systemd's protocol (sd_listen_fds(3)), as `portcred run` speaks
 * it too, and mark them close-on-exec
 * @ret_fds: for portcred_fds_free(); left alone on failure
 *
 * None at all is no failure. The environment is read and stays as it is; so call this while no other
 * thread changes it (getenv(3)). The sockets are the caller's to close.
 *
 * Returns 0; -EINVAL: LISTEN_PID, LISTEN_FDS or LISTEN_FDNAMES make no sense; -EBADF: not all of the
 * descriptors are open; -ENOMEM.
 */
int portcred_listen_fds(struct portcred_fds **ret_fds);

/* portcred_fds_free() - closes nothing; of NULL nothing */
void portcred_fds_free(struct portcred_fds *fds);

size_t portcred_fds_count(const struct portcred_fds *fds);

/*
 * portcred_fds_get(), portcred_fds_name() - one of them, and what it is called ("unknown" if nothing)
 * @index: from 0. The text belongs to @fds. Return -ENODATA and NULL beyond the last one.
 */
int portcred_fds_get(const struct portcred_fds *fds, size_t index);
const char *portcred_fds_name(const struct portcred_fds *fds, size_t index);

/* portcred_fds_find() - the first that is called so; -ENODATA: none is */
int portcred_fds_find(const struct portcred_fds *fds, const char *name);

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
