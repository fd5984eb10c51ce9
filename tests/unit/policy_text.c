/* SPDX-License-Identifier: MIT */
/* policy_text.c - bytes, quotes and lines: what is wrong before there are any words */
#include "policy_cases.h"

static const struct policy_case cases[] = {
	CASE("unterminated_quote",
	     "bind 80 by user \"alice\n"
	     "bind 81 by root\n",
	     "1:17+6 error: unterminated quote, expected '\"' before the end of the line\n"),
	CASE("quote_is_not_ended_by_an_escaped_one", "bind 80 by user \"alice\\\"\n",
	     "1:17+8 error: unterminated quote, expected '\"' before the end of the line\n"),
	CASE("unterminated_quote_at_the_end_of_the_file", "bind 80 by user \"alice",
	     "1:17+6 error: unterminated quote, expected '\"' before the end of the line\n"),
	CASE("unknown_escape", "bind 80 by user \"al\\ice\"\n",
	     "1:20+1 error: '\\' inside quotes, expected \\\" or \\\\\n"),
	CASE("quotes_around_a_part", "bind 80 by user \"al\"ice\n",
	     "1:17+4 error: quotes around a part of a word, expected the whole word in quotes\n"),
	CASE("quote_in_a_word", "bind 80 by user al\"ice\"\n",
	     "1:17+3 error: quote in the middle of a word, expected the whole word in quotes\n"),
	CASE("hash_in_a_word", "bind 80 by user alice# comment\n",
	     "1:22+1 error: '#' in the middle of a word, expected a blank before a comment, or the "
	     "word in quotes\n"),
	CASE("hash_behind_quotes", "bind 80 by user \"alice\"# comment\n",
	     "1:17+7 error: quotes around a part of a word, expected the whole word in quotes\n"),
	CASE("backslash_behind_quotes", "bind 80 by user \"alice\"\\x\n",
	     "1:17+7 error: quotes around a part of a word, expected the whole word in quotes\n"),
	CASE("backslash_at_the_end_of_the_file", "bind 80 by root \\",
	     "1:17+1 error: '\\' at the end of the file, expected a line that continues this "
	     "one\n"),
	CASE("backslash_of_a_word_at_the_end_of_the_file", "bind 80 by root\\",
	     "1:16+1 error: '\\' at the end of the file, expected a line that continues this "
	     "one\n"),
	CASE("blank_behind_backslash",
	     "bind 80 \\ \t\n"
	     "  by root\n"
	     "bind 81 by nobody\n",
	     "1:9+1 error: blank behind '\\', expected the end of the line that it continues\n"
	     "3:12+6 error: unknown word 'nobody' in a principal, expected user, group, exe, unit, "
	     "root or anyone\n"),
	CASE("backslash_before_a_comma", "bind 80 by user al\\,ice\n",
	     "1:19+1 error: '\\' at the end of a word, expected the word in quotes\n"),
	CASE("nul", "bind 80 by\000 root\n", "1:11+1 error: NUL byte, expected text\n"),
	CASE("nul_in_a_comment", "bind 80 by root # \000\n",
	     "1:19+1 error: NUL byte, expected text\n"),
	CASE("nul_alone", "\000", "1:1+1 error: NUL byte, expected text\n"),
	CASE("control_character", "bind 80\007 by root\n",
	     "1:8+1 error: control character 0x07, expected printable text\n"),
	CASE("delete_character", "bind 80 by user a\177\n",
	     "1:18+1 error: control character 0x7F, expected printable text\n"),
	CASE("carriage_return_inside", "bind 80 \r by root\n",
	     "1:9+1 error: control character 0x0D, expected printable text\n"),
	CASE("carriage_return_in_a_comment", "bind 80 by root # a\rbind 81 by anyone\n",
	     "1:20+1 error: control character 0x0D, expected printable text\n"),
	CASE("nul_in_quotes", "bind 80 by user \"a\000b\"\n",
	     "1:19+1 error: NUL byte, expected text\n"),
	CASE("tab_in_quotes", "bind 80 by user \"a\tb\"\n",
	     "1:19+1 error: control character 0x09, expected printable text\n"),
	CASE("c1_control", "bind 80 by user a\302\205\n",
	     "1:18+1 error: control character 0x85, expected printable text\n"),
	CASE("right_to_left_override", "bind 80 by user a\342\200\256\n",
	     "1:18+1 error: character U+202E, which hides or reorders text, expected printable "
	     "text\n"),
	CASE("byte_order_mark_inside", "bind 80 by \357\273\277root\n",
	     "1:12+1 error: character U+FEFF, which hides or reorders text, expected printable "
	     "text\n"),
	CASE("utf8_stray_continuation", "bind 80 by user \200\n",
	     "1:17+1 error: invalid UTF-8 (byte 0x80), expected UTF-8 text\n"),
	CASE("utf8_overlong_two", "bind 80 by user \300\257\n",
	     "1:17+1 error: invalid UTF-8 (byte 0xC0), expected UTF-8 text\n"),
	CASE("utf8_overlong_three", "bind 80 by user \340\200\257\n",
	     "1:17+1 error: invalid UTF-8 (byte 0xE0), expected UTF-8 text\n"),
	CASE("utf8_overlong_four", "bind 80 by user \360\200\200\257\n",
	     "1:17+1 error: invalid UTF-8 (byte 0xF0), expected UTF-8 text\n"),
	CASE("utf8_surrogate", "bind 80 by user \355\240\200\n",
	     "1:17+1 error: invalid UTF-8 (byte 0xED), expected UTF-8 text\n"),
	CASE("utf8_beyond_the_last", "bind 80 by user \364\220\200\200\n",
	     "1:17+1 error: invalid UTF-8 (byte 0xF4), expected UTF-8 text\n"),
	CASE("utf8_five_bytes", "bind 80 by user \370\210\200\200\200\n",
	     "1:17+1 error: invalid UTF-8 (byte 0xF8), expected UTF-8 text\n"),
	CASE("utf8_cut_short", "bind 80 by user \342\202\n",
	     "1:17+1 error: invalid UTF-8 (byte 0xE2), expected UTF-8 text\n"),
	CASE("utf8_cut_short_at_the_end", "bind 80 by user \342\202",
	     "1:17+1 error: invalid UTF-8 (byte 0xE2), expected UTF-8 text\n"),
	CASE("utf8_in_quotes", "bind 80 by user \"\377\"\n",
	     "1:18+1 error: invalid UTF-8 (byte 0xFF), expected UTF-8 text\n"),
	CASE("utf8_in_a_comment",
	     "# \377\n"
	     "bind 80 by nobody\n",
	     "1:3+1 error: invalid UTF-8 (byte 0xFF), expected UTF-8 text\n"
	     "2:12+6 error: unknown word 'nobody' in a principal, expected user, group, exe, unit, "
	     "root or anyone\n"),
	CASE("refused_line_takes_its_continuation_with_it",
	     "bind 80 \001 \\\n"
	     "  by root\n"
	     "bnid\n",
	     "1:9+1 error: control character 0x01, expected printable text\n"
	     "3:1+4 error: unknown statement 'bnid', expected bind, accept, connect, redirect, "
	     "host, observe or set; did you mean 'bind'?\n"),
	CASE("columns_are_characters",
	     "bind 80 by user \"\303\244\342\202\254\360\237\230\200\" usr x\n",
	     "1:17+5 error: unknown user '\303\244\342\202\254\360\237\230\200', expected a user "
	     "of this machine\n"
	     "1:23+3 error: unknown word 'usr' in a principal, expected user, group, exe, unit, "
	     "root or anyone; did you mean 'user'?\n"),
	CASE("tab_is_one_column", "\tbind\t80 by\tusr x\n",
	     "1:13+3 error: unknown word 'usr' in a principal, expected user, group, exe, unit, "
	     "root or anyone; did you mean 'user'?\n"),
	CASE("place_behind_a_continuation",
	     "bind 80 \\\n"
	     "  by \\\n"
	     "\tusr x\n",
	     "3:2+3 error: unknown word 'usr' in a principal, expected user, group, exe, unit, "
	     "root or anyone; did you mean 'user'?\n"),
	CASE("carriage_return_line_ends",
	     "bind 80 by \\\r\n"
	     " usr x\r\n"
	     "bnid 1\r\n",
	     "2:2+3 error: unknown word 'usr' in a principal, expected user, group, exe, unit, "
	     "root or anyone; did you mean 'user'?\n"
	     "3:1+4 error: unknown statement 'bnid', expected bind, accept, connect, redirect, "
	     "host, observe or set; did you mean 'bind'?\n"),
	CASE("byte_order_mark_takes_no_column", "\357\273\277bnid 80 by root\n",
	     "1:1+4 error: unknown statement 'bnid', expected bind, accept, connect, redirect, "
	     "host, observe or set; did you mean 'bind'?\n"),
};

