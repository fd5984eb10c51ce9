/* SPDX-License-Identifier: MIT */
/*
 * bare.h - a process that has this program and the C library, and nobody else's code or data
 *
 * Half of what a session takes is the making and the ending of processes, and most of that is for
 * libraries that PAM's modules bring. A process that carries bytes has no use for them, and whoever took
 * it over would have.
 */
#ifndef PORTCRED_RCMDD_BARE_H
#define PORTCRED_RCMDD_BARE_H

#include <sys/types.h>

/*
 * bare_fork() - fork(2), without the memory that other libraries are mapped to
 * The child may call this program's functions and the C library's, but none that forks or loads; it ends
 * by _exit(2). Where a module has started a thread, and where the C library cannot leave out what
 * libraries have asked for at a fork, it is fork(2).
 */
pid_t bare_fork(void);

#endif
