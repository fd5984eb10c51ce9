/* SPDX-License-Identifier: MIT */
/*
 * opening_wire.h - what the reader of a connection and its monitor say to each other, a datagram each
 *
 *	reader → monitor                                        when                    how often
 *	  PORT     port u16, framed u8                          first; shell, exec      once
 *	  REQUEST  the bytes of the request, all of them        then                    once
 *	  LINE     what was typed                               after an ASK            once for each
 *	  FAULT    why the client is of no use, in words        at any time; the last   once
 *	monitor → reader
 *	  ASK      a prompt to show: a line is wanted
 *
 * The first byte is the kind; numbers are in the machine's order, both ends being one program. The
 * reader may have been taken over by what it read: so each message is allowed in some states alone,
 * and one that is not, or is malformed, ends the session. There is nothing else that a reader can ask
 * for.
 */
#ifndef PORTCRED_RCMDD_OPENING_WIRE_H
#define PORTCRED_RCMDD_OPENING_WIRE_H

#include "rcmd/request.h"

/* Bytes of a request: the longest fields with their NULs. */
#define OPENING_REQUEST_MAX                                                                        \
	(RCMD_PORT_DIGITS + RCMD_USER_MAX + RCMD_PASSWORD_MAX + RCMD_COMMAND_MAX + 4U)

/* Bytes of a line that somebody types, of a prompt, and of a fault. */
#define OPENING_LINE_MAX   RCMD_PASSWORD_MAX
#define OPENING_PROMPT_MAX 511U
#define OPENING_FAULT_MAX  127U

#define OPENING_FRAME_MAX (1U + OPENING_REQUEST_MAX)

enum opening_kind {
	OPENING_PORT = 1,
	OPENING_REQUEST,
	OPENING_LINE,
	OPENING_FAULT,
	OPENING_ASK,
};

enum opening_state {
	OPENING_BEGINS, /* nothing has come, and a port may */
	OPENING_NAMES,  /* the request itself is next */
	OPENING_QUIET,  /* nothing may come */
	OPENING_ASKED,  /* a line may come */
	OPENING_ENDED,  /* no more */
};

/* struct opening_message - a decoded one; texts lie in the frame */
struct opening_message {
	enum opening_kind kind;
	uint16_t port; /* PORT */
	bool framed;
	const char *bytes; /* all others; LINE, FAULT without a NUL among them */
	size_t size;
};

/* opening_begin() - the state in which a reader of this service starts */
enum opening_state opening_begin(enum rcmd_service service);

/*
 * opening_decode() - a message of the reader, and the state after it
 * Returns 0; -EBADMSG: malformed, or not allowed in this state; the state is OPENING_ENDED then.
 */
int opening_decode(const void *frame, size_t size, enum opening_state *state,
		   struct opening_message *ret_message);

#endif
