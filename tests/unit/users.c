/* SPDX-License-Identifier: MIT */
/*
 * users.c - the hash of users: every key is found and no other is, however they were chosen
 */
/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "policy/users.h"
#include "policy/verdict.h"

#define PORT 80

/* struct hashed - keys, and tables that hold nothing but them */
struct hashed {
	struct user_key *keys;
	struct grant *grants;
	size_t n;
	struct compiled compiled;
};

static void hashed_new(struct hashed *hashed, size_t n)
{
	*hashed = (struct hashed){ .n = n };
	hashed->keys = calloc(n + 1, sizeof(*hashed->keys));
	hashed->grants = calloc(n + 1, sizeof(*hashed->grants));
	hashed->compiled.ports = calloc((size_t)PROTOCOLS * PORTS, sizeof(struct port_entry));
	assert_non_null(hashed->keys);
	assert_non_null(hashed->grants);
	assert_non_null(hashed->compiled.ports);
	/* Each key's grant is known by its line. */
	for (size_t i = 0; i < n; i++)
		hashed->grants[i] = (struct grant){ .at = (uint32_t)i + 1, .file = 7 };
}

static void hashed_make(struct hashed *hashed)
{
	assert_int_equal(users_hash(hashed->keys, hashed->grants, hashed->n,
				    &hashed->compiled.buckets, &hashed->compiled.shape),
			 0);
}

static void hashed_free(struct hashed *hashed)
{
	free(hashed->keys);
	free(hashed->grants);
	free(hashed->compiled.ports);
	free(hashed->compiled.buckets);
}

/* line_of() - as the kernel half asks, through decide.h; 0: not there */
static uint32_t line_of(struct hashed *hashed, uint32_t set, uint32_t uid)
{
	const struct target target = { .protocol = PROTOCOL_TCP, .port = PORT, .family = 4 };
	const struct subject subject = { .uid = uid };
	struct answer answer;

	hashed->compiled.ports[PORT].enforced = set;
	answer = verdict_enforced(&hashed->compiled, &subject, &target);
	if (answer.verdict != VERDICT_GRANTED)
		return 0;
	assert_int_equal(answer.rule.file, 7);
	return answer.rule.line;
}

static void assert_all_found(struct hashed *hashed)
{
	for (size_t i = 0; i < hashed->n; i++)
		assert_int_equal(line_of(hashed, hashed->keys[i].set, hashed->keys[i].uid), i + 1);
}

static void test_none(void **state)
{
	struct hashed hashed;

	(void)state;
	hashed_new(&hashed, 0);
	hashed_make(&hashed);
	assert_null(hashed.compiled.buckets);
	assert_int_equal(hashed.compiled.shape.buckets, 0);
	assert_int_equal(line_of(&hashed, 1, 0), 0);
	hashed_free(&hashed);
}

/* Sizes at which a bucket, or the table, is just full or just not. */
static void test_few(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 100; n++) {
		struct hashed hashed;

		hashed_new(&hashed, n);
		for (size_t i = 0; i < n; i++)
			hashed.keys[i] = (struct user_key){ .set = 1, .uid = (uint32_t)i };
		hashed_make(&hashed);
		assert_all_found(&hashed);
		assert_int_equal(line_of(&hashed, 1, (uint32_t)n), 0);
		assert_int_equal(line_of(&hashed, 2, 0), 0);
		/* A free entry is (0, 0): set 0 must not lead there. */
		assert_int_equal(line_of(&hashed, 0, 0), 0);
		hashed_free(&hashed);
	}
}

/* Keys as policies have them, close together in both words: near their buckets, in little memory. */
static void test_million(void **state)
{
	const uint32_t sets = 31250, uids = 32;
	const size_t n = (size_t)sets * uids;
	struct hashed hashed;

	(void)state;
	hashed_new(&hashed, n);
	for (size_t i = 0; i < n; i++)
		hashed.keys[i] = (struct user_key){ .set = 1 + (uint32_t)(i / uids),
						    .uid = 10000 + (uint32_t)(i % uids) };
	hashed_make(&hashed);
	assert_all_found(&hashed);
	for (uint32_t set = 1; set <= sets; set++) {
		assert_int_equal(line_of(&hashed, set, 9999), 0);
		assert_int_equal(line_of(&hashed, set, 10000 + uids), 0);
	}
	assert_in_range(hashed.compiled.shape.probes, 2, USERS_MAX_PROBES / 2);
	assert_int_equal(hashed.compiled.shape.seed, 0);
	assert_in_range(hashed.compiled.shape.buckets * sizeof(struct user_bucket), 16 * n, 28 * n);
	hashed_free(&hashed);
}

/*
 * Uids that somebody chose so that all want one bucket: with one seed the search would be cut off
 * before most of them, and who is named would be refused.
 */
static void test_chosen(void **state)
{
	const size_t n = 1000;
	struct hashed hashed;
	struct users_shape shape;
	uint32_t uid = 0;

	(void)state;
	hashed_new(&hashed, n);
	for (size_t i = 0; i < n; i++)
		hashed.keys[i] = (struct user_key){ .set = 1, .uid = (uint32_t)i };
	hashed_make(&hashed); /* for the number of buckets that so many keys get */
	shape = hashed.compiled.shape;
	shape.seed = 0;
	free(hashed.compiled.buckets);
	for (size_t i = 0; i < n; i++) {
		while (users_home(&shape, 1, uid) != 0)
			uid++;
		hashed.keys[i] = (struct user_key){ .set = 1, .uid = uid };
		uid++;
	}
	assert_true(n > (size_t)USERS_MAX_PROBES * USERS_IN_BUCKET);
	hashed_make(&hashed);
	assert_int_not_equal(hashed.compiled.shape.seed, 0);
	assert_all_found(&hashed);
	hashed_free(&hashed);
}

/* Keys that no seed parts (here: one and the same): an error, not an endless search for a seed. */
static void test_inseparable(void **state)
{
	struct user_bucket *buckets = NULL;
	struct users_shape shape;
	struct hashed hashed;

	(void)state;
	hashed_new(&hashed, 1000);
	for (size_t i = 0; i < hashed.n; i++)
		hashed.keys[i] = (struct user_key){ .set = 1, .uid = 1 };
	assert_int_equal(users_hash(hashed.keys, hashed.grants, hashed.n, &buckets, &shape),
			 -E2BIG);
	assert_null(buckets);
	hashed_free(&hashed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),        cmocka_unit_test(test_few),
		cmocka_unit_test(test_million),     cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_inseparable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
