/* SPDX-License-Identifier: MIT */
/*
 * rcmd_rhosts.c - what hosts.equiv and .rhosts say of a caller
 *
 * He comes from host "web1", which is in netgroup "webs"; users of netgroup "admins" are alice and
 * carol. What begins with "lost" cannot be found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rcmd/rhosts.h"

#define BIG (RHOSTS_MAX_BYTES + 1)

/* struct world - the caller, and what was asked about him */
struct world {
	const char *ruser;
	unsigned asked;
};

static int answer(struct world *world, const char *name, bool yes)
{
	world->asked++;
	assert_true(name[0] && !strchr("+-@", name[0]));
	return strncmp(name, "lost", 4) == 0 ? -ETIMEDOUT : yes;
}

static int is_host(void *data, const char *name)
{
	return answer(data, name, strcmp(name, "web1") == 0);
}

static int has_host(void *data, const char *netgroup)
{
	return answer(data, netgroup, strcmp(netgroup, "webs") == 0);
}

static int has_user(void *data, const char *netgroup)
{
	struct world *world = data;

	return answer(world, netgroup,
		      strcmp(netgroup, "admins") == 0 && (strcmp(world->ruser, "alice") == 0 ||
							  strcmp(world->ruser, "carol") == 0));
}

static struct rhosts_question question_of(struct world *world, const char *luser)
{
	return (struct rhosts_question){
		.ruser = world->ruser,
		.luser = luser,
		.luser_is_root = strcmp(luser, "root") == 0,
		.is_host = is_host,
		.has_host = has_host,
		.has_user = has_user,
		.data = world,
	};
}

static struct rhosts_finding ask_wide(const char *text, const char *ruser, const char *luser,
				      bool allow_wide)
{
	struct world world = { .ruser = ruser };
	struct rhosts_question question = question_of(&world, luser);

	question.allow_wide = allow_wide;
	return rhosts_ask(text, strlen(text), &question);
}

static struct rhosts_finding ask(const char *text, const char *ruser, const char *luser)
{
	return ask_wide(text, ruser, luser, false);
}

/* says() - alice of web1, to be alice */
static enum rhosts_answer says(const char *text)
{
	return ask(text, "alice", "alice").answer;
}

/* A line decides what it is about, and no more. */
static void test_lines(void **state)
{
	(void)state;
	assert_int_equal(says(""), RHOSTS_SILENT);
	assert_int_equal(says("\n \t\n# web1\n"), RHOSTS_SILENT);
	assert_int_equal(says("web1\n"), RHOSTS_ADMITS);
	assert_int_equal(says("web1"), RHOSTS_ADMITS);
	assert_int_equal(says(" \tweb1\t \n"), RHOSTS_ADMITS);
	assert_int_equal(says("web1\r\n"), RHOSTS_ADMITS);
	assert_int_equal(says("web1 # from the web\n"), RHOSTS_ADMITS);
	assert_int_equal(says("web1 alice # and nobody else\n"), RHOSTS_ADMITS);
	assert_int_equal(says("web1#\n"), RHOSTS_SILENT); /* inside a name it is no comment */
	assert_int_equal(says("web2\nweb\nweb11\nWEB1\n"), RHOSTS_SILENT);
	assert_int_equal(says("+web1 +alice\n"), RHOSTS_ADMITS);
	assert_int_equal(says("+\n"), RHOSTS_ADMITS);
	assert_int_equal(says("+@webs\n"), RHOSTS_ADMITS);
	assert_int_equal(says("@webs\n"), RHOSTS_ADMITS);
	assert_int_equal(says("@others\n"), RHOSTS_SILENT);
}

/* Without USER a line is about the user of the same name; with one, about him, whoever LUSER is. */
static void test_users(void **state)
{
	(void)state;
	assert_int_equal(ask("web1\n", "bob", "alice").answer, RHOSTS_SILENT);
	assert_int_equal(ask("web1 bob\n", "bob", "alice").answer, RHOSTS_ADMITS);
	assert_int_equal(ask("web1 bob\n", "alice", "alice").answer, RHOSTS_SILENT);
	assert_int_equal(ask("web1 BOB\n", "bob", "alice").answer, RHOSTS_SILENT);
	assert_int_equal(ask("web1 bo\nweb1 bobo\n", "bob", "alice").answer, RHOSTS_SILENT);
	assert_int_equal(ask("web2 bob\n", "bob", "alice").answer, RHOSTS_SILENT);
	assert_int_equal(ask("web1 +@admins\n", "carol", "alice").answer, RHOSTS_ADMITS);
	assert_int_equal(ask("web1 @admins\n", "carol", "alice").answer, RHOSTS_ADMITS);
	assert_int_equal(ask("web1 @admins\n", "bob", "alice").answer, RHOSTS_SILENT);
}

