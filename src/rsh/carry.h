/* SPDX-License-Identifier: MIT */
/*
 * carry.h - copy both ways between a connection and a socket of one's parent, until both have ended
 */
#ifndef PORTCRED_RSH_CARRY_H
#define PORTCRED_RSH_CARRY_H

#include <stdbool.h>

/*
 * struct carry_pair - a TCP connection, and what stands for it at the parent's; both non-blocking
 * An end of input on one side is passed on, and the other direction goes on.
 */
struct carry_pair {
	int connection; /* -EBADF: there is none, then @parent gets the urgent bytes of the first pair */
	int parent;
};

/*
 * carry_run() - both pairs, until the first has ended in both directions, and the second toward the
 * parent, or until the parent has closed the first
 *
 * Where neither side reads, nothing is read either: at most a buffer a direction is held. Returns 0,
 * -errno.
 */
int carry_run(const struct carry_pair pairs[static 2]);

#endif
