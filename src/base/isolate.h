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
 *	5. user and groups another's, if it is root's; no supplementary group; that empties the capability
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

/*
 * Whom a child may become. A process can be ended by all others of its user, and of nobody's there are
 * many: what must not end has a user of its own, who is in no database and above all that a machine gives
 * to people, services and containers (systemd's UIDS-GIDS: nothing from 2^31 on).
 */
#define ISOLATED_NOBODY 65534U
#define ISOLATED_NAMES  0x80007063U /* 2147512419: portcredd's name service */

/* struct isolation - what a child is to be left with */
struct isolation {
	int fd;
	pid_t parent; /* that must still be its parent, and with which it ends */
	unsigned descriptors;
	unsigned memory; /* bytes of address space */
	uid_t user;      /* and group; nobody in a user namespace that does not have it */
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