/* A line that refuses ends the search; and one for a host is for all of its users. */
static void test_refusals(void **state)
{
	(void)state;
	assert_int_equal(says("-web1\nweb1\n"), RHOSTS_REFUSES);
	assert_int_equal(says("web1\n-web1\n"), RHOSTS_ADMITS);
	assert_int_equal(ask("-web1\nweb1 bob\n", "bob", "alice").answer, RHOSTS_REFUSES);
	assert_int_equal(says("-@webs\n+\n"), RHOSTS_REFUSES);
	assert_int_equal(says("-web2\n+\n"), RHOSTS_ADMITS);
	assert_int_equal(says("web1 -alice\nweb1\n"), RHOSTS_REFUSES);
	assert_int_equal(says("+ -alice\nweb1\n"), RHOSTS_REFUSES);
	assert_int_equal(says("+ -@admins\nweb1\n"), RHOSTS_REFUSES);
	assert_int_equal(says("+ -bob\nweb1\n"), RHOSTS_ADMITS);
	assert_int_equal(says("-web1 bob\nweb1\n"), RHOSTS_ADMITS);
	assert_int_equal(says("-web1 alice\nweb1\n"), RHOSTS_REFUSES);
	assert_int_equal(says("-web1 +\nweb1\n"), RHOSTS_REFUSES);
}

/* Which line it was, blank ones and comments counted; none behind it is asked about. */
static void test_line_numbers(void **state)
{
	struct world world = { .ruser = "alice" };
	struct rhosts_question question = question_of(&world, "alice");
	const char *text = "# hosts\n\nweb2\nweb1\nweb3\n";
	struct rhosts_finding finding = rhosts_ask(text, strlen(text), &question);

	(void)state;
	assert_int_equal(finding.answer, RHOSTS_ADMITS);
	assert_int_equal(finding.line, 4);
	assert_null(finding.problem);
	assert_int_equal(world.asked, 2);
	assert_int_equal(ask("web2\n", "alice", "alice").line, 0);
}

/* Not to know keeps out where a line refuses, and does not let in where one admits. */
static void test_unknown(void **state)
{
	(void)state;
	assert_int_equal(says("lost\n"), RHOSTS_SILENT);
	assert_int_equal(says("lost\nweb1\n"), RHOSTS_ADMITS);
	assert_int_equal(says("-lost\nweb1\n"), RHOSTS_REFUSES);
	assert_int_equal(says("-@lost\nweb1\n"), RHOSTS_REFUSES);
	assert_int_equal(says("@lost\n"), RHOSTS_SILENT);
	assert_int_equal(says("web1 @lost\n"), RHOSTS_SILENT);
	assert_int_equal(says("web1 -@lost\nweb1\n"), RHOSTS_REFUSES);
	assert_int_equal(says("web2 -@lost\nweb1\n"), RHOSTS_ADMITS);
	assert_int_equal(says("lost -alice\nweb1\n"), RHOSTS_REFUSES);
	assert_int_equal(says("-lost bob\nweb1\n"), RHOSTS_ADMITS);
}