/* repeat() - a policy of @before, @n times @what, @behind; the caller frees it */
static char *repeat(const char *before, const char *what, size_t n, const char *behind)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs(before, out);
	for (size_t i = 0; i < n; i++)
		fputs(what, out);
	fputs(behind, out);
	fclose(out);
	return text;
}

static void expect(char *text, const char *expected)
{
	_cleanup_free_ char *said = NULL;
	struct parsed parsed;

	assert_int_equal(parsed_bytes(&parsed, text, strlen(text), false), 0);
	said = parsed_text(&parsed);
	assert_string_equal(said, expected);
	parsed_clear(&parsed);
	free(text);
}

/* A line of a megabyte is refused in whole; the lines around it are read. */
static void line_of_a_megabyte(void **state)
{
	expect(repeat("bind 80 by root\nbind 81 by ", "root, ", 1000000 / 6, "root\nbnid\n"),
	       "2:1+1 error: line of 1000011 bytes, expected at most 65536 with its continuations\n"
	       "3:1+4 error: unknown statement 'bnid', expected bind, accept, connect, redirect, "
	       "host, observe or set; did you mean 'bind'?\n");
}

/* The limit counts the logical line: continuations do not get around it. */
static void continuations_of_a_megabyte(void **state)
{
	expect(repeat("bind 81 by ", "root, \\\n", 125000, "root\nbind 80 by root\n"),
	       "1:1+1 error: line of 1000015 bytes, expected at most 65536 with its "
	       "continuations\n");
}

