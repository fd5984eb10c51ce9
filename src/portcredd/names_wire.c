/* SPDX-License-Identifier: MIT */
#include "portcredd/names_wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define PROTOCOL_MASK ((1U << PROTOCOLS) - 1)
#define MAX_ERRNO     4095
#define NO_ID         UINT32_MAX /* (uid_t)-1 is nobody's */

int names_name_valid(const char *name, size_t length)
{
	if (length == 0 || length > MAX_NAME_BYTES)
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)name[i];

		if (byte < 0x20 || byte == 0x7f || byte == ':')
			return false;
	}
	return true;
}

int names_request_encode(const struct names_request *request,
			 uint8_t ret_frame[static NAMES_REQUEST_MAX])
{
	size_t length = strnlen(request->name, sizeof(request->name));
	const void *body = request->name;
	bool valid;

	switch (request->kind) {
	case NAMES_MEMBERS:
		valid = length == 0 && request->gid != NO_ID;
		body = &request->gid;
		length = sizeof(request->gid);
		break;
	case NAMES_MEMBERSHIPS:
		valid = length == 0 && request->gid == 0;
		break;
	default:
		valid = names_name_valid(request->name, length) && request->gid == 0;
	}
	if (!valid || request->sequence == 0 || request->kind >= NAMES_KINDS)
		return -EINVAL;
	memcpy(ret_frame, &request->sequence, sizeof(request->sequence));
	ret_frame[4] = request->kind;
	ret_frame[5] = (uint8_t)length;
	memcpy(ret_frame + NAMES_REQUEST_HEAD, body, length);
	return (int)(NAMES_REQUEST_HEAD + length);
}

int names_request_decode(const void *frame, size_t size, struct names_request *ret_request)
{
	struct names_request request = { 0 };
	const uint8_t *bytes = frame;
	size_t length;
	bool valid;

	if (size < NAMES_REQUEST_HEAD)
		return -EBADMSG;
	memcpy(&request.sequence, bytes, sizeof(request.sequence));
	request.kind = bytes[4];
	length = bytes[5];
	if (request.sequence == 0 || request.kind >= NAMES_KINDS ||
	    size != NAMES_REQUEST_HEAD + length)
		return -EBADMSG;
	bytes += NAMES_REQUEST_HEAD;
	switch (request.kind) {
	case NAMES_MEMBERS:
		valid = length == sizeof(request.gid);
		if (valid)
			memcpy(&request.gid, bytes, length);
		valid = valid && request.gid != NO_ID;
		break;
	case NAMES_MEMBERSHIPS:
		valid = length == 0;
		break;
	default:
		memcpy(request.name, bytes, length);
		valid = names_name_valid(request.name, length);
	}
	if (!valid)
		return -EBADMSG;
	*ret_request = request;
	return 0;
}

void names_answer_encode(const struct names_answer *answer,
			 uint8_t ret_frame[static NAMES_ANSWER_SIZE])
{
	memset(ret_frame, 0, NAMES_ANSWER_SIZE);
	memcpy(ret_frame, &answer->sequence, 4);
	memcpy(ret_frame + 4, &answer->status, 4);
	memcpy(ret_frame + 8, &answer->id, 4);
	memcpy(ret_frame + 12, answer->ports, 4);
	ret_frame[16] = answer->protocols;
}

int names_answer_decode(const void *frame, size_t size, struct names_answer *ret_answer)
{
	struct names_answer answer = { 0 };
	const uint8_t *bytes = frame;

	_Static_assert(sizeof(answer.ports) == 4, "the layout above holds two ports");
	if (size != NAMES_ANSWER_SIZE)
		return -EBADMSG;
	memcpy(&answer.sequence, bytes, 4);
	memcpy(&answer.status, bytes + 4, 4);
	memcpy(&answer.id, bytes + 8, 4);
	memcpy(answer.ports, bytes + 12, 4);
	answer.protocols = bytes[16];
	if (answer.status > 0 || answer.status < -MAX_ERRNO || answer.id == NO_ID ||
	    (answer.protocols & ~PROTOCOL_MASK) || bytes[17] || bytes[18] || bytes[19])
		return -EBADMSG;
	for (unsigned i = 0; i < PROTOCOLS; i++)
		if (!(answer.protocols >> i & 1) != (answer.ports[i] == 0))
			return -EBADMSG;
	if (answer.status < 0 && (answer.id || answer.protocols))
		return -EBADMSG;
	*ret_answer = answer;
	return 0;
}

size_t names_pairs_encode(const struct names_pairs *pairs,
			  uint8_t ret_frame[static NAMES_PAIRS_MAX])
{
	size_t size = pairs->n * NAMES_PAIR_SIZE;

	_Static_assert(sizeof(struct names_pair) == NAMES_PAIR_SIZE, "no padding");
	memcpy(ret_frame, &pairs->sequence, 4);
	memcpy(ret_frame + 4, &pairs->n, 4);
	memcpy(ret_frame + NAMES_PAIRS_HEAD, pairs->pairs, size);
	return NAMES_PAIRS_HEAD + size;
}

int names_pairs_decode(const void *frame, size_t size, struct names_pairs *ret_pairs)
{
	const uint8_t *bytes = frame;
	uint32_t n;

	_Static_assert((NAMES_ANSWER_SIZE - NAMES_PAIRS_HEAD) % NAMES_PAIR_SIZE, "sizes differ");
	if (size < NAMES_PAIRS_HEAD)
		return -EBADMSG;
	memcpy(&n, bytes + 4, 4);
	if (n == 0 || n > MAX_NAMES_PAIRS || size != NAMES_PAIRS_HEAD + n * NAMES_PAIR_SIZE)
		return -EBADMSG;
	memcpy(&ret_pairs->sequence, bytes, 4);
	ret_pairs->n = n;
	memcpy(ret_pairs->pairs, bytes + NAMES_PAIRS_HEAD, n * NAMES_PAIR_SIZE);
	for (uint32_t i = 0; i < n; i++) {
		if (ret_pairs->pairs[i].gid == NO_ID || ret_pairs->pairs[i].uid == NO_ID)
			return -EBADMSG;
	}
	return 0;
}
