/* SPDX-License-Identifier: MIT */
/*
 * rcp_line.c - the control lines of rcp, read and written
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "rcp/line.h"

static int parse(const char *text, struct line *ret_line)
{
	return line_parse(text, strlen(text), ret_line);
}

static void test_entries(void **state)
{
	struct line line = { 0 };

	assert_int_equal(parse("C0644 1234 a name", &line), 0);
	assert_int_equal(line.kind, LINE_FILE);
	assert_int_equal(line.mode, 0644);
	assert_int_equal(line.size, 1234);
	assert_string_equal(line.name, "a name");
	assert_int_equal(parse("C7777 9223372036854775807 \xff", &line), 0);
	assert_int_equal(line.mode, LINE_MODES);
	assert_true(line.size == INT64_MAX);
	assert_int_equal(parse("D0755 0 .", &line), 0);
	assert_int_equal(line.kind, LINE_DIRECTORY);
	assert_string_equal(line.name, ".");
	assert_int_equal(parse("E", &line), 0);
	assert_int_equal(line.kind, LINE_END);
	assert_int_equal(parse("T5 999999 6 0", &line), 0);
	assert_int_equal(line.modified, 5);
	assert_int_equal(line.modified_us, 999999);
	assert_int_equal(line.accessed, 6);
}

static void test_messages(void **state)
{
	struct line line = { 0 };

	assert_int_equal(parse("\1rcp: x", &line), 0);
	assert_int_equal(line.kind, LINE_WARNING);
	assert_int_equal(line.text_length, 6);
	assert_memory_equal(line.text, "rcp: x", 6);
	assert_int_equal(parse("\2", &line), 0);
	assert_int_equal(line.kind, LINE_FATAL);
	assert_int_equal(line.text_length, 0);
}

/* Catches a number that wraps around, and a line that is taken for another. */
static void test_no_lines(void **state)
{
	static const char *const lines[] = {
		"",
		"X",
		"C",
		"C0644",
		"C644 1 a",
		"C0844 1 a",
		"C00644 1 a",
		"C0644 -1 a",
		"C0644 +1 a",
		"C0644  1 a",
		"C0644 1",
		"C0644 9223372036854775808 a",
		"C0644 1a b",
		"C0644 99999999999999999999999 a",
		"E ",
		"T1 0 1",
		"T1 0 1 0 ",
		"T1 1000000 1 0",
		"T1 0 1 1000000",
		"T-1 0 1 0",
		"T1 0 1 0 2",
		"c0644 1 a",
		"sh: rcp: absent",
		"C0644 1 a\nb",
	};
	struct line line = { 0 };

	for (size_t i = 0; i < ELEMENTS(lines); i++)
		assert_int_equal(parse(lines[i], &line), -EBADMSG);
	assert_int_equal(line.size, 0);
}

/* Catches CVE-2019-7282, CVE-2019-7283 and CVE-2018-20685 where they begin. */
static void test_names(void **state)
{
	static const char *const lines[] = {
		"C0644 1 ", "C0644 1 ..", "D0755 0 ..", "C0644 1 a/b", "C0644 1 /", "D0755 0 ../x",
	};
	static const char nul[] = "C0644 1 a\0b";
	char longest[sizeof("C0644 1 ") + NAME_MAX + 1] = "C0644 1 ";
	struct line line = { 0 };

	for (size_t i = 0; i < ELEMENTS(lines); i++)
		assert_int_equal(parse(lines[i], &line), -EINVAL);
	assert_int_equal(line_parse(nul, sizeof(nul) - 1, &line), -EINVAL);
	memset(longest + strlen("C0644 1 "), 'n', NAME_MAX);
	assert_int_equal(parse(longest, &line), 0);
	longest[strlen("C0644 1 ") + NAME_MAX] = 'n';
	assert_int_equal(line_parse(longest, strlen("C0644 1 ") + NAME_MAX + 1, &line), -EINVAL);
}

static void test_format(void **state)
{
	struct line line = { .kind = LINE_FILE, .mode = 04755, .size = 7, .name = "f" };
	char bytes[LINE_BYTES];

	assert_int_equal(line_format(&line, bytes), 10);
	assert_memory_equal(bytes, "C4755 7 f\n", 10);
	strcpy(line.name, "a\nE");
	assert_int_equal(line_format(&line, bytes), -EINVAL);
	line = (struct line){ .kind = LINE_TIMES, .modified = -1, .modified_us = 5, .accessed = 2 };
	assert_int_equal(line_format(&line, bytes), 9);
	assert_memory_equal(bytes, "T0 0 2 0\n", 9);
	line.kind = LINE_WARNING;
	assert_int_equal(line_format(&line, bytes), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),  cmocka_unit_test(test_messages),
		cmocka_unit_test(test_no_lines), cmocka_unit_test(test_names),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
