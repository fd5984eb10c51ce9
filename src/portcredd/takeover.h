/* SPDX-License-Identifier: MIT */
/*
 * takeover.h - the kernel half, from one policy to the next: steps 3 to 5 and 7 of inforce.c
 */
#ifndef PORTCRED_PORTCREDD_TAKEOVER_H
#define PORTCRED_PORTCREDD_TAKEOVER_H

#include "portcredd/daemon.h"

struct compiled;

/*
 * takeover_fill() - reserve ports, attach hooks, fill the idle slot and flip
 * Returns 0; -errno, logged, with the policy before in force.
 */
int takeover_fill(struct daemon *daemon, const struct compiled *compiled,
		  const struct executables *executables, const struct port_bitmap *governed);

/*
 * takeover_settle() - what was there before the policy is judged by it, and what it does not need goes
 * @same: it decided already: whom it let in stays
 *
 * A failure is logged; what is left undone is tried again.
 */
void takeover_settle(struct daemon *daemon, bool same);

/* takeover_stated_hooks() - what the statements of a policy need, wherever it is in force (kernel/hooks.h) */
unsigned takeover_stated_hooks(const struct compiled *compiled);

/* takeover_hooks() - what the policy in force needs now (HOOKS_* of kernel/hooks.h) */
unsigned takeover_hooks(const struct daemon *daemon);

#endif
