/* SPDX-License-Identifier: MIT */
/*
 * confine.h - what is taken from a process that reads what strangers send
 */
#ifndef PORTCRED_RCMDD_CONFINE_H
#define PORTCRED_RCMDD_CONFINE_H

#include <sys/types.h>

/*
 * confine() - for good, of a process of one thread that was just forked
 * @fd: stays open; all others are closed. It is not 0, which the one that may come has.
 * @parent: with which it ends: it may wait for a client who says nothing
 *
 * In this order, since each step takes what the one before needed: the descriptors; one new one, no
 * file, no process (RLIMIT_*); no groups, and nobody's user and group; its end with its parent;
 * no_new_privs; the filter: read, write, receive and send on what is open, memory, and the end.
 *
 * Returns 0, or -errno with nothing promised: then exit.
 */
int confine(int fd, pid_t parent);

#endif
