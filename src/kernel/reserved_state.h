/* SPDX-License-Identifier: MIT */
/*
 * reserved_state.h - the file in which reserved.c remembers which ports it added
 *
 *	portcred reserved-ports 1
 *	boot BOOT-ID namespace COOKIE
 *	settled | pending
 *	ours 8080,9000-9010
 *	restore
 */
#ifndef PORTCRED_KERNEL_RESERVED_STATE_H
#define PORTCRED_KERNEL_RESERVED_STATE_H

#include <stdbool.h>

#include "kernel/port_bitmap.h"

/* struct reserved_state - what the file says */
struct reserved_state {
	struct port_bitmap ours;
	struct port_bitmap restore; /* pending: what a change in several writes may have lost */
	bool pending; /* written before a change that may not have happened, or in part */
};

/*
 * reserved_state_read()
 * Returns 0; -ENOENT where there is no file, or one of another boot or network namespace: that list
 * is not this one; -EBADMSG where it is damaged; another -errno.
 */
int reserved_state_read(int directory, struct reserved_state *ret_state);

/* reserved_state_write() - in place of the file in one step, and on disk before it returns */
int reserved_state_write(int directory, const struct reserved_state *state);

/* reserved_state_remove() - 0 also where there is none */
int reserved_state_remove(int directory);

#endif
