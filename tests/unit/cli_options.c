/* SPDX-License-Identifier: MIT */
/*
 * cli_options.c - the command line of a verb: what is taken, and what is said of what is not
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "portcred/options.h"

#define MAX_ARGUMENTS 16

/* struct run - one command line, what was understood, and what was printed */
struct run {
	const char *policy;
	struct option_list groups;
	bool json;
	struct operands operands;
	char *arguments[MAX_ARGUMENTS];
	char *out, *err;
	size_t out_size, err_size;
	int result;
};

static void run_clear(struct run *run)
{
	option_list_clear(&run->groups);
	free(run->out);
	free(run->err);
}

/* parse() - `portcred check` with these words, ended by NULL */
static void parse(struct run *run, size_t least, size_t most, const char *const *words)
{
	const struct option_spec options[] = {
		{ "policy", "FILE", "read FILE", .value = &run->policy },
		{ "group", "GROUP", "in this group", .list = &run->groups },
		{ "json", NULL, "print JSON", .flag = &run->json },
		{ 0 },
	};
	const struct usage usage = { "check", "[FILE...]", "Checks.\n", options, least, most };
	struct program program = { 0 };
	int argc = 1;

	memset(run, 0, sizeof(*run));
	for (; *words; words++)
		run->arguments[argc++] = (char *)(uintptr_t)*words;
	program.out = open_memstream(&run->out, &run->out_size);
	program.err = open_memstream(&run->err, &run->err_size);
	run->result = options_parse(&usage, &program, argc, run->arguments, &run->operands);
	fclose(program.out);
	fclose(program.err);
}

#define PARSE(run, least, most, ...)                                                               \
	parse(run, least, most, (const char *const[]){ __VA_ARGS__, NULL })

/* refused() - these words are wrong, and this is said */
static void refused(size_t least, size_t most, const char *const *words, const char *said)
{
	_cleanup_(run_clear) struct run run;

	parse(&run, least, most, words);
	assert_int_equal(run.result, -EINVAL);
	assert_string_equal(run.out, "");
	assert_non_null(strstr(run.err, said));
	assert_non_null(strstr(run.err, "Try 'portcred check --help'."));
}

#define REFUSED(said, ...) refused(0, 1, (const char *const[]){ __VA_ARGS__, NULL }, said)

/* Would catch: an option behind an operand taken for one, values lost, their order turned. */
static void test_any_order(void **state)
{
	_cleanup_(run_clear) struct run run;

	(void)state;
	PARSE(&run, 0, 9, "one", "--json", "two", "--policy", "p", "--group=a", "three", "--group",
	      "b");
	assert_int_equal(run.result, 0);
	assert_true(run.json);
	assert_string_equal(run.policy, "p");
	assert_int_equal(run.groups.n, 2);
	assert_string_equal(run.groups.items[0], "a");
	assert_string_equal(run.groups.items[1], "b");
	assert_int_equal(run.operands.n, 3);
	assert_string_equal(run.operands.items[0], "one");
	assert_string_equal(run.operands.items[2], "three");
	assert_string_equal(run.err, "");
}

/* Would catch: a file that begins with a dash cannot be named, "-" is taken for an option. */
static void test_end_of_options(void **state)
{
	_cleanup_(run_clear) struct run run;

	(void)state;
	PARSE(&run, 0, 9, "-", "--", "--json", "-x");
	assert_int_equal(run.result, 0);
	assert_false(run.json);
	assert_int_equal(run.operands.n, 3);
	assert_string_equal(run.operands.items[0], "-");
	assert_string_equal(run.operands.items[1], "--json");
}

/* Would catch: an empty value taken for none, an '=' inside a value lost. */
static void test_values(void **state)
{
	_cleanup_(run_clear) struct run empty, equals;

	(void)state;
	PARSE(&empty, 0, 0, "--policy=");
	assert_int_equal(empty.result, 0);
	assert_string_equal(empty.policy, "");
	PARSE(&equals, 0, 0, "--policy=a=b");
	assert_string_equal(equals.policy, "a=b");
}

static void test_refusals(void **state)
{
	(void)state;
	REFUSED("unknown option '--jsn', did you mean '--json'?", "--jsn");
	REFUSED("unknown option '--hlep', did you mean '--help'?", "--hlep");
	REFUSED("unknown option '--plicy', did you mean '--policy'?", "--plicy=x");
	REFUSED("unknown option '-j'", "-j");
	REFUSED("unknown option '--xyzzy'\n", "--xyzzy");
	REFUSED("unknown option '--a\\x1b[2J'", "--a\033[2J");
	REFUSED("unknown option '---json'", "---json");
	REFUSED("unknown option '--'", "--=x");
	/* The whole name, never the beginning of one. */
	REFUSED("unknown option '--js'", "--js");
	REFUSED("'--json' takes no value", "--json=1");
	REFUSED("'--policy' needs a value: FILE", "--policy");
	REFUSED("'--policy' is given twice", "--policy", "a", "--policy=b");
	REFUSED("'--runtime-dir' comes before the verb", "--runtime-dir", "x");
	REFUSED("unexpected argument 'b\\x0a'", "a", "b\n");
	refused(1, 2, (const char *const[]){ "--json", NULL }, "missing argument: [FILE...]");
}

/* Would catch: help that forgets an option, or is printed as an error. */
static void test_help(void **state)
{
	static const char *const ways[] = { "--help", "-h" };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(ways); i++) {
		_cleanup_(run_clear) struct run run;

		/* Also where the rest is wrong. */
		PARSE(&run, 3, 3, ways[i], "--wrong");
		assert_int_equal(run.result, 1);
		assert_string_equal(run.err, "");
		assert_string_equal(
			run.out,
			"Usage: portcred [--runtime-dir DIR] check [OPTION...] [FILE...]\n\n"
			"Checks.\n\nOptions:\n"
			"  --policy FILE  read FILE\n"
			"  --group GROUP  in this group\n"
			"  --json         print JSON\n"
			"  --help         show this help\n");
	}
}

/* Would catch: options of the verb taken for the program's own. */
static void test_leading(void **state)
{
	const char *directory = NULL;
	const struct option_spec options[] = {
		{ "runtime-dir", "DIR", "where", .value = &directory },
		{ 0 },
	};
	const struct usage usage = { .options = options };
	struct program program = { .out = stdout, .err = stderr };
	char *words[] = { (char *)"portcred", (char *)"--runtime-dir", (char *)"d",
			  (char *)"ls",       (char *)"--json",        NULL };
	struct operands rest;

	(void)state;
	assert_int_equal(options_parse_leading(&usage, &program, 5, words, &rest), 0);
	assert_string_equal(directory, "d");
	assert_int_equal(rest.n, 2);
	assert_string_equal(rest.items[0], "ls");
	assert_string_equal(rest.items[1], "--json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order), cmocka_unit_test(test_end_of_options),
		cmocka_unit_test(test_values),    cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_help),      cmocka_unit_test(test_leading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
