/* SPDX-License-Identifier: MIT */
/*
 * inetd.h - a program for each connection, on its descriptors 0 and 1
 *
 *	        +-- accept ── PROGRAM      0, 1: the connection; 2: the supervisor's standard error
 *	listener +-- accept ── PROGRAM
 *	        +-- ...                    at the limit callers wait in the backlog
 *
 * The supervisor has given up its privileges before the first connection comes: it is the user that
 * the programs are.
 */
#ifndef PORTCRED_PORTCRED_INETD_H
#define PORTCRED_PORTCRED_INETD_H

#include <stddef.h>

#include "portcred/program.h"

#define INETD_LIMIT      64    /* programs at once, where nobody says another number */
#define INETD_MOST_LIMIT 65536 /* the largest that can be said */

/*
 * inetd_serve() - until it is told to end
 * @listeners: of TCP, CLOEXEC; they are closed here
 * @limit: programs at once, at most INETD_MOST_LIMIT
 * @argv: sought in PATH for each connection
 *
 * SIGTERM, SIGINT and SIGQUIT are passed to the programs and end it when all have ended; SIGHUP,
 * SIGUSR1 and SIGUSR2 are passed and that is all. A program that cannot be started costs its
 * connection, and is said. Returns EXIT_YES when it was told to end, EXIT_NO after saying why not.
 */
int inetd_serve(struct program *program, int *listeners, size_t n_listeners, size_t limit,
		char **argv);

#endif
