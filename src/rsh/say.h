/* SPDX-License-Identifier: MIT */
/*
 * say.h - what the clients tell a person, and how bytes of a server are shown to one
 */
#ifndef PORTCRED_RSH_SAY_H
#define PORTCRED_RSH_SAY_H

#include <stddef.h>

/* Statuses of the clients, beside those that a command leaves behind. */
enum rsh_status {
	RSH_DONE,
	RSH_FAILED,
	RSH_USAGE, /* the command line is wrong */
};

/* say() - "PROGRAM: TEXT" to standard error; returns RSH_FAILED, for `return` */
int say(const char *program, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * say_printable() - a text of others as a terminal may be sent it: a byte of anything that is no
 * printable character stands as \xNN
 * @size: bytes of @text; Returns a copy for free(3); NULL without memory.
 */
char *say_printable(const char *text, size_t size);

#endif
