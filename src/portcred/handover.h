/* SPDX-License-Identifier: MIT */
/*
 * handover.h - what a program finds when `portcred run` becomes it
 *
 * By sd_listen_fds(3): sockets from descriptor 3 on, LISTEN_FDS of them, named by LISTEN_FDNAMES, for
 * the process LISTEN_PID. Nothing else is open but standard input, output and error.
 */
#ifndef PORTCRED_PORTCRED_HANDOVER_H
#define PORTCRED_PORTCRED_HANDOVER_H

#include <stddef.h>

#define HANDOVER_FIRST 3 /* SD_LISTEN_FDS_START */

/*
 * handover_begin() - before anything is opened: standard input, output and error are
 * What of these was closed is /dev/null: else a socket would take its place. Returns 0, -errno.
 */
int handover_begin(void);

/*
 * handover_sockets() - put sockets where sd_listen_fds(3) has them, and close all else
 * @sockets: each CLOEXEC, from HANDOVER_FIRST on, none twice; from here on the program's
 * Returns 0, -errno: then some have moved, and the program must not be started.
 */
int handover_sockets(int *sockets, size_t n);

/*
 * handover_socket_at() - put one at @number, and close all else
 * @number: may be one of the standard three. Returns 0, -errno as above.
 */
int handover_socket_at(int socket, int number);

/*
 * handover_environment() - LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES
 * @names: separated by colons. Returns 0, -ENOMEM.
 */
int handover_environment(size_t n, const char *names);

/*
 * handover_signals() - every signal does what it does by default, none is blocked; umask 022
 * Whoever ignored a signal (nohup) or blocked one said that to portcred.
 */
void handover_signals(void);

#endif
