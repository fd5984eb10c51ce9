/* SPDX-License-Identifier: MIT */
/*
 * flood.c - how many events of one user are told in a second, and that every other one is counted
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/flood.h"

#define SECOND 1000000000ULL
#define MOST   32U
#define WEB    2001U

/* admitted() - how many of @n events at @now are told; none may push another user out */
static unsigned admitted(struct flood_table *table, uint32_t uid, uint64_t now, unsigned n)
{
	struct flood_held held;
	unsigned told = 0;

	for (unsigned i = 0; i < n; i++) {
		told += flood_admit(table, uid, now, &held);
		assert_int_equal(held.n, 0);
	}
	return told;
}

static void test_budget(void **state)
{
	struct flood_table table = { .window = SECOND, .most = MOST };

	assert_int_equal(admitted(&table, WEB, SECOND, 1000), MOST);
	assert_int_equal(admitted(&table, WEB, 2 * SECOND - 1, 1), 0);
	/* Root is a user as any other, and so is whoever comes next. */
	assert_int_equal(admitted(&table, 0, SECOND, 1000), MOST);
	assert_int_equal(admitted(&table, WEB, 2 * SECOND, 1000), MOST);
}

static void test_held_is_told(void **state)
{
	struct flood_table table = { .window = SECOND, .most = MOST };
	struct flood_held held = { 0 };
	bool open = false;

	admitted(&table, WEB, SECOND, 100);
	assert_false(flood_collect(&table, 2 * SECOND - 1, &held, &open));
	assert_true(open);
	/* Also over two windows: what the first held back is not lost. */
	admitted(&table, WEB, 2 * SECOND, 100);
	assert_true(flood_collect(&table, 3 * SECOND, &held, &open));
	assert_int_equal(held.uid, WEB);
	assert_int_equal(held.n, 200 - 2 * MOST);
	assert_false(flood_collect(&table, 3 * SECOND, &held, &open));
	assert_false(open);
}

/* Catches a table that a crowd of users can fill, so that nothing is told or counted any more. */
static void test_crowd(void **state)
{
	struct flood_table table = { .window = SECOND, .most = MOST };
	struct flood_held held = { 0 };
	unsigned told = 0, counted = 0;
	bool open;

	for (uint32_t uid = 1; uid <= 3 * FLOOD_USERS; uid++) {
		for (unsigned i = 0; i < 100; i++) {
			told += flood_admit(&table, uid, SECOND + uid, &held);
			counted += held.n;
			assert_true(held.n == 0 || held.uid + FLOOD_USERS == uid);
		}
	}
	while (flood_collect(&table, 10 * SECOND, &held, &open))
		counted += held.n;
	assert_int_equal(told, 3 * FLOOD_USERS * MOST);
	assert_int_equal(told + counted, 3 * FLOOD_USERS * 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_held_is_told),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
