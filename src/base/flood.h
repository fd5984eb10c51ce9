/* SPDX-License-Identifier: MIT */
/*
 * flood.h - how the log stays small where user space tells events: as struct flood of bpf/abi.h does
 * it for the kernel half, by user alone
 */
#ifndef PORTCRED_BASE_FLOOD_H
#define PORTCRED_BASE_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Users of whom it is known what they were told about in this window. */
#define FLOOD_USERS 64U

/* struct flood_user - of one of them; nothing told and nothing held: free */
struct flood_user {
	uint32_t uid;
	uint32_t told, held; /* events: told in the window, and not told */
	uint64_t since;      /* when the window began */
};

/* struct flood_table - begins with its first two, the rest all zeros */
struct flood_table {
	uint64_t window; /* how long one is, in the unit of `now` below */
	uint32_t most;   /* events of one user told in it */
	struct flood_user users[FLOOD_USERS];
};

/* struct flood_held - events of one user that were kept back, to be told as a number; n 0: none */
struct flood_held {
	uint32_t uid;
	uint32_t n;
};

/*
 * flood_admit() - whether an event of @uid is to be told now
 * @now: of a clock that does not go back
 * @ret_held: of a user who is forgotten to make room
 */
bool flood_admit(struct flood_table *table, uint32_t uid, uint64_t now,
		 struct flood_held *ret_held);

/*
 * flood_collect() - the next user whose window is over, who is forgotten
 * @ret_held: what was kept back of him, maybe nothing
 * Returns false where there is no more of them; *ret_open then says whether windows are still open.
 */
bool flood_collect(struct flood_table *table, uint64_t now, struct flood_held *ret_held,
		   bool *ret_open);

#endif
