/* SPDX-License-Identifier: MIT */
/*
 * event_paths.c - paths as events have them, from the leaf up, and back
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "kernel/events.h"

static void test_round_trip(void **state)
{
	static const char *const paths[] = {
		"/usr/sbin/nginx", "/a", "", "/system.slice/web.service", "/with space/\xff",
	};

	for (size_t i = 0; i < ELEMENTS(paths); i++) {
		char back[MAX_PATH_TEXT + 8];
		struct path_text text;

		path_to_leaf(paths[i], &text);
		path_from_leaf(&text, back);
		assert_string_equal(back, paths[i]);
	}
}

static void test_as_the_kernel_half_tells_it(void **state)
{
	struct path_text text;

	path_to_leaf("/usr/sbin/nginx", &text);
	assert_string_equal(text.text, "nginx/sbin/usr/");
	path_to_leaf("/usr//sbin/", &text);
	assert_string_equal(text.text, "sbin/usr/");
	path_to_leaf("/", &text);
	assert_string_equal(text.text, "");
}

/* Catches a path of somebody's that is written beyond the event. */
static void test_long_ones(void **state)
{
	char path[4096], back[MAX_PATH_TEXT + 8];
	struct path_text text;

	for (size_t name = 1; name < 600; name++) {
		memset(path, 'x', sizeof(path));
		for (size_t i = 0; i < sizeof(path); i += name + 1)
			path[i] = '/';
		path[sizeof(path) - 1] = '\0';
		path_to_leaf(path, &text);
		assert_true(strnlen(text.text, sizeof(text.text)) < sizeof(text.text));
		path_from_leaf(&text, back);
		assert_memory_equal(back, "...", 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_as_the_kernel_half_tells_it),
		cmocka_unit_test(test_long_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
