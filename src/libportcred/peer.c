/* SPDX-License-Identifier: MIT */
/*
 * peer.c - the functions of portcred.h
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/database.h"
#include "libportcred/record.h"

int portcred_peer(int fd, struct portcred_peer **ret_peer)
{
	struct portcred_peer *peer = malloc(sizeof(*peer));
	int error = peer ? portcred_record_ask(fd, getsockopt, peer) : -ENOMEM;

	if (error < 0) {
		free(peer);
		return error;
	}
	*ret_peer = peer;
	return 0;
}

void portcred_peer_free(struct portcred_peer *peer)
{
	free(peer);
}

enum portcred_known portcred_peer_known(const struct portcred_peer *peer)
{
	return peer->known;
}

const char *portcred_peer_host(const struct portcred_peer *peer)
{
	return peer->host[0] ? peer->host : NULL;
}

static int give_id(uint32_t id, uint32_t *ret_id)
{
	if (id == PORTCRED_NO_ID)
		return -ENODATA;
	*ret_id = id;
	return 0;
}

int portcred_peer_uid(const struct portcred_peer *peer, uid_t *ret_uid)
{
	return give_id(peer->uid, ret_uid);
}

int portcred_peer_gid(const struct portcred_peer *peer, gid_t *ret_gid)
{
	return give_id(peer->gid, ret_gid);
}

int portcred_peer_raw_uid(const struct portcred_peer *peer, uid_t *ret_uid)
{
	return give_id(peer->raw_uid, ret_uid);
}

int portcred_peer_user(const struct portcred_peer *peer, char **ret_name)
{
	return peer->uid == PORTCRED_NO_ID ? -ENODATA : database_user_name(peer->uid, ret_name);
}

int portcred_peer_opened(const struct portcred_peer *peer)
{
	return peer->direction_known ? peer->opened : -ENODATA;
}

bool portcred_peer_approved(const struct portcred_peer *peer)
{
	return peer->approved;
}

const char *portcred_known_text(enum portcred_known known)
{
	switch (known) {
	case PORTCRED_LOCAL:
		return "local";
	case PORTCRED_VOUCHED:
		return "vouched";
	case PORTCRED_ASKED:
		return "asked";
	case PORTCRED_RESERVED:
		return "reserved";
	case PORTCRED_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *portcred_error_text(int error)
{
	long long number = error < 0 ? -(long long)error : error;
	const char *text;

	switch (number) {
	case EBADF:
		return "no open descriptor";
	case ENOTSOCK:
		return "no socket";
	case EPROTOTYPE:
		return "no TCP socket";
	case ENOTCONN:
		return "not connected";
	case EPROTONOSUPPORT:
		return "the kernel half of portcred has another version of the answer";
	case EPROTO:
		return "the kernel's answer makes no sense";
	case EACCES:
		return "refused, by the policy or by the kernel's own rule";
	case ECONNREFUSED:
		return "portcredd is not running";
	case ETIMEDOUT:
		return "portcredd does not answer";
	case EXDEV:
		return "portcredd serves another network namespace";
	case EREMOTEIO:
		return "portcredd could not do it";
	case EBADMSG:
		return "portcredd's answer makes no sense";
	case ENODATA:
		return "not known";
	case ENOENT:
		return "no user has this uid";
	default:
		/* strerror(3) may print into memory it shares. */
		text = number <= INT_MAX ? strerrordesc_np((int)number) : NULL;
		return text ? text : "unknown error";
	}
}
