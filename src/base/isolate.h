/* SPDX-License-Identifier: MIT */
/*
 * isolate.h - a child that was just forked gives up everything but one descriptor
 *
 * For what reads bytes of others in C libraries that nobody here wrote: name service modules, home
 * directories on shares. In this order:
 *
 *	1. descriptors     all but the one and standard error
 *	2. signals         its parent blocks and catches some: back to what they do by default
 *	3. environment     empty; no terminal's signals; no directory held
 *	4. bounding set    while CAP_SETPCAP is still there to do it; and what exec would keep
 *	5. user and groups nobody's, if it is root's; no supplementary group; that empties the capability
 *			   sets too
 *	6. capabilities    all sets empty, and no new privileges
 *	7. limits          no core dump, few descriptors, little memory
 *	8. reading back    every one of 4 to 6; a difference is a failure
 *	9. end with parent last, since a change of user resets it
 *
 * Users of it link libcap.
 */
#ifndef PORTCRED_BASE_ISOLATE_H
#define PORTCRED_BASE_ISOLATE_H

#include <sys/types.h>

/* The number that the descriptor has afterwards. */
#define ISOLATED_FD 3

#define ISOLATED_NOBODY 65534U

/* struct isolation - what a child is to be left with */
struct isolation {
	int fd;
	pid_t parent; /* that must still be its parent, and with which it ends */
	unsigned descriptors;
	unsigned memory; /* bytes of address space */
};

/*
 * isolate() - see above
 * Returns 0; -EPERM where something could not be given up; -ESRCH: the parent has ended; -errno. On
 * failure the child is to end: part of it may have been done.
 */
int isolate(const struct isolation *isolation);

/*
 * isolate_end_with() - 9 alone, for a child of an isolated process
 * The signal is sent with the dying parent's rights: one that has given up CAP_KILL cannot end a
 * child of another user so, which must then look for its end by other means.
 */
int isolate_end_with(pid_t parent);

#endif
