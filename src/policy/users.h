/* SPDX-License-Identifier: MIT */
/*
 * users.h - make the hash of bpf/users.h
 */
#ifndef PORTCRED_POLICY_USERS_H
#define PORTCRED_POLICY_USERS_H

#include <stddef.h>

#include "bpf/users.h"

/*
 * users_hash() - all keys, each of which is there once, into as many buckets as fit them
 * @ret_buckets: to be freed; NULL with a shape of none where n is 0
 *
 * Returns 0, -ENOMEM, -E2BIG (more keys than 32 bits count buckets for, or keys that no seed parts).
 */
int users_hash(const struct user_key *keys, const struct grant *grants, size_t n,
	       struct user_bucket **ret_buckets, struct users_shape *ret_shape);

#endif
