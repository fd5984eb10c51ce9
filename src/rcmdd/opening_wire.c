/* SPDX-License-Identifier: MIT */
#include "rcmdd/opening_wire.h"

#include <errno.h>
#include <string.h>

#define IN(state) (1U << (state))

/* struct allowed - one kind of message: in which states, what is next, what its bytes must be */
struct allowed {
	unsigned states;
	enum opening_state next;
	size_t min, max;
	bool text; /* has no NUL */
};

static const struct allowed table[] = {
	[OPENING_PORT] = { IN(OPENING_BEGINS), OPENING_NAMES, 3, 3, false },
	[OPENING_REQUEST] = { IN(OPENING_NAMES), OPENING_QUIET, 4, OPENING_REQUEST_MAX, false },
	[OPENING_LINE] = { IN(OPENING_ASKED), OPENING_QUIET, 0, OPENING_LINE_MAX, true },
	[OPENING_FAULT] = { IN(OPENING_BEGINS) | IN(OPENING_NAMES) | IN(OPENING_QUIET) |
				    IN(OPENING_ASKED),
			    OPENING_ENDED, 1, OPENING_FAULT_MAX, true },
};

enum opening_state opening_begin(enum rcmd_service service)
{
	return service == RCMD_LOGIN ? OPENING_NAMES : OPENING_BEGINS;
}

/* is_plain() - printable ASCII: a fault goes into the log */
static bool is_plain(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] < ' ' || bytes[i] > '~')
			return false;
	}
	return true;
}

static int read_port(struct opening_message *message)
{
	const uint8_t *bytes = (const uint8_t *)message->bytes;

	memcpy(&message->port, bytes, sizeof(message->port));
	message->framed = bytes[2] == 1;
	return bytes[2] > 1 || (message->framed && message->port == 0) ? -EBADMSG : 0;
}

int opening_decode(const void *frame, size_t size, enum opening_state *state,
		   struct opening_message *ret_message)
{
	struct opening_message message = { 0 };
	const struct allowed *allowed;
	enum opening_state now = *state;
	uint8_t kind;

	*state = OPENING_ENDED;
	if (size < 1)
		return -EBADMSG;
	kind = *(const uint8_t *)frame;
	if (kind < OPENING_PORT || kind > OPENING_FAULT)
		return -EBADMSG;
	allowed = &table[kind];
	message.kind = kind;
	message.bytes = (const char *)frame + 1;
	message.size = size - 1;
	if (!(allowed->states & IN(now)) || message.size < allowed->min ||
	    message.size > allowed->max ||
	    (allowed->text && memchr(message.bytes, '\0', message.size)) ||
	    (kind == OPENING_FAULT && !is_plain(message.bytes, message.size)) ||
	    (kind == OPENING_PORT && read_port(&message) < 0))
		return -EBADMSG;
	*state = allowed->next;
	*ret_message = message;
	return 0;
}
