/* SPDX-License-Identifier: MIT */
/*
 * names_wire.h - the frames between portcredd and its name service
 *
 * One frame a message of a SOCK_SEQPACKET pair, native byte order (both ends are one program):
 *
 *	request   sequence u32, kind u8, length u8, name: length bytes
 *	answer    sequence u32, status i32, id u32, ports u16 × 2, protocols u8, zero u8 × 3
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

enum names_kind {
	NAMES_USER,
	NAMES_GROUP,
	NAMES_SERVICE,
	NAMES_KINDS,
};

/* struct names_request - a question: which id, or which ports, belong to this name */
struct names_request {
	uint32_t sequence; /* never 0 */
	uint8_t kind;      /* enum names_kind */
	char name[MAX_NAME_BYTES + 1];
};

/* struct names_answer - status 0 and what was asked for, or -errno and nothing else */
struct names_answer {
	uint32_t sequence;
	int32_t status;
	uint32_t id;               /* uid or gid */
	uint16_t ports[PROTOCOLS]; /* service: host byte order, 0 where its bit is not set */
	uint8_t protocols;         /* service: bits 1 << enum protocol */
};

/*
 * names_name_valid() - whether a name may travel: 1 to MAX_NAME_BYTES bytes, none of them a control
 * character or ':', which passwd(5) and group(5) cannot hold in a name
 */
int names_name_valid(const char *name, size_t length);

/* names_request_encode() - returns the size of the frame, -EINVAL for a name that may not travel */
int names_request_encode(const struct names_request *request,
			 uint8_t ret_frame[static NAMES_REQUEST_MAX]);

/* names_request_decode(), names_answer_decode() - 0, -EBADMSG for anything malformed */
int names_request_decode(const void *frame, size_t size, struct names_request *ret_request);
int names_answer_decode(const void *frame, size_t size, struct names_answer *ret_answer);

void names_answer_encode(const struct names_answer *answer,
			 uint8_t ret_frame[static NAMES_ANSWER_SIZE]);

#endif
