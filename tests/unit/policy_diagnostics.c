/* SPDX-License-Identifier: MIT */
/* policy_diagnostics.c - how errors are shown: order, line, caret, and nothing a terminal obeys */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/diagnostics.h"

/* struct shown - one source and what is said of it */
struct shown {
	struct sources *sources;
	struct diagnostics diagnostics;
};

static void begin(struct shown *shown, const char *text, size_t size)
{
	*shown = (struct shown){ .sources = sources_new() };
	assert_int_equal(sources_add(shown->sources, "p.conf", text, size), 0);
}

static struct location at(unsigned line, unsigned column)
{
	return (struct location){ .line = line, .column = column };
}

/* expect() - the whole output; and the end */
static void expect(struct shown *shown, bool colour, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	diagnostics_print(&shown->diagnostics, shown->sources, colour, out);
	fclose(out);
	assert_string_equal(text, expected);
	diagnostics_clear(&shown->diagnostics);
	assert_int_equal(shown->diagnostics.errors, 0);
	assert_null(shown->diagnostics.items);
	sources_free(shown->sources);
}

#define BEGIN(shown, text) begin(shown, text, sizeof(text) - 1)

static void error(struct shown *shown, struct location where, unsigned width, const char *text)
{
	diagnostics_add(&shown->diagnostics, SEVERITY_ERROR, where, width, "%s", text);
}

static void line_and_caret(void **state)
{
	struct shown shown;

	BEGIN(&shown, "one\ntwo words\n");
	error(&shown, at(2, 5), 5, "bad");
	expect(&shown, false, "p.conf:2:5: error: bad\ntwo words\n    ^~~~~\n");
}

static void width_of_one(void **state)
{
	struct shown shown;

	BEGIN(&shown, "x");
	error(&shown, at(1, 1), 0, "bad");
	expect(&shown, false, "p.conf:1:1: error: bad\nx\n^\n");
}

/* The tab is kept, so that the caret stands under the word whatever the terminal's stops are. */
static void tabs(void **state)
{
	struct shown shown;

	BEGIN(&shown, "\ta\t\tb\tc\n");
	error(&shown, at(1, 5), 3, "bad");
	expect(&shown, false, "p.conf:1:5: error: bad\n\ta\t\tb\tc\n\t \t\t^~~\n");
}

/* Columns are characters; a wide one takes two places of a terminal, a combining one none. */
static void characters(void **state)
{
	struct shown shown;

	BEGIN(&shown, "\303\244 \346\274\242 e\314\201 x\n");
	error(&shown, at(1, 8), 1, "behind");
	error(&shown, at(1, 3), 1, "wide");
	error(&shown, at(1, 5), 2, "combined");
	expect(&shown, false,
	       "p.conf:1:3: error: wide\n\303\244 \346\274\242 e\314\201 x\n  ^~\n"
	       "p.conf:1:5: error: combined\n\303\244 \346\274\242 e\314\201 x\n     ^\n"
	       "p.conf:1:8: error: behind\n\303\244 \346\274\242 e\314\201 x\n       ^\n");
}

static void end_of_line(void **state)
{
	struct shown shown;

	BEGIN(&shown, "ab\r\n");
	error(&shown, at(1, 3), 9, "missing");
	error(&shown, at(1, 90), 9, "far away");
	expect(&shown, false,
	       "p.conf:1:3: error: missing\nab\n  ^\np.conf:1:90: error: far away\nab\n  ^\n");
}

/* What the line would tell the terminal to do is shown as '?', in the text and the name too. */
static void nothing_to_obey(void **state)
{
	struct shown shown = { .sources = sources_new() };
	static const char text[] = "a\033[2J\0\xff\xe2\x80\xae"
				   "b\x7f\xc2\x9b"
				   "c\n";

	assert_int_equal(sources_add(shown.sources, "x\033y\n", text, sizeof(text) - 1), 0);
	error(&shown, at(1, 9), 2, "bad \033[1m");
	expect(&shown, false, "x?y?:1:9: error: bad ?[1m\na?[2J???b??c\n        ^~\n");
}

static void whole_file(void **state)
{
	struct shown shown;

	BEGIN(&shown, "text\n");
	error(&shown, at(0, 0), 1, "cannot be read");
	expect(&shown, false, "p.conf: error: cannot be read\n");
}

static void line_that_is_not_there(void **state)
{
	struct shown shown;

	BEGIN(&shown, "text\n");
	error(&shown, at(7, 1), 1, "bad");
	expect(&shown, false, "p.conf:7:1: error: bad\n");
}

