/* SPDX-License-Identifier: MIT */
/*
 * names_wire.h - the frames between portcredd and its name service
 *
 * One frame a message of a SOCK_SEQPACKET pair, native byte order (both ends are one program):
 *
 *	request   sequence u32, kind u8, length u8, name: length bytes
 *	answer    sequence u32, status i32, id u32, ports u16 × 2, protocols u8, zero u8 × 3
 *	pairs     sequence u32, count u32, then count times: gid u32, uid u32
 *
 * A request for members has the gid, four bytes, where others have a name; one for all memberships
 * has nothing there. Their answer is preceded by frames of pairs, and its id is how many these were
 * in all. The size of a frame tells answer and pairs apart.
 *
 * sequence 0 is no request's: such an answer speaks of the name service itself. Bytes left over,
 * or a value that the kind cannot have, make a frame malformed.
 */
#ifndef PORTCRED_PORTCREDD_NAMES_WIRE_H
#define PORTCRED_PORTCREDD_NAMES_WIRE_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

#define MAX_NAME_BYTES 255U

#define NAMES_REQUEST_HEAD 6U
#define NAMES_REQUEST_MAX  (NAMES_REQUEST_HEAD + MAX_NAME_BYTES)
#define NAMES_ANSWER_SIZE  20U
#define NAMES_PAIRS_HEAD   8U
#define NAMES_PAIR_SIZE    8U
#define MAX_NAMES_PAIRS    512U /* of one frame */
#define NAMES_PAIRS_MAX    (NAMES_PAIRS_HEAD + MAX_NAMES_PAIRS * NAMES_PAIR_SIZE)

/* In all frames of one answer, as many as MAX_MEMBERSHIPS; a longer listing fails with -E2BIG. */
#define MAX_NAMES_LISTED (1U << 20)

enum names_kind {
	NAMES_USER,
	NAMES_GROUP,
	NAMES_SERVICE,
	NAMES_MEMBERS,     /* of one group */
	NAMES_MEMBERSHIPS, /* of every group */
	NAMES_KINDS,
};

/* struct names_request - a question: which id, or which ports, belong to this name */
struct names_request {
	uint32_t sequence;             /* never 0 */
	uint8_t kind;                  /* enum names_kind */
	uint32_t gid;                  /* NAMES_MEMBERS, else 0 */
	char name[MAX_NAME_BYTES + 1]; /* empty for NAMES_MEMBERS and NAMES_MEMBERSHIPS */
};

/* struct names_answer - status 0 and what was asked for, or -errno and nothing else */
struct names_answer {
	uint32_t sequence;
	int32_t status;
	uint32_t id;               /* uid or gid; how many pairs came before */
	uint16_t ports[PROTOCOLS]; /* service: host byte order, 0 where its bit is not set */
	uint8_t protocols;         /* service: bits 1 << enum protocol */
};

/* struct names_pair - a member of a group */
struct names_pair {
	uint32_t gid;
	uint32_t uid;
};

/* struct names_pairs - a part of a listing: 1 to MAX_NAMES_PAIRS of them */
struct names_pairs {
	uint32_t sequence;
	uint32_t n;
	struct names_pair pairs[MAX_NAMES_PAIRS];
};

/*
 * names_name_valid() - whether a name may travel: 1 to MAX_NAME_BYTES bytes, none of them a control
 * character or ':', which passwd(5) and group(5) cannot hold in a name
 */
int names_name_valid(const char *name, size_t length);

/* names_request_encode() - the size of the frame, -EINVAL for a name or gid that may not travel */
int names_request_encode(const struct names_request *request,
			 uint8_t ret_frame[static NAMES_REQUEST_MAX]);

/* names_request_decode(), names_answer_decode() - 0, -EBADMSG for anything malformed */
int names_request_decode(const void *frame, size_t size, struct names_request *ret_request);
int names_answer_decode(const void *frame, size_t size, struct names_answer *ret_answer);

void names_answer_encode(const struct names_answer *answer,
			 uint8_t ret_frame[static NAMES_ANSWER_SIZE]);

/* names_pairs_encode() - returns the size of the frame; names_pairs_decode(): 0, -EBADMSG */
size_t names_pairs_encode(const struct names_pairs *pairs,
			  uint8_t ret_frame[static NAMES_PAIRS_MAX]);
int names_pairs_decode(const void *frame, size_t size, struct names_pairs *ret_pairs);

#endif
