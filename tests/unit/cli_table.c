/* SPDX-License-Identifier: MIT */
/*
 * cli_table.c - text that others wrote, and tables, on a terminal of a certain width
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "portcred/table.h"
#include "portcred/text.h"

static const struct column columns[] = {
	{ "PORT", 0, 0, true },
	{ "UNIT", 1, 6, false },
	{ "USER", 2, 4, false },
};

static void expect_shown(const char *text, const char *expected)
{
	_cleanup_free_ char *shown = text_show(text);

	assert_string_equal(shown, expected);
}

/* Would catch: a command that clears the screen, forges a line, or hides what follows. */
static void test_controls_are_escaped(void **state)
{
	(void)state;
	expect_shown("nginx", "nginx");
	expect_shown("a\033[2Jb", "a\\x1b[2Jb");
	expect_shown("a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd");
	expect_shown("\x7f", "\\x7f");
	expect_shown("\xc2\x9b", "\\xc2\\x9b");            /* CSI as one character */
	expect_shown("\xe2\x80\xae!", "\\xe2\\x80\\xae!"); /* right-to-left override */
	expect_shown("\xff\xc3", "\\xff\\xc3");            /* no UTF-8 */
	expect_shown("caf\xc3\xa9 \xe6\xbc\xa2", "caf\xc3\xa9 \xe6\xbc\xa2");
	expect_shown("", "");
}

/* Would catch: an error message of the daemon that loses its lines, or keeps its escapes. */
static void test_lines_are_kept(void **state)
{
	_cleanup_free_ char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	(void)state;
	text_print_lines("one\n\ttwo\033[0m\n", out);
	fclose(out);
	assert_string_equal(printed, "one\n\ttwo\\x1b[0m\n");
}

/* Would catch: wide and combining characters counted as one column, characters cut in two. */
static void test_width(void **state)
{
	size_t width;

	(void)state;
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("caf\xc3\xa9"), 4);
	assert_int_equal(text_width("\xe6\xbc\xa2\xe5\xad\x97"), 4);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_fit("\xe6\xbc\xa2\xe5\xad\x97", 3, &width), 3);
	assert_int_equal(width, 2);
	assert_int_equal(text_fit("abc", 10, &width), 3);
	assert_int_equal(width, 3);
	assert_int_equal(text_fit("abc", 0, &width), 0);
}

/* rows() - a table with these two rows, printed; the caller frees it */
static char *rows(const char *unit, const char *user, unsigned width, bool utf8, bool colour)
{
	_cleanup_(table_clear) struct table table;
	struct program program = { .width = width, .utf8 = utf8, .colour = colour };
	char *printed = NULL;
	size_t size;

	program.out = open_memstream(&printed, &size);
	table_begin(&table, columns, ELEMENTS(columns));
	table_add(&table, STYLE_PLAIN, "80");
	table_add(&table, STYLE_GOOD, unit);
	table_add(&table, STYLE_PLAIN, user);
	table_addf(&table, STYLE_PLAIN, "%u", 65535U);
	table_add(&table, STYLE_PLAIN, NULL);
	table_add(&table, STYLE_PLAIN, "");
	assert_int_equal(table_print(&table, &program), EXIT_YES);
	fclose(program.out);
	return printed;
}

static void expect_rows(const char *unit, const char *user, unsigned width, bool utf8,
			const char *expected)
{
	_cleanup_free_ char *printed = rows(unit, user, width, utf8, false);

	assert_string_equal(printed, expected);
}

/* Would catch: columns that do not stand below each other, blanks at the end of a line. */
static void test_alignment(void **state)
{
	(void)state;
	expect_rows("nginx.service", "www-data", 0, true,
		    " PORT  UNIT           USER\n"
		    "   80  nginx.service  www-data\n"
		    "65535  -              -\n");
	/* Exactly as wide as the terminal: nothing is cut. */
	expect_rows("nginx.service", "www-data", 30, true,
		    " PORT  UNIT           USER\n"
		    "   80  nginx.service  www-data\n"
		    "65535  -              -\n");
}

/* Would catch: lines that wrap, the wrong column cut first, a port cut at all. */
static void test_columns_give_way_in_turn(void **state)
{
	(void)state;
	expect_rows("nginx.service", "www-data", 29, true,
		    " PORT  UNIT          USER\n"
		    "   80  nginx.servi\xe2\x80\xa6  www-data\n"
		    "65535  -             -\n");
	expect_rows("nginx.service", "www-data", 22, true,
		    " PORT  UNIT    USER\n"
		    "   80  nginx\xe2\x80\xa6  www-da\xe2\x80\xa6\n"
		    "65535  -       -\n");
	/* No room for both at their least: the first goes, and the other has its room. */
	expect_rows("nginx.service", "www-data", 18, true,
		    " PORT  USER\n"
		    "   80  www-data\n"
		    "65535  -\n");
	expect_rows("nginx.service", "www-data", 1, true,
		    " PORT\n"
		    "   80\n"
		    "65535\n");
}

/* Would catch: an ellipsis that a terminal without UTF-8 shows as three strange characters. */
static void test_ellipsis_in_ascii(void **state)
{
	(void)state;
	expect_rows("nginx.service", "www-data", 29, false,
		    " PORT  UNIT          USER\n"
		    "   80  nginx.servi~  www-data\n"
		    "65535  -             -\n");
}

/* Would catch: padding computed from bytes, a wide character that makes a line too long. */
static void test_wide_characters(void **state)
{
	(void)state;
	expect_rows("\xe6\xbc\xa2\xe5\xad\x97", "u", 0, true,
		    " PORT  UNIT  USER\n"
		    "   80  \xe6\xbc\xa2\xe5\xad\x97  u\n"
		    "65535  -     -\n");
	expect_rows("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97", "u", 19, true,
		    " PORT  UNIT    USER\n"
		    "   80  \xe6\xbc\xa2\xe5\xad\x97\xe2\x80\xa6   u\n"
		    "65535  -       -\n");
}

/* Would catch: colour in a pipe, colour that runs on, escapes of a cell's own text. */
static void test_colour(void **state)
{
	_cleanup_free_ char *coloured = rows("a\033[5m", "u", 0, true, true);
	_cleanup_free_ char *plain = rows("a\033[5m", "u", 0, true, false);

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_non_null(strstr(plain, "a\\x1b[5m"));
	assert_non_null(strstr(coloured, "\033[32ma\\x1b[5m\033[0m"));
}

/* Would catch: titles above nothing. */
static void test_no_rows(void **state)
{
	_cleanup_(table_clear) struct table table;
	struct program program = { 0 };
	_cleanup_free_ char *printed = NULL;
	size_t size;

	(void)state;
	program.out = open_memstream(&printed, &size);
	table_begin(&table, columns, ELEMENTS(columns));
	assert_int_equal(table_print(&table, &program), EXIT_YES);
	fclose(program.out);
	assert_string_equal(printed, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_controls_are_escaped),
		cmocka_unit_test(test_lines_are_kept),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_columns_give_way_in_turn),
		cmocka_unit_test(test_ellipsis_in_ascii),
		cmocka_unit_test(test_wide_characters),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_no_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
