/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_session.c - what a session is made of: its environment, the size of its window among what is
 * typed, and what is left of it
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
#include "rcmdd/environment.h"
#include "rcmdd/remains.h"
#include "rcmdd/window.h"

static const struct account alice = { (char *)"alice", 2011, 2011, (char *)"/home/alice",
				      (char *)"/bin/sh" };

static const char *value(const struct environment *environment, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < environment->n; i++) {
		if (strncmp(environment->items[i], name, length) == 0 &&
		    environment->items[i][length] == '=')
			return environment->items[i] + length + 1;
	}
	return NULL;
}

static void test_environment(void **state)
{
	struct environment environment;

	assert_int_equal(environment_make(&alice, "", NULL, &environment), 0);
	assert_int_equal(environment.n, 5);
	assert_null(environment.items[environment.n]);
	assert_string_equal(value(&environment, "HOME"), "/home/alice");
	assert_string_equal(value(&environment, "SHELL"), "/bin/sh");
	assert_string_equal(value(&environment, "USER"), "alice");
	assert_string_equal(value(&environment, "LOGNAME"), "alice");
	assert_non_null(strstr(value(&environment, "PATH"), "/usr/bin"));
	assert_null(strstr(value(&environment, "PATH"), "sbin"));
	environment_clear(&environment);
	assert_int_equal(environment_make(&alice, "vt100", NULL, &environment), 0);
	assert_string_equal(value(&environment, "TERM"), "vt100");
	environment_clear(&environment);
}

/* Modules add to it, and take nothing over: catches one that makes the user another. */
static void test_environment_of_pam(void **state)
{
	static char huge[ENVIRONMENT_BYTES_MAX + 2];
	char *pam[] = { (char *)"LANG=C.UTF-8",
			(char *)"PATH=/opt/bin",
			(char *)"USER=root",
			(char *)"HOME=/root",
			(char *)"TERM=x",
			(char *)"=x",
			(char *)"1A=x",
			(char *)"A B=x",
			(char *)"NOVALUE",
			(char *)"EMPTY=",
			huge,
			NULL };
	struct environment environment;

	memset(huge, 'A', sizeof(huge) - 1);
	huge[1] = '=';
	assert_int_equal(environment_make(&alice, "", pam, &environment), 0);
	assert_int_equal(environment.n, 7);
	assert_string_equal(value(&environment, "PATH"), "/opt/bin");
	assert_string_equal(value(&environment, "LANG"), "C.UTF-8");
	assert_string_equal(value(&environment, "EMPTY"), "");
	assert_string_equal(value(&environment, "USER"), "alice");
	assert_string_equal(value(&environment, "HOME"), "/home/alice");
	assert_null(value(&environment, "TERM"));
	environment_clear(&environment);
}

static void test_environment_is_bounded(void **state)
{
	char *pam[1000];
	struct environment environment;

	for (size_t i = 0; i + 1 < ELEMENTS(pam); i++)
		pam[i] = (char *)"A=x";
	pam[ELEMENTS(pam) - 1] = NULL;
	assert_int_equal(environment_make(&alice, "vt100", pam, &environment), 0);
	assert_true(environment.n < ELEMENTS(environment.items));
	assert_string_equal(value(&environment, "USER"), "alice");
	environment_clear(&environment);
}

/* typed() - what is left of @bytes, in pieces of @step; how many sizes there were */
static unsigned typed(const char *bytes, size_t size, size_t step, uint8_t *out, size_t *ret_n,
		      struct winsize *ret_size)
{
	struct window_reader reader = { 0 };
	unsigned found = 0;

	*ret_n = 0;
	for (size_t done = 0; done < size; done += step) {
		size_t piece = size - done < step ? size - done : step, n;

		found += window_take(&reader, (const uint8_t *)bytes + done, piece, out + *ret_n,
				     &n, ret_size);
		*ret_n += n;
	}
	return found;
}

#define BYTES(text) (text), sizeof(text) - 1

static void test_window(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *typed;
		size_t n_typed;
		unsigned sizes;
	} cases[] = {
		{ BYTES("date\r"), BYTES("date\r"), 0 },
		{ BYTES("\xff\xffss\0\x32\0\x84\0\0\0\0"), BYTES(""), 1 },
		{ BYTES("a\xff\xffss\0\x32\0\x84\0\0\0\0b"), BYTES("ab"), 1 },
		{ BYTES("\xff\xff\xffss\0\x32\0\x84\0\0\0\0"), BYTES("\xff"), 1 },
		{ BYTES("\xff\xffsx"), BYTES("\xff\xffsx"), 0 },
		{ BYTES("\xff\xffs\xff\xffss\0\x32\0\x84\0\0\0\0"), BYTES("\xff\xffs"), 1 },
		{ BYTES("\xff\xffss\0\x32\0\x84\0\0\0"), BYTES(""), 0 },
		{ BYTES("\xff\xff"), BYTES(""), 0 },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		for (size_t step = 1; step <= cases[i].size; step++) {
			struct winsize size = { 0 };
			uint8_t out[64];
			size_t n;

			assert_int_equal(typed(cases[i].bytes, cases[i].size, step, out, &n, &size),
					 cases[i].sizes);
			assert_int_equal(n, cases[i].n_typed);
			assert_memory_equal(out, cases[i].typed, n);
			if (cases[i].sizes) {
				assert_int_equal(size.ws_row, 50);
				assert_int_equal(size.ws_col, 132);
			}
		}
	}
}

/* Catches a session that is closed although a command may have begun of which nobody knows. */
static void test_remains_of_a_command_unknown(void **state)
{
	struct remains remains = { .command = REMAINS_UNKNOWN, .user = "alice" }, left;

	atomic_store(&remains.open, true);
	assert_true(remains_take(&remains, &left));
	assert_int_equal(remains_end(&left, "shell", false), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_environment_of_pam),
		cmocka_unit_test(test_environment_is_bounded),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_remains_of_a_command_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
