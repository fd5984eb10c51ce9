/* SPDX-License-Identifier: MIT */
/*
 * rcp_names.c - what a name on the command line of rcp means, and what may come for it
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "rcp/bounds.h"
#include "rcp/operand.h"
#include "rcp/wanted.h"

static void test_operands(void **state)
{
	static const struct {
		const char *text, *user, *host, *path;
	} cases[] = {
		{ "file", NULL, NULL, "file" },
		{ "h:f", NULL, "h", "f" },
		{ "h:", NULL, "h", "." },
		{ "u@h:f:g", "u", "h", "f:g" },
		{ "u@realm@h:f", "u@realm", "h", "f" },
		{ "[::1]:f", NULL, "::1", "f" },
		{ "u@[fe80::1%eth0]:/f", "u", "fe80::1%eth0", "/f" },
		{ "./h:f", NULL, NULL, "./h:f" },
		{ "/a:b", NULL, NULL, "/a:b" },
		{ ":f", NULL, NULL, ":f" },
		{ "h:/a/[b]:c", NULL, "h", "/a/[b]:c" },
		{ "h:-f", NULL, "h", "-f" },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(operand_clear) struct operand operand = { 0 };
		const char *why;

		assert_int_equal(operand_parse(cases[i].text, &operand, &why), 0);
		assert_string_equal(operand.path, cases[i].path);
		assert_int_equal(!operand.host, !cases[i].host);
		assert_int_equal(!operand.user, !cases[i].user);
		if (operand.host)
			assert_string_equal(operand.host, cases[i].host);
		if (operand.user)
			assert_string_equal(operand.user, cases[i].user);
	}
}

/* Catches a host or user that the remote shell program would take for an option of its own. */
static void test_bad_operands(void **state)
{
	static const char *const texts[] = {
		"",         "-oProxyCommand=x:f",
		"-l@h:f",   "@h:f",
		"u@:f",     "u@-h:f",
		"h h:f",    "u;v@h:f",
		"u v@h:f",  "[::1:f",
		"[]:f",     "[-x]:f",
		"h\n:f",    "h:a\nb",
		"$(x)@h:f", "h`x`:f",
	};

	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		struct operand operand = { 0 };
		const char *why = NULL;

		assert_int_equal(operand_parse(texts[i], &operand, &why), -EINVAL);
		assert_non_null(why);
		assert_null(operand.path);
	}
}

static bool comes(const char *path, const char *name)
{
	_cleanup_(wanted_clear) struct wanted wanted = { 0 };
	const char *why;

	assert_int_equal(wanted_parse(path, false, &wanted, &why), 0);
	return wanted_take(&wanted, name);
}

static void test_wanted(void **state)
{
	assert_true(comes("f", "f"));
	assert_false(comes("f", "g"));
	assert_true(comes("/etc/f", "f"));
	assert_false(comes("/etc/f", "etc"));
	assert_true(comes("dir//", "dir"));
	assert_true(comes("*.c", "a.c"));
	assert_false(comes("*.c", "a.h"));
	/* A pattern is the last component's alone, and never names hidden files by chance. */
	assert_false(comes("*/f", "g"));
	assert_false(comes("*", ".bashrc"));
	assert_true(comes(".b*", ".bashrc"));
	/* As the shell there reads it. */
	assert_true(comes("'a b'", "a b"));
	assert_true(comes("\"a b\"", "a b"));
	assert_true(comes("a\\ b", "a b"));
	assert_true(comes("a b", "b"));
	assert_false(comes("a b", "a b"));
	assert_true(comes("'*'", "*"));
	assert_false(comes("'*'", "x"));
	assert_false(comes("\\[a]", "a"));
	assert_true(comes("\\[a]", "[a]"));
	assert_true(comes("[ab]", "b"));
	assert_true(comes("[!a]", "b"));
	assert_false(comes("[!a]", "a"));
	assert_true(comes("a#b!", "a#b!"));
	assert_true(comes("~/f", "f"));
	assert_true(comes("a~", "a~"));
}

/* Catches a server that sends a second file by the name of the first. */
static void test_taken_once(void **state)
{
	_cleanup_(wanted_clear) struct wanted wanted = { 0 }, pattern = { 0 };
	const char *why;

	assert_int_equal(wanted_parse("f x/f", false, &wanted, &why), 0);
	assert_true(wanted_take(&wanted, "f"));
	assert_true(wanted_take(&wanted, "f"));
	assert_false(wanted_take(&wanted, "f"));
	assert_int_equal(wanted_parse("?", false, &pattern, &why), 0);
	assert_true(wanted_take(&pattern, "f"));
	assert_true(wanted_take(&pattern, "g"));
}

static void test_unforeseeable(void **state)
{
	static const char *const paths[] = {
		"$HOME", "`ls`", "$(ls)", "\"$x\"", "{a,b}", "~", "~u",   "a;b", "a>b",
		"'a",    "\"a",  "a\\",   "..",     "a/..",  "/", "\"\"", "  ",  "a #b",
	};
	_cleanup_(wanted_clear) struct wanted any = { 0 };
	const char *why;

	for (size_t i = 0; i < ELEMENTS(paths); i++) {
		struct wanted wanted = { 0 };

		why = NULL;
		assert_int_equal(wanted_parse(paths[i], false, &wanted, &why), -EINVAL);
		assert_non_null(why);
		assert_null(wanted.words);
	}
	assert_int_equal(wanted_parse("$HOME", true, &any, &why), 0);
	assert_true(wanted_take(&any, "anything"));
}

static void test_contents(void **state)
{
	_cleanup_(wanted_clear) struct wanted wanted = { 0 }, named = { 0 };
	const char *why;

	assert_int_equal(wanted_parse("dir/.", false, &wanted, &why), 0);
	assert_true(wanted_is_contents(&wanted));
	assert_int_equal(wanted_parse("dir", false, &named, &why), 0);
	assert_false(wanted_is_contents(&named));
}

/* Catches a word or a name beyond what is reserved for it. */
static void test_limits(void **state)
{
	char words[2 * (RCP_MAX_WORDS + 1) + 1], path[RCP_MAX_OPERAND + 2];
	_cleanup_(wanted_clear) struct wanted longest = { 0 };
	struct wanted wanted = { 0 };
	struct operand operand = { 0 };
	const char *why;

	for (size_t i = 0; i <= RCP_MAX_WORDS; i++)
		memcpy(words + 2 * i, "a ", sizeof("a "));
	assert_int_equal(wanted_parse(words, false, &wanted, &why), -EINVAL);
	/* Each byte may take two of the pattern. */
	memset(path, ']', sizeof(path) - 1);
	memcpy(path, "\"", 1);
	path[RCP_MAX_OPERAND - 1] = '"';
	path[RCP_MAX_OPERAND] = '\0';
	assert_int_equal(wanted_parse(path, false, &longest, &why), 0);
	path[RCP_MAX_OPERAND] = 'a';
	path[RCP_MAX_OPERAND + 1] = '\0';
	assert_int_equal(wanted_parse(path, false, &wanted, &why), -EINVAL);
	assert_int_equal(operand_parse(path, &operand, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operands),      cmocka_unit_test(test_bad_operands),
		cmocka_unit_test(test_wanted),        cmocka_unit_test(test_taken_once),
		cmocka_unit_test(test_unforeseeable), cmocka_unit_test(test_contents),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
