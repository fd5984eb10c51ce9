/* SPDX-License-Identifier: MIT */
/*
 * record.h - the kernel's answer, and what is believed of it
 *
 * Not part of the library's interface; but a static library has no secrets, so the names are long.
 */
#ifndef PORTCRED_LIBPORTCRED_RECORD_H
#define PORTCRED_LIBPORTCRED_RECORD_H

#include <stddef.h>
#include <sys/socket.h>

#include "bpf/abi.h"
#include "include/portcred/portcred.h"

/* struct portcred_peer - in one piece, so that free() releases it */
struct portcred_peer {
	enum portcred_known known;
	bool direction_known, opened;
	bool approved;
	uint32_t uid, raw_uid, gid; /* PORTCRED_NO_ID: not known */
	char host[MAX_HOST_NAME];   /* empty: not known */
};

/*
 * portcred_record_decode() - what the kernel answered
 * @bytes, @size: as it came; nothing is taken for granted
 *
 * A record that contradicts itself (a user of a peer that is unknown, approval of a caller) loses
 * what it should not have. Returns 0, -EPROTONOSUPPORT, -EPROTO.
 */
int portcred_record_decode(const void *bytes, size_t size, struct portcred_peer *ret_peer);

/* getsockopt(2), or what stands in for it in tests */
typedef int portcred_getsockopt(int fd, int level, int name, void *value, socklen_t *size);

/* portcred_record_ask() - portcred_peer() without the allocation; errors as there */
int portcred_record_ask(int fd, portcred_getsockopt *get, struct portcred_peer *ret_peer);

#endif
