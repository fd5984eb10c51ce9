/* SPDX-License-Identifier: MIT */
/*
 * cli_principal.c - which of several holders of a socket a suggested rule is about
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "portcred/principal.h"

#define WEB 33U

/* A machine: systemd, a web server that gave up its privileges, and who talks to it. */
enum { SYSTEMD, MASTER, WORKER, OTHER, PROCESSES };

static struct process items[PROCESSES] = {
	[SYSTEMD] = { .pid = 1, .uid = 0, .unit = NULL },
	[MASTER] = { .pid = 100, .uid = 0 },
	[WORKER] = { .pid = 90, .uid = WEB },
	[OTHER] = { .pid = 80, .uid = 4242 },
};

static struct holding holdings[] = {
	{ 1, MASTER },  { 1, WORKER }, /* bound by root, kept by the workers too */
	{ 2, MASTER },  { 2, WORKER },  { 2, OTHER },
	{ 3, SYSTEMD }, { 3, WORKER }, /* a socket unit */
	{ 4, OTHER },   { 5, SYSTEMD },
};

static const struct processes processes = {
	.items = items,
	.n_items = PROCESSES,
	.holdings = holdings,
	.n_holdings = ELEMENTS(holdings),
};

/* Would catch: a rule for whoever inherited the socket, which the next start does not match. */
static void test_holder(void **state)
{
	(void)state;
	/* Root's sockets: who is root still, or else the oldest, whatever it runs as by now. */
	assert_ptr_equal(principal_holder(&processes, 1, 0).process, &items[MASTER]);
	assert_ptr_equal(principal_holder(&processes, 4, 0).process, &items[OTHER]);
	/* Others': only who runs as the maker; another may have inherited it. */
	assert_ptr_equal(principal_holder(&processes, 2, WEB).process, &items[WORKER]);
	assert_ptr_equal(principal_holder(&processes, 2, 4242).process, &items[OTHER]);
	assert_null(principal_holder(&processes, 4, WEB).process);
	assert_null(principal_holder(&processes, 99, 0).process);
	assert_false(principal_holder(&processes, 1, 0).handed_on);
}

/* Would catch: a rule with the unit of the service for a port that PID 1 binds, in no unit. */
static void test_handed_on(void **state)
{
	struct process service = { .pid = 90, .uid = WEB, .unit = (char *)"web.service" };
	struct holder holder = principal_holder(&processes, 3, 0);
	struct known_words known = { 0 };
	_cleanup_free_ char *handed = NULL, *own = NULL, *why = NULL;

	(void)state;
	assert_true(holder.handed_on);
	assert_ptr_equal(holder.process, &items[WORKER]); /* for the comment */
	assert_ptr_equal(principal_holder(&processes, 5, 0).process, &items[SYSTEMD]);
	assert_false(principal_holder(&processes, 3, WEB).handed_on);
	holder.process = &service;
	assert_int_equal(principal_text(&holder, 0, &known, &handed, &why), 0);
	assert_string_equal(handed, "root");
	holder.handed_on = false;
	assert_int_equal(principal_text(&holder, 0, &known, &own, &why), 0);
	assert_string_equal(own, "root unit web.service");
	assert_null(why);
	known_words_clear(&known);
}

static void expect_unit(const char *unit, bool named)
{
	struct process process = { .pid = 90, .uid = 4242424, .unit = (char *)(uintptr_t)unit };
	const struct holder holder = { .process = &process };
	struct known_words known = { 0 };
	_cleanup_free_ char *text = NULL, *why = NULL;

	assert_int_equal(principal_text(&holder, 4242424, &known, &text, &why), 0);
	assert_int_equal(strstr(text, " unit ") != NULL, named);
	known_words_clear(&known);
}

/* Would catch: a rule that holds until the next login, or one that `check` refuses. */
static void test_units(void **state)
{
	(void)state;
	expect_unit("nginx.service", true);
	expect_unit("postgresql@15-main.service", true);
	expect_unit("dev-disk\\x2dby.service", true);
	expect_unit("run-parts.service", true);
	expect_unit("runner.service", true);
	expect_unit("user@1000.service", false);
	expect_unit("session-3.scope", false);
	expect_unit("init.scope", false);
	expect_unit("run-u12.service", false);
	expect_unit("run-p4711-i12.service", false);
	expect_unit("run-r3f2a0c.service", false);
	expect_unit(".service", false);
	expect_unit("a*.service", false);
	expect_unit("a\nb.service", false);
	expect_unit("a\xff.service", false);
}

/* Would catch: a path of others that becomes a second statement, or a reason that moves a terminal. */
static void test_executables(void **state)
{
	static const char *const refused[] = {
		"/usr/bin/python3",
		"/nonexistent/server",
		"relative",
		"...cut/off/server",
		"/usr/bin/sleep\nbind",
		"/usr/bin/sleep\n",
		"/usr/bin/sleep\rbind",
		"/x\nbind 1-65535 by anyone\n#",
		"/x\" by root\nbind 1-65535 by anyone\n",
		"/x\\\"\nbind 1-65535 by anyone\n",
		"/x\x1b[2J",
	};
	struct known_words known = { 0 };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(refused); i++) {
		_cleanup_free_ char *text = NULL, *why = NULL;

		assert_int_equal(
			principal_words(4242424, "web.service", refused[i], &known, &text, &why),
			0);
		assert_string_equal(text, "user 4242424 unit web.service");
		assert_non_null(why);
		assert_ptr_equal(strpbrk(why, "\n\r\x1b"), NULL);
		assert_ptr_equal(strstr(why, "exe is left out: "), why);
	}
	known_words_clear(&known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holder),
		cmocka_unit_test(test_handed_on),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_executables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