/* CVE-1999-0515 and all its like: "+ +" lets the world in. */
static void test_wide(void **state)
{
	static const char *const wide[] = { "+ +\n", "web1 +\n", "+ bob\n", "@webs +\n",
					    "+ @admins\n" };

	(void)state;
	assert_int_equal(ask("+ bob\n", "bob", "alice").answer, RHOSTS_WIDE);
	assert_int_equal(ask("+ bob\nweb1 bob\n", "bob", "alice").answer, RHOSTS_WIDE);
	assert_int_equal(ask("+ bob\n", "bob", "bob").answer, RHOSTS_ADMITS);
	assert_int_equal(ask("+ @admins\n", "carol", "alice").answer, RHOSTS_WIDE);
	assert_int_equal(ask("+\n", "bob", "alice").answer, RHOSTS_SILENT);
	assert_int_equal(says("+ +\n"), RHOSTS_WIDE);
	assert_int_equal(says("+ +alice\n"), RHOSTS_ADMITS);
	assert_int_equal(ask("web1 +\n", "bob", "alice").answer, RHOSTS_WIDE);
	assert_int_equal(ask("web2 +\n", "bob", "alice").answer, RHOSTS_SILENT);
	assert_int_equal(ask("+\n", "root", "root").answer, RHOSTS_WIDE);
	assert_int_equal(ask("+ root\n", "root", "root").answer, RHOSTS_WIDE);
	assert_int_equal(ask("web1\n", "root", "root").answer, RHOSTS_ADMITS);
	assert_int_equal(ask("web1 alice\n", "alice", "root").answer, RHOSTS_ADMITS);
	for (size_t i = 0; i < ELEMENTS(wide); i++) {
		const char *ruser = strstr(wide[i], "bob") ? "bob" : "carol";

		assert_int_equal(ask_wide(wide[i], ruser, "alice", true).answer, RHOSTS_ADMITS);
	}
	assert_int_equal(ask_wide("+\n", "root", "root", true).answer, RHOSTS_ADMITS);
}

static void assert_invalid(const char *text, size_t size, unsigned line, const char *problem)
{
	struct world world = { .ruser = "alice" };
	struct rhosts_question question = question_of(&world, "alice");
	struct rhosts_finding finding = rhosts_ask(text, size, &question);

	assert_int_equal(finding.answer, RHOSTS_INVALID);
	assert_int_equal(finding.line, line);
	assert_string_equal(finding.problem, problem);
	assert_int_equal(world.asked, 0);
}

/* One error, and the whole file counts for nothing: also what stands before it. */
static void test_errors(void **state)
{
	static const struct {
		const char *line, *problem;
	} errors[] = {
		{ "-", "a '-' without a name" },
		{ "web1 -", "a '-' without a name" },
		{ "@", "an '@' without a netgroup" },
		{ "+@", "an '@' without a netgroup" },
		{ "web1 -@", "an '@' without a netgroup" },
		{ "++", "a name that begins with '+', '-' or '@'" },
		{ "--web1", "a name that begins with '+', '-' or '@'" },
		{ "+-web1", "a name that begins with '+', '-' or '@'" },
		{ "web1 -+", "a name that begins with '+', '-' or '@'" },
		{ "web1 @@admins", "a name that begins with '+', '-' or '@'" },
		{ "web1 alice bob", "more than a host and a user" },
		{ "web1\talice\t+", "more than a host and a user" },
		{ "web1\x01", "a control character" },
		{ "web1\ralice", "a control character" },
		{ "web1\x7f", "a control character" },
		{ "# \x1b[31m", "a control character" },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ELEMENTS(errors); i++) {
		int size = snprintf(text, sizeof(text), "web1\n\n%s\nweb1\n", errors[i].line);

		assert_invalid(text, (size_t)size, 3, errors[i].problem);
	}
	assert_invalid("web1\n+\0 x\n", 10, 2, "a NUL byte");
	assert_invalid("web1\0", 5, 1, "a NUL byte");
}

/* As long as may be, and one byte longer. */
static void test_sizes(void **state)
{
	_cleanup_free_ char *text = malloc(BIG);
	struct world world = { .ruser = "alice" };
	struct rhosts_question question = question_of(&world, "alice");

	(void)state;
	assert_non_null(text);
	memset(text, ' ', BIG);
	memcpy(text, "web1", 4);
	text[RHOSTS_MAX_LINE] = '\n';
	assert_int_equal(rhosts_ask(text, RHOSTS_MAX_LINE + 1, &question).answer, RHOSTS_ADMITS);
	text[RHOSTS_MAX_LINE] = ' ';
	assert_invalid(text, RHOSTS_MAX_LINE + 1, 1, "a line of more than 512 bytes");
	memset(text, 'x', RHOSTS_MAX_LINE); /* a name as long as a line */
	assert_int_equal(rhosts_ask(text, RHOSTS_MAX_LINE, &question).answer, RHOSTS_SILENT);
	memset(text, '\n', BIG);
	assert_int_equal(rhosts_ask(text, BIG - 1, &question).answer, RHOSTS_SILENT);
	assert_invalid(text, BIG, 0, "more than 65536 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),    cmocka_unit_test(test_users),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_line_numbers),
		cmocka_unit_test(test_unknown),  cmocka_unit_test(test_wide),
		cmocka_unit_test(test_errors),   cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests_name("rcmd_rhosts", tests, NULL, NULL);
}
