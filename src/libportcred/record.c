/* SPDX-License-Identifier: MIT */
#include "libportcred/record.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* The header for others says the same as the one that the kernel half is built from. */
#define SAME_MEMBER(ours, theirs)                                                                  \
	static_assert(offsetof(struct portcred_record, ours) == offsetof(struct peer, theirs) &&   \
			      sizeof(((struct portcred_record *)0)->ours) ==                       \
				      sizeof(((struct peer *)0)->theirs),                          \
		      #ours)

SAME_MEMBER(version, version);
SAME_MEMBER(known, how);
SAME_MEMBER(flags, flags);
SAME_MEMBER(uid, uid);
SAME_MEMBER(raw_uid, raw_uid);
SAME_MEMBER(gid, gid);
SAME_MEMBER(host, host);
static_assert(sizeof(struct portcred_record) == sizeof(struct peer), "size");
static_assert(sizeof(struct portcred_record) == 80, "portcred(3) tells it");
static_assert(PORTCRED_RECORD_VERSION == PEER_RECORD_VERSION, "version");
static_assert(PORTCRED_RECORD_OPENED == PEER_OPENED, "flag");
static_assert(PORTCRED_RECORD_APPROVED == PEER_APPROVED, "flag");
static_assert(PORTCRED_NO_ID == UID_NONE, "no id");
static_assert((int)PORTCRED_UNKNOWN == (int)KNOWN_NOT, "known");
static_assert((int)PORTCRED_LOCAL == (int)KNOWN_LOCAL, "known");
static_assert((int)PORTCRED_VOUCHED == (int)KNOWN_VOUCHED, "known");
static_assert((int)PORTCRED_ASKED == (int)KNOWN_ASKED, "known");
static_assert((int)PORTCRED_RESERVED == (int)KNOWN_RESERVED, "known");

static const struct portcred_peer nobody = {
	.known = PORTCRED_UNKNOWN,
	.uid = PORTCRED_NO_ID,
	.raw_uid = PORTCRED_NO_ID,
	.gid = PORTCRED_NO_ID,
};

int portcred_record_decode(const void *bytes, size_t size, struct portcred_peer *ret_peer)
{
	struct portcred_peer peer = nobody;
	struct portcred_record record;

	if (size >= sizeof(record.version)) {
		memcpy(&record.version, bytes, sizeof(record.version));
		if (record.version != PORTCRED_RECORD_VERSION)
			return -EPROTONOSUPPORT;
	}
	if (size != sizeof(record))
		return -EPROTO;
	memcpy(&record, bytes, sizeof(record));
	if (record.known > PORTCRED_RESERVED || !memchr(record.host, '\0', sizeof(record.host)))
		return -EPROTO;

	peer.known = (enum portcred_known)record.known;
	switch (peer.known) {
	case PORTCRED_VOUCHED:
	case PORTCRED_ASKED:
		if (!record.host[0]) /* by whom? */
			return -EPROTO;
		__attribute__((fallthrough));
	case PORTCRED_LOCAL:
		peer.direction_known = true;
		peer.opened = record.flags & PORTCRED_RECORD_OPENED;
		peer.uid = record.uid;
		peer.raw_uid = record.raw_uid;
		peer.gid = record.gid;
		peer.approved = peer.opened && (record.flags & PORTCRED_RECORD_APPROVED);
		/* The policy's word for this machine, whatever it is called. */
		snprintf(peer.host, sizeof(peer.host), "%s",
			 peer.known == PORTCRED_LOCAL ? "local" : record.host);
		break;
	case PORTCRED_UNKNOWN:  /* the kernel has no flags of a connection that it did not follow */
	case PORTCRED_RESERVED: /* and an address is no proof of a host */
		break;
	}
	*ret_peer = peer;
	return 0;
}

static int get_number(int fd, portcred_getsockopt *get, int name, int *ret_number)
{
	socklen_t size = sizeof(*ret_number);

	return get(fd, SOL_SOCKET, name, ret_number, &size) < 0 ? -errno : 0;
}

/* Other kinds of sockets may not look at the level before they answer. */
static int check_tcp(int fd, portcred_getsockopt *get)
{
	int domain = AF_UNSPEC, protocol = 0;
	int error = get_number(fd, get, SO_DOMAIN, &domain);

	if (error == 0)
		error = get_number(fd, get, SO_PROTOCOL, &protocol);
	if (error < 0)
		return error;
	if ((domain != AF_INET && domain != AF_INET6) ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP))
		return -EPROTOTYPE;
	return 0;
}

static int check_connected(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	return getpeername(fd, (struct sockaddr *)&address, &size) < 0 ? -errno : 0;
}

int portcred_record_ask(int fd, portcred_getsockopt *get, struct portcred_peer *ret_peer)
{
	struct portcred_record record = { 0 };
	socklen_t size = sizeof(record);
	int error = check_tcp(fd, get);

	if (error < 0)
		return error;
	if (get(fd, SOL_PORTCRED, PORTCRED_PEER, &record, &size) == 0)
		return portcred_record_decode(&record, size, ret_peer);
	/* The one of a kernel without portcred for TCP, the other for Multipath TCP. */
	if (errno != ENOPROTOOPT && errno != EOPNOTSUPP)
		return -errno;
	error = check_connected(fd);
	if (error == 0)
		*ret_peer = nobody;
	return error;
}
