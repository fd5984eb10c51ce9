/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * users.h - where a user's entry lies: a hash made to measure, read by the kernel and by user space
 *
 * A million users do not fit into a processor's caches, so what a look-up costs is how often it waits
 * for memory. The kernel's own hash (kernel/bpf/hashtab.c) waits twice, for the head of a list and
 * for an element; this one once:
 *
 *	key ── mix ──> home bucket: 64 bytes, 4 entries of 16
 *	               full? the one behind it, and so on (nine in ten keys are at home)
 *
 * It is written once and never changed: a new policy brings a new table. So there are no deletions,
 * a bucket that is not full ends every search, and the longest way that any key went from home is
 * known (struct users_shape).
 *
 * The seed is for whoever chooses users: it is changed until no way is too long (users.c).
 */
#ifndef PORTCRED_USERS_H
#define PORTCRED_USERS_H

#include "abi.h"

#ifdef __bpf__
#define USERS_INLINE static __always_inline
#else
#define USERS_INLINE static inline
#endif

_Static_assert(sizeof(struct user_bucket) == 64, "a cache line");

/* users_mix() - every bit of the key into every bit (the finalizer of MurmurHash3, A. Appleby) */
USERS_INLINE __u64 users_mix(__u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

/* users_home() - the bucket where the search for a key begins; 0 where there are none */
USERS_INLINE __u32 users_home(const struct users_shape *shape, __u32 set, __u32 uid)
{
	__u64 mixed = users_mix(((__u64)set << 32 | uid) + users_mix(shape->seed));

	/* The upper half as a fraction of the buckets: no division. */
	return (__u32)((mixed >> 32) * shape->buckets >> 32);
}

/*
 * users_away() - the bucket that is @steps behind the home, one step for each that is full
 * Counted from home, and not from the last one: what a loop carries on, the verifier follows on and on.
 */
USERS_INLINE __u32 users_away(const struct users_shape *shape, __u32 home, __u32 steps)
{
	__u32 bucket = home + steps;

	return bucket < shape->buckets ? bucket : bucket - shape->buckets;
}

USERS_INLINE int users_full(const struct user_bucket *bucket)
{
	return bucket->entry[USERS_IN_BUCKET - 1].key.set != 0;
}

#endif
