/* SPDX-License-Identifier: MIT */
/*
 * request.h - the opening bytes of a session, from bytes to fields and back, without any I/O
 *
 *	shell   PORT \0 REMOTE-USER \0 USER \0 COMMAND \0       rcmd(3), rshd(8)
 *	exec    PORT \0 USER \0 PASSWORD \0 COMMAND \0          rexec(3), rexecd(8)
 *	login   \0 REMOTE-USER \0 USER \0 TERM/SPEED \0         RFC 1282
 *
 * PORT is decimal, of the second channel; nothing or 0: there is none. Six digits of which the first is
 * a zero ask for frames on that channel (status.h): servers that know nothing of it read the same
 * number.
 *
 * What follows the last NUL belongs to the program that is started: a reader never takes more than the
 * request, and says how much that was.
 */
#ifndef PORTCRED_RCMD_REQUEST_H
#define PORTCRED_RCMD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rcmd/limits.h"

enum rcmd_service {
	RCMD_SHELL,
	RCMD_LOGIN,
	RCMD_EXEC,
	RCMD_SERVICES,
};

/* rcmd_service_name() - "shell", "login", "exec", as services(5) and inetd call them */
const char *rcmd_service_name(enum rcmd_service service);

/* rcmd_service_find() - 0 with the service of that name; -ENOENT */
int rcmd_service_find(const char *name, enum rcmd_service *ret_service);

/* rcmd_service_port() - 514, 513, 512 */
uint16_t rcmd_service_port(enum rcmd_service service);

/*
 * struct rcmd_request - what a client asks for; what a service does not have is NULL or 0
 * Texts belong to the reader (or whoever filled it in), hold no NUL, and keep to limits.h.
 */
struct rcmd_request {
	enum rcmd_service service;
	uint16_t port;           /* of the second channel, on the client's host; 0: none */
	bool framed;             /* the client understands status.h; never without a port */
	const char *remote_user; /* shell, login: who the client says that its user is */
	const char *user;        /* who he wants to be here */
	const char *password;    /* exec */
	const char *command;     /* shell, exec */
	char terminal[RCMD_TERMINAL_MAX + 1]; /* login; empty where the name is none */
	uint32_t speed;                       /* login: bits a second */
};

/*
 * rcmd_user_valid() - whether a name may be a user's: 1 to RCMD_USER_MAX bytes of printable UTF-8, with
 * no space, ':' or '/', and no '-' in front, where a program that is given it would take it for an option
 */
bool rcmd_user_valid(const char *name);

/* rcmd_terminal_valid() - 1 to RCMD_TERMINAL_MAX letters, digits and "+-._", a letter or digit first */
bool rcmd_terminal_valid(const char *name);

/* What rcmd_reader_take() returns. */
enum rcmd_progress {
	RCMD_MORE, /* the request goes on */
	RCMD_PORT, /* the port is known: the second channel is to be connected before reading on */
	RCMD_DONE, /* the request is complete; nothing more is taken */
};

/* struct rcmd_reader - a request as far as it has come; begin with rcmd_reader_init() */
struct rcmd_reader {
	struct rcmd_request request; /* complete with RCMD_DONE, ports with RCMD_PORT */
	const char *fault;           /* why it is malformed: a text that lasts; NULL: it is not */
	char *bytes;                 /* all of it so far; a password is in there */
	size_t size, allocated;
	size_t starts[4]; /* of the fields */
	unsigned field;   /* which one is read */
};

void rcmd_reader_init(struct rcmd_reader *reader, enum rcmd_service service);

/* rcmd_reader_clear() - forget all of it; its memory is overwritten before it is given back */
void rcmd_reader_clear(struct rcmd_reader *reader);

/*
 * rcmd_reader_take() - the next @size bytes of the client
 * @ret_taken: how many of them were the request's, also on failure
 *
 * It stops behind the port, so a caller goes on with the rest until RCMD_DONE. A field's length is
 * checked with every byte: the memory held is bounded whatever comes.
 *
 * Returns enum rcmd_progress; -EBADMSG: malformed, or longer than limits.h allows, and reader->fault
 * says what; -ENOMEM. After a failure the reader takes nothing more.
 */
int rcmd_reader_take(struct rcmd_reader *reader, const char *bytes, size_t size, size_t *ret_taken);

/* rcmd_reader_ended() - the client has closed instead of going on: -EBADMSG, and why in reader->fault */
int rcmd_reader_ended(struct rcmd_reader *reader);

/* Of a client */

/* rcmd_port_text() - the first field of shell and exec; @framed asks for frames, and takes a port */
void rcmd_port_text(uint16_t port, bool framed, char ret_text[static RCMD_PORT_DIGITS + 1]);

/*
 * rcmd_request_build() - the bytes of a request
 * @from_port: all of it; else what follows the port's NUL, which a client sends when the server has
 *	connected the second channel. Of login there is no difference.
 * @ret_bytes: for free(3); a password is in there
 *
 * Returns 0; -EINVAL: a field is missing or is none that a reader would take; -ENOMEM.
 */
int rcmd_request_build(const struct rcmd_request *request, bool from_port, char **ret_bytes,
		       size_t *ret_size);

#endif
