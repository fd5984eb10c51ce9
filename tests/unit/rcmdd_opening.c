/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_opening.c - what a reader may say to its monitor, when, and how often
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "rcmdd/opening_wire.h"

#define FRAME(text) (text), sizeof(text) - 1

static int say(enum opening_state *state, const char *frame, size_t size)
{
	struct opening_message message;

	return opening_decode(frame, size, state, &message);
}

static void test_in_order(void **state)
{
	enum opening_state now = opening_begin(RCMD_SHELL);
	struct opening_message message;
	uint16_t port = 1021;
	char frame[4] = { OPENING_PORT, 0, 0, 1 };

	memcpy(frame + 1, &port, sizeof(port));
	assert_int_equal(opening_decode(frame, sizeof(frame), &now, &message), 0);
	assert_int_equal(message.port, 1021);
	assert_true(message.framed);
	assert_int_equal(opening_decode(FRAME("\2001021\0a\0b\0c\0"), &now, &message), -EBADMSG);
	now = OPENING_NAMES;
	assert_int_equal(opening_decode(FRAME("\0021021\0a\0b\0c\0"), &now, &message), 0);
	assert_int_equal(message.kind, OPENING_REQUEST);
	assert_int_equal(message.size, 11);
	assert_int_equal(now, OPENING_QUIET);
}

/* Catches a reader, taken over, that says things twice or when it was not asked. */
static void test_only_when_allowed(void **state)
{
	static const struct {
		enum opening_state state;
		const char *frame;
		size_t size;
		int result;
	} cases[] = {
		{ OPENING_BEGINS, FRAME("\2a\0b\0"), -EBADMSG },
		{ OPENING_NAMES, FRAME("\1\0\0\0"), -EBADMSG },
		{ OPENING_QUIET, FRAME("\1\0\0\0"), -EBADMSG },
		{ OPENING_QUIET, FRAME("\2a\0b\0"), -EBADMSG },
		{ OPENING_QUIET, FRAME("\3line"), -EBADMSG },
		{ OPENING_NAMES, FRAME("\3line"), -EBADMSG },
		{ OPENING_ASKED, FRAME("\3line"), 0 },
		{ OPENING_ASKED, FRAME("\2a\0b\0"), -EBADMSG },
		{ OPENING_BEGINS, FRAME("\4why"), 0 },
		{ OPENING_ENDED, FRAME("\4why"), -EBADMSG },
		{ OPENING_ENDED, FRAME("\3line"), -EBADMSG },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		enum opening_state now = cases[i].state;

		assert_int_equal(say(&now, cases[i].frame, cases[i].size), cases[i].result);
		/* After a breach nothing is allowed any more. */
		if (cases[i].result < 0)
			assert_int_equal(now, OPENING_ENDED);
	}
	assert_int_equal(opening_begin(RCMD_LOGIN), OPENING_NAMES);
	assert_int_equal(opening_begin(RCMD_EXEC), OPENING_BEGINS);
}

static void test_malformed(void **state)
{
	static const struct {
		enum opening_state state;
		const char *frame;
		size_t size;
	} cases[] = {
		{ OPENING_BEGINS, FRAME("") },         { OPENING_BEGINS, FRAME("\0") },
		{ OPENING_BEGINS, FRAME("\5prompt") }, { OPENING_BEGINS, FRAME("\377") },
		{ OPENING_BEGINS, FRAME("\1\0\0") },   { OPENING_BEGINS, FRAME("\1\0\0\0\0") },
		{ OPENING_BEGINS, FRAME("\1\1\1\2") }, { OPENING_BEGINS, FRAME("\1\0\0\1") },
		{ OPENING_NAMES, FRAME("\2ab") },      { OPENING_ASKED, FRAME("\3a\0b") },
		{ OPENING_ASKED, FRAME("\4") },        { OPENING_ASKED, FRAME("\4line\nfeed") },
		{ OPENING_ASKED, FRAME("\4\x1b[2J") },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		enum opening_state now = cases[i].state;

		assert_int_equal(say(&now, cases[i].frame, cases[i].size), -EBADMSG);
	}
}

static void test_longest(void **state)
{
	static const struct {
		enum opening_state state;
		enum opening_kind kind;
		size_t max;
	} cases[] = {
		{ OPENING_NAMES, OPENING_REQUEST, OPENING_REQUEST_MAX },
		{ OPENING_ASKED, OPENING_LINE, OPENING_LINE_MAX },
		{ OPENING_ASKED, OPENING_FAULT, OPENING_FAULT_MAX },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		size_t size = 1 + cases[i].max;
		_cleanup_free_ char *frame = malloc(size + 1);
		enum opening_state now = cases[i].state;

		assert_non_null(frame);
		memset(frame, 'x', size + 1);
		frame[0] = (char)cases[i].kind;
		assert_int_equal(say(&now, frame, size), 0);
		now = cases[i].state;
		assert_int_equal(say(&now, frame, size + 1), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_only_when_allowed),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