/* By file, line and column; at one place in the order in which they were said. */
static void order(void **state)
{
	struct location other = { .line = 1, .column = 1, .file = 1 };
	struct shown shown;

	BEGIN(&shown, "ab\ncd\n");
	assert_int_equal(sources_add(shown.sources, "q.conf", "ef", 2), 0);
	error(&shown, other, 1, "six");
	error(&shown, at(2, 1), 1, "four");
	error(&shown, at(1, 2), 1, "two");
	diagnostics_add(&shown.diagnostics, SEVERITY_WARNING, at(1, 2), 1, "three");
	error(&shown, at(2, 2), 1, "five");
	error(&shown, at(1, 1), 1, "one");
	assert_int_equal(shown.diagnostics.errors, 5);
	assert_int_equal(shown.diagnostics.warnings, 1);
	expect(&shown, false,
	       "p.conf:1:1: error: one\nab\n^\np.conf:1:2: error: two\nab\n ^\n"
	       "p.conf:1:2: warning: three\nab\n ^\np.conf:2:1: error: four\ncd\n^\n"
	       "p.conf:2:2: error: five\ncd\n ^\nq.conf:1:1: error: six\nef\n^\n");
}

static void colours(void **state)
{
	struct shown shown;

	BEGIN(&shown, "ab\n");
	error(&shown, at(1, 1), 2, "bad");
	diagnostics_add(&shown.diagnostics, SEVERITY_WARNING, at(1, 2), 1, "odd");
	expect(&shown, true,
	       "\033[1mp.conf:1:1: \033[1;31merror: \033[0mbad\nab\n\033[1;32m^~\033[0m\n"
	       "\033[1mp.conf:1:2: \033[1;35mwarning: \033[0modd\nab\n \033[1;32m^\033[0m\n");
}

/* Of a line of thousands of characters only what lies around the caret is shown. */
static void long_lines(void **state)
{
	char text[5000], expected[1024];
	struct shown shown;

	memset(text, '.', sizeof(text));
	memcpy(text + 3000, "HERE", 4);
	begin(&shown, text, sizeof(text));
	error(&shown, at(1, 3001), 4, "bad");
	snprintf(expected, sizeof(expected),
		 "p.conf:1:3001: error: bad\n... %.30sHERE%.126s ...\n%34s^~~~\n", text, text, "");
	expect(&shown, false, expected);

	begin(&shown, text, sizeof(text));
	error(&shown, at(1, 2), 4000, "long");
	snprintf(expected, sizeof(expected), "p.conf:1:2: error: long\n%.160s ...\n ^", text);
	memset(expected + strlen(expected), 0, 200);
	memset(expected + strlen(expected), '~', 158);
	strcat(expected, "\n");
	expect(&shown, false, expected);
}

/* Errors are kept however many warnings came before them; the rest is counted. */
static void too_many(void **state)
{
	struct shown shown = { .sources = sources_new() };
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(sources_add(shown.sources, "p", "x\n", 2), 0);
	for (unsigned i = 0; i < MAX_DIAGNOSTICS + 10; i++)
		diagnostics_add(&shown.diagnostics, SEVERITY_WARNING, at(1, 1), 1, "warning");
	assert_true(diagnostics_full(&shown.diagnostics, SEVERITY_WARNING));
	assert_false(diagnostics_full(&shown.diagnostics, SEVERITY_ERROR));
	for (unsigned i = 0; i < MAX_DIAGNOSTICS + 1000; i++)
		error(&shown, at(1, 1), 1, "error");
	assert_int_equal(shown.diagnostics.warnings, MAX_DIAGNOSTICS + 10);
	assert_int_equal(shown.diagnostics.errors, MAX_DIAGNOSTICS + 1000);
	assert_int_equal(shown.diagnostics.n_items, 2 * MAX_DIAGNOSTICS);
	diagnostics_print(&shown.diagnostics, shown.sources, false, out);
	fclose(out);
	assert_non_null(strstr(text, "\nand 1000 more errors\nand 10 more warnings\n"));
	diagnostics_clear(&shown.diagnostics);
	sources_free(shown.sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_and_caret), cmocka_unit_test(width_of_one),
		cmocka_unit_test(tabs),           cmocka_unit_test(characters),
		cmocka_unit_test(end_of_line),    cmocka_unit_test(nothing_to_obey),
		cmocka_unit_test(whole_file),     cmocka_unit_test(line_that_is_not_there),
		cmocka_unit_test(order),          cmocka_unit_test(colours),
		cmocka_unit_test(long_lines),     cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("policy_diagnostics", tests, NULL, NULL);
}
