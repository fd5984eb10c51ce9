/* SPDX-License-Identifier: MIT */
/*
 * opening.h - the reader of a connection: the only process that reads what a stranger sends
 *
 *	monitor (root) ── SOCK_SEQPACKET pair, opening_wire.h ── reader (nobody; confine.h)
 *	     \__________________ the connection ________________/
 *	       writes answers                       reads, up to the end of the request; shows prompts
 *
 * The reader looks at what has come before it takes it (MSG_PEEK), so what follows the request is left
 * in the socket for the program that the monitor starts. It ends when its socket is closed, and where
 * nobody is asked anything after his request.
 */
#ifndef PORTCRED_RCMDD_OPENING_H
#define PORTCRED_RCMDD_OPENING_H

#include <sys/types.h>

#include "rcmdd/opening_wire.h"

/* struct opening - the monitor's side; begins as { .pid = -1, .fd = -1 } */
struct opening {
	pid_t pid;
	int fd;
	enum opening_state state;
	char *frame; /* OPENING_FRAME_MAX bytes; a password may be in there */
	size_t used; /* of them */
};

/* opening_start() - fork the reader, before there is a connection or with it; 0, -errno. Clear it then. */
int opening_start(struct opening *opening, enum rcmd_service service);

/* opening_hand() - to the reader: the connection that it is there for; 0, -errno */
int opening_hand(struct opening *opening, int connection);

/*
 * opening_receive() - the next message
 * @deadline: of moment_now()
 * @ret_message: its texts are valid until the next call
 *
 * Returns 0; -ETIMEDOUT; -EPIPE: the reader is gone; -EBADMSG; -errno.
 */
int opening_receive(struct opening *opening, uint64_t deadline,
		    struct opening_message *ret_message);

/* opening_ask() - have the client shown @prompt, and a line read: the next message. 0, -errno */
int opening_ask(struct opening *opening, const char *prompt);

/* opening_clear() - ends the reader, and waits for it */
void opening_clear(struct opening *opening);

/* opening_read() - the reader's own life, after it was forked and confined; does not return */
_Noreturn void opening_read(int fd, enum rcmd_service service);

#endif
