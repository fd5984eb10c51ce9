/* SPDX-License-Identifier: MIT */
/* policy_names.c - each name once, and the nearest of some names */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/intern.h"
#include "policy/suggest.h"

static unsigned distance(const char *a, const char *b)
{
	return suggest_distance(a, strlen(a), b, strlen(b));
}

static void distances(void **state)
{
	assert_int_equal(distance("", ""), 0);
	assert_int_equal(distance("", "abc"), 3);
	assert_int_equal(distance("abc", ""), 3);
	assert_int_equal(distance("bind", "bind"), 0);
	assert_int_equal(distance("BIND", "bind"), 0);
	assert_int_equal(distance("bnid", "bind"), 1);
	assert_int_equal(distance("bnd", "bind"), 1);
	assert_int_equal(distance("biind", "bind"), 1);
	assert_int_equal(distance("bond", "bind"), 1);
	assert_int_equal(distance("kitten", "sitting"), 3);
	assert_int_equal(distance("abcdef", "badcfe"), 3);
	/* The restricted form: what was swapped is not changed again. */
	assert_int_equal(distance("ca", "abc"), 3);
}

/* The distance of two words by its definition: slow, and without rows to mix up. */
static unsigned naive(const char *a, size_t i, const char *b, size_t j)
{
	unsigned best, other;

	if (i == 0 || j == 0)
		return (unsigned)(i + j);
	best = naive(a, i - 1, b, j) + 1;
	other = naive(a, i, b, j - 1) + 1;
	best = other < best ? other : best;
	other = naive(a, i - 1, b, j - 1) + (a[i - 1] != b[j - 1]);
	best = other < best ? other : best;
	if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
		other = naive(a, i - 2, b, j - 2) + 1;
		best = other < best ? other : best;
	}
	return best;
}

static void distances_of_random_words(void **state)
{
	unsigned seed = 1;

	for (unsigned n = 0; n < 3000; n++) {
		char a[8] = "", b[8] = "";

		for (int i = rand_r(&seed) % 6; i-- > 0;)
			a[strlen(a)] = (char)('a' + rand_r(&seed) % 3);
		for (int i = rand_r(&seed) % 6; i-- > 0;)
			b[strlen(b)] = (char)('a' + rand_r(&seed) % 3);
		if (distance(a, b) != naive(a, strlen(a), b, strlen(b)))
			fail_msg("%s, %s: %u", a, b, distance(a, b));
	}
}

/* assert_suggested() - of these words, and nothing but for the likes of them */
static void assert_suggested(const char *word, const char *expected)
{
	static const char *const words[] = { "bind",    "accept", "connect", "redirect", "host",
					     "observe", "set",    "tcp",     "udp" };
	struct suggestion suggestion;

	suggestion_begin(&suggestion, word, strlen(word));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		suggestion_offer(&suggestion, words[i]);
	if (expected)
		assert_string_equal(suggestion_found(&suggestion), expected);
	else
		assert_null(suggestion_found(&suggestion));
}

static void suggestions(void **state)
{
	assert_suggested("bnid", "bind");
	assert_suggested("BIND", "bind");
	assert_suggested("conect", "connect");
	assert_suggested("reddirekt", "redirect");
	assert_suggested("tpc", "tcp");
	assert_suggested("UDP", "udp");
	assert_suggested("allow", NULL);
	assert_suggested("x", NULL);
	assert_suggested("", NULL);
	assert_suggested("bbiinndd", NULL);
}

/* Words too long to compare are not compared, on either side. */
static void long_words(void **state)
{
	char longest[MAX_SUGGESTION + 2];
	struct suggestion suggestion;

	memset(longest, 'a', sizeof(longest));
	longest[MAX_SUGGESTION + 1] = '\0';
	suggestion_begin(&suggestion, "aaaa", 4);
	suggestion_offer(&suggestion, longest);
	assert_null(suggestion_found(&suggestion));
	suggestion_begin(&suggestion, longest, MAX_SUGGESTION + 1);
	suggestion_offer(&suggestion, longest + 1);
	assert_null(suggestion_found(&suggestion));
	suggestion_begin(&suggestion, longest, MAX_SUGGESTION);
	suggestion_offer(&suggestion, longest + 1);
	assert_string_equal(suggestion_found(&suggestion), longest + 1);
}

static void names(void **state)
{
	struct intern_table table = { 0 };
	struct interned *entry;

	assert_null(intern_find(&table, 1, "a", 1));
	assert_int_equal(intern(&table, 1, "alice", 5, &entry), 1);
	entry->index = 7;
	assert_string_equal(entry->text, "alice");
	assert_int_equal(intern(&table, 1, "alice", 5, &entry), 0);
	assert_int_equal(entry->index, 7);
	/* Another kind, a beginning of it, and one that goes on behind a NUL are others. */
	assert_int_equal(intern(&table, 2, "alice", 5, &entry), 1);
	assert_int_equal(intern(&table, 1, "alice", 4, &entry), 1);
	assert_int_equal(intern(&table, 1, "alice\0b", 7, &entry), 1);
	assert_int_equal(intern(&table, 1, "", 0, &entry), 1);
	assert_int_equal(table.n, 5);
	assert_int_equal(intern_find(&table, 1, "alice", 5)->index, 7);
	assert_null(intern_find(&table, 3, "alice", 5));
	intern_clear(&table);
	assert_null(intern_find(&table, 1, "alice", 5));
}

/* Growing loses none, and texts do not move: neither short ones nor one larger than a chunk. */
static void many_names(void **state)
{
	const unsigned n = 200000;
	struct intern_table table = { 0 };
	struct interned *entry;
	const char *first, *large;
	char *text = malloc(100000);

	memset(text, 'x', 100000);
	assert_int_equal(intern(&table, 0, "first", 5, &entry), 1);
	first = entry->text;
	assert_int_equal(intern(&table, 0, text, 100000, &entry), 1);
	large = entry->text;
	for (unsigned i = 0; i < n; i++) {
		int length = sprintf(text, "name-%u", i);

		assert_int_equal(intern(&table, 5, text, (size_t)length, &entry), 1);
		entry->index = i;
	}
	for (unsigned i = 0; i < n; i++) {
		int length = sprintf(text, "name-%u", i);

		assert_int_equal(intern(&table, 5, text, (size_t)length, &entry), 0);
		assert_int_equal(entry->index, i);
		assert_string_equal(entry->text, text);
	}
	assert_string_equal(first, "first");
	assert_int_equal(strlen(large), 100000);
	free(text);
	intern_clear(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances),   cmocka_unit_test(distances_of_random_words),
		cmocka_unit_test(suggestions), cmocka_unit_test(long_words),
		cmocka_unit_test(names),       cmocka_unit_test(many_names),
	};

	return cmocka_run_group_tests_name("policy_names", tests, NULL, NULL);
}
