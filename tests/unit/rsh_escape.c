/* SPDX-License-Identifier: MIT */
/*
 * rsh_escape.c - what is typed at the beginning of a line, however it is cut into pieces
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rsh/escape.h"

static const struct escape_keys keys = { .end = 4, .suspend = 26, .interrupt = 3, .kill = 21 };

/* typed() - whole, and then byte for byte: the same goes out, and the same is done */
static void typed(int character, const char *in, const char *out, enum escape_action action,
		  size_t taken)
{
	size_t size = strlen(in);

	for (size_t piece = size; piece > 0; piece = piece > 1 ? 1 : 0) {
		enum escape_action done = ESCAPE_GO_ON;
		size_t n = 0, at = 0;
		struct escape escape;
		char got[64];

		escape_init(&escape, character, &keys);
		while (at < size && done == ESCAPE_GO_ON) {
			size_t more;

			at += escape_feed(&escape, in + at, piece, got + n, &more, &done);
			n += more;
		}
		assert_int_equal(done, action);
		assert_int_equal(at, taken);
		assert_int_equal(n, strlen(out));
		assert_memory_equal(got, out, n);
	}
}

#define PASSES(in, out) typed('~', in, out, ESCAPE_GO_ON, strlen(in))

static void test_passed_on(void **state)
{
	(void)state;
	PASSES("ls\r", "ls\r");
	PASSES("a~.", "a~.");
	PASSES("~x", "~x");
	PASSES("~~.", "~.");
	PASSES("~\r~~", "~\r~");
	PASSES("~", "");
	PASSES("a\r ~.", "a\r ~.");
	typed(ESCAPE_NONE, "~.", "~.", ESCAPE_GO_ON, 2);
	typed(0xe4, "\xe4x", "\xe4x", ESCAPE_GO_ON, 2);
}

static void test_actions(void **state)
{
	(void)state;
	typed('~', "~.x", "", ESCAPE_CLOSE, 2);
	typed('~', "~\4", "", ESCAPE_CLOSE, 2);
	typed('~', "a\r~.", "a\r", ESCAPE_CLOSE, 4);
	typed('~', "a\n~\32b", "a\n", ESCAPE_SUSPEND, 4);
	typed('!', "~.\r!.", "~.\r", ESCAPE_CLOSE, 5);
	/* What ends a line here ends it there. */
	typed('~', "a\3~.", "a\3", ESCAPE_CLOSE, 4);
	typed('~', "a\25~.", "a\25", ESCAPE_CLOSE, 4);
}

/* A terminal without a key for it: NUL is nobody's order. */
static void test_no_keys(void **state)
{
	const struct escape_keys none = { 0 };
	enum escape_action action;
	struct escape escape;
	char out[8];
	size_t n;

	(void)state;
	escape_init(&escape, '~', &none);
	assert_int_equal(escape_feed(&escape, "~\0~.", 4, out, &n, &action), 4);
	assert_int_equal(action, ESCAPE_GO_ON);
	assert_int_equal(n, 4);
	assert_memory_equal(out, "~\0~.", 4);
}

/* After a pause the line is a new one. */
static void test_after_an_action(void **state)
{
	enum escape_action action;
	struct escape escape;
	char out[8];
	size_t n;

	(void)state;
	escape_init(&escape, '~', &keys);
	assert_int_equal(escape_feed(&escape, "~\32~.", 4, out, &n, &action), 2);
	assert_int_equal(action, ESCAPE_SUSPEND);
	assert_int_equal(escape_feed(&escape, "~.", 2, out, &n, &action), 2);
	assert_int_equal(action, ESCAPE_CLOSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passed_on),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_no_keys),
		cmocka_unit_test(test_after_an_action),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
