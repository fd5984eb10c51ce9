/* SPDX-License-Identifier: MIT */
/*
 * nfsgate_account.c - what is kept of a connection's calls, and of exports that were asked for
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nfsgate/account.h"
#include "nfsgate/mounts.h"
#include "nfsgate/word.h"

#define NFS 100003U
#define MNT 1U

static void pass(struct account *account, uint32_t version, uint32_t uid)
{
	account_pass(account, NFS, version, &uid);
}

/* Catches calls that are counted for another user or version, or twice. */
static void test_uses(void **state)
{
	struct account account = { 0 };

	pass(&account, 3, 7);
	pass(&account, 3, 8);
	pass(&account, 4, 7);
	account_pass(&account, NFS, 4, NULL);
	assert_int_equal(account.passed, 4);
	assert_int_equal(account.n_users, 2);
	assert_int_equal(account.users[0].number, 7);
	assert_int_equal(account.users[0].calls, 2);
	assert_int_equal(account.users[1].number, 8);
	assert_int_equal(account.users[1].calls, 1);
	assert_int_equal(account.n_programs, 2);
	assert_int_equal(account.programs[0].version, 4);
	assert_int_equal(account.programs[0].calls, 2);
	assert_false(account.more_users || account.more_programs);
}

/* Catches a table that is written beyond, or in which the latest has no place. */
static void test_crowd(void **state)
{
	struct account account = { 0 };

	for (uint32_t uid = 0; uid < 10000; uid++)
		pass(&account, uid, uid);
	assert_int_equal(account.n_users, ACCOUNT_USERS);
	assert_int_equal(account.n_programs, ACCOUNT_PROGRAMS);
	assert_true(account.more_users && account.more_programs);
	for (uint32_t i = 0; i < ACCOUNT_USERS; i++) {
		assert_int_equal(account.users[i].number, 9999 - i);
		assert_int_equal(account.users[i].calls, 1);
	}
	/* Who comes again counts anew: what he did before is forgotten, and that it is is known. */
	pass(&account, 1, 1);
	assert_int_equal(account.users[0].number, 1);
	assert_int_equal(account.users[0].calls, 1);
	assert_int_equal(account.passed, 10001);
}

static void test_refusals(void **state)
{
	struct account account = { 0 };

	account_refuse(&account, REASON_FLAVOR);
	account_refuse(&account, REASON_OTHER_USER);
	account_refuse(&account, REASON_FLAVOR);
	assert_int_equal(account.refused[REASON_FLAVOR], 2);
	assert_int_equal(account_refused(&account), 3);
	for (enum reason one = REASON_NONE; one < REASONS; one++) {
		assert_non_null(reason_text(one));
		for (enum reason other = REASON_NONE; other < one; other++)
			assert_string_not_equal(reason_name(one), reason_name(other));
	}
}

static struct caller a_caller(uint32_t uid, const char *host)
{
	struct caller caller = { .speaks = SPEAKS_FOR_ONE, .has_raw_uid = true, .raw_uid = uid };

	strcpy(caller.host, host);
	return caller;
}

static struct caller an_address(uint32_t address, uint16_t port)
{
	struct caller caller = { .speaks = SPEAKS_BY_ITS_PORT };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(address),
				  .sin_port = htons(port) };

	memcpy(&caller.address, &v4, sizeof(v4));
	return caller;
}

static void call(struct mounts *mounts, const struct caller *caller, uint32_t procedure,
		 const char *path, int64_t now)
{
	uint8_t body[2048] = { 0 };

	word_write(body, (uint32_t)strlen(path));
	memcpy(body + WORD, path, strlen(path));
	mounts_call(mounts, caller, procedure, body, WORD + word_padded((uint32_t)strlen(path)),
		    now);
}

static size_t count(const struct mounts *mounts, const struct caller *caller)
{
	size_t n = 0;

	for (size_t i = 0; i < MOUNTS_MAX; i++)
		n += mounts->items[i].path && caller_same(&mounts->items[i].caller, caller);
	return n;
}

/* Catches one caller taken for another: by his port, his uid of another host, what he speaks for. */
static void test_callers(void **state)
{
	const struct caller alice = a_caller(7, "a"), bob = a_caller(8, "a"),
			    other = a_caller(7, "b");
	const struct caller one = an_address(1, 600), again = an_address(1, 700);
	const struct caller two = an_address(2, 600);

	assert_true(caller_same(&alice, &alice));
	assert_false(caller_same(&alice, &bob) || caller_same(&alice, &other));
	assert_true(caller_same(&one, &again));
	assert_false(caller_same(&one, &two) || caller_same(&one, &alice));
}

/* Catches a list that one caller fills, the oldest that stays in place of the latest, and what is left. */
static void test_mounts(void **state)
{
	static struct mounts mounts;
	const struct caller alice = a_caller(7, "a"), bob = a_caller(8, "a");
	char path[16];

	call(&mounts, &bob, MNT, "/bobs", 0);
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		call(&mounts, &alice, MNT, path, i);
	}
	assert_int_equal(count(&mounts, &bob), 1);
	assert_int_equal(count(&mounts, &alice), MOUNTS_CALLER_MAX);
	call(&mounts, &alice, 3, "/999", 1000);
	assert_int_equal(count(&mounts, &alice), MOUNTS_CALLER_MAX - 1);
	call(&mounts, &alice, 3, "/0", 1000);
	assert_int_equal(count(&mounts, &alice), MOUNTS_CALLER_MAX - 1);
	call(&mounts, &alice, 4, "", 1000);
	assert_int_equal(count(&mounts, &alice), 0);
	for (uint32_t uid = 100; uid < 100 + 2 * MOUNTS_MAX; uid++) {
		const struct caller many = a_caller(uid, "a");

		call(&mounts, &many, MNT, "/", uid);
		assert_int_equal(count(&mounts, &many), 1);
	}
	assert_int_equal(count(&mounts, &bob), 0);
	mounts_clear(&mounts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses),     cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_callers),
		cmocka_unit_test(test_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
