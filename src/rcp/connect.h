/* SPDX-License-Identifier: MIT */
/*
 * connect.h - an rcp on another host, started by the remote shell program
 *
 * The program gets its arguments as they are: PROGRAM [-l USER] HOST COMMAND, with no shell of this
 * machine between. COMMAND is one argument, for the shell there:
 *
 *	rcp [-r] [-p] [-d] -f PATH	or -t PATH
 *
 * PATH is as it was typed: blanks, quotes and patterns mean there what they mean to that shell, as with
 * every rcp. One that begins with a dash is sent as ./-...
 */
#ifndef PORTCRED_RCP_CONNECT_H
#define PORTCRED_RCP_CONNECT_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "rcp/operand.h"

/* struct connect_how - what every connection of one run has in common; borrowed */
struct connect_how {
	const char *rsh;        /* a program, sought in PATH where it has no slash */
	const char *remote_rcp; /* the command there */
	bool recursive, preserve;
};

/* struct connection - the descriptors are owned */
struct connection {
	pid_t pid;
	int in, out;
	int remarks; /* what the program and the remote command write to their standard error */
	pthread_t reader;
};

/*
 * connect_start() - start it
 * @end: 'f' to receive from it, 't' to send to it; @directory: its target has to be one
 *
 * Its standard error is shown as it comes, with control characters made visible. Returns 0 or -errno.
 */
int connect_start(const struct connect_how *how, const struct operand *operand, char end,
		  bool directory, struct connection *ret_connection);

/* connect_end() - close, and wait for the program; its wait(2) status, or -errno */
int connect_end(struct connection *connection);

#endif
