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

	if (!names_name_valid(request->name, length) || request->sequence == 0 ||
	    request->kind >= NAMES_KINDS)
		return -EINVAL;
	memcpy(ret_frame, &request->sequence, sizeof(request->sequence));
	ret_frame[4] = request->kind;
	ret_frame[5] = (uint8_t)length;
	memcpy(ret_frame + NAMES_REQUEST_HEAD, request->name, length);
	return (int)(NAMES_REQUEST_HEAD + length);
}

int names_request_decode(const void *frame, size_t size, struct names_request *ret_request)
{
	struct names_request request = { 0 };
	const uint8_t *bytes = frame;
	size_t length;

	if (size < NAMES_REQUEST_HEAD)
		return -EBADMSG;
	memcpy(&request.sequence, bytes, sizeof(request.sequence));
	request.kind = bytes[4];
	length = bytes[5];
	if (request.sequence == 0 || request.kind >= NAMES_KINDS ||
	    size != NAMES_REQUEST_HEAD + length)
		return -EBADMSG;
	memcpy(request.name, bytes + NAMES_REQUEST_HEAD, length);
	if (!names_name_valid(request.name, length))
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