static void comment_of_a_megabyte(void **state)
{
	expect(repeat("bind 80 by root #", "x", 1000000, "\n"),
	       "1:1+1 error: line of 1000017 bytes, expected at most 65536 with its "
	       "continuations\n");
}

static void word_of_a_megabyte(void **state)
{
	expect(repeat("", "x", 1000000, ""),
	       "1:1+1 error: line of 1000000 bytes, expected at most 65536 with its "
	       "continuations\n");
}

/* 65,536 bytes are allowed, and one more is not. */
static void longest_line(void **state)
{
	expect(repeat("bind 80 by ", "root,", 13102, "root,     root\n"), "");
	expect(repeat("bind 80 by ", "root,", 13102, "root,      root\n"), "");
	expect(repeat("bind 80 by ", "root,", 13102, "root,       root\n"),
	       "1:1+1 error: line of 65537 bytes, expected at most 65536 with its continuations\n");
}

/* What a word holds is not repeated at length. */
static void long_word(void **state)
{
	expect(repeat("", "a", 100, " 80\n"),
	       "1:1+100 error: unknown statement "
	       "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...', "
	       "expected bind, accept, connect, redirect, host, observe or set\n");
	/* Cut between characters: 64 bytes would end inside of the last one. */
	expect(repeat("a", "\303\244", 100, " 80\n"),
	       "1:1+101 error: unknown statement "
	       "'a\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244"
	       "\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244"
	       "\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244\303\244"
	       "\303\244...', "
	       "expected bind, accept, connect, redirect, host, observe or set\n");
}

/* More errors than are kept: all are counted. */
static void errors_without_end(void **state)
{
	_cleanup_free_ char *text = repeat("", "bnid\n", 100000, "");
	struct parsed parsed;

	assert_int_equal(parsed_bytes(&parsed, text, strlen(text), false), 0);
	assert_int_equal(parsed.diagnostics.errors, 100000);
	assert_int_equal(parsed.diagnostics.n_items, MAX_DIAGNOSTICS);
	parsed_clear(&parsed);
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(line_of_a_megabyte),    cmocka_unit_test(continuations_of_a_megabyte),
	cmocka_unit_test(comment_of_a_megabyte), cmocka_unit_test(word_of_a_megabyte),
	cmocka_unit_test(longest_line),          cmocka_unit_test(long_word),
	cmocka_unit_test(errors_without_end),
};

int main(void)
{
	return run_cases("policy_text", cases, ELEMENTS(cases), others, ELEMENTS(others));
}
