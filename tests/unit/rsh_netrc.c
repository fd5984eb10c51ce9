/* SPDX-License-Identifier: MIT */
/*
 * rsh_netrc.c - which entry of ~/.netrc is a host's, and what makes the whole file be refused
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "rsh/netrc.h"

static void found(const char *text, const char *host, const char *user, const char *name,
		  const char *password)
{
	struct netrc_entry entry;

	assert_int_equal(netrc_find(text, strlen(text), host, user, &entry), 0);
	assert_string_equal(entry.user, name);
	assert_string_equal(entry.password, password);
}

static void fails(const char *text, size_t size, const char *user, int error)
{
	struct netrc_entry entry = { .user = "untouched" };

	assert_int_equal(netrc_find(text, size, "h", user, &entry), error);
	assert_string_equal(entry.user, "untouched");
}

#define FAILS(text, user, error) fails(text, sizeof(text) - 1, user, error)

static void test_entries(void **state)
{
	const char *text =
		"machine a login A password 1\n"
		"machine h login B password 2 account x machine h\n\tlogin C,password 3\n"
		"default login D password 4\nmachine z login E password 5";

	(void)state;
	found(text, "a", NULL, "A", "1");
	found(text, "H", NULL, "B", "2");
	found(text, "h", "B", "B", "2");
	found(text, "h", "C", "C", "3");
	found(text, "h", "D", "D", "4");
	found(text, "other", NULL, "D", "4");
	/* What stands behind `default` is never reached without a user: as it always was. */
	found(text, "z", NULL, "D", "4");
	found(text, "z", "E", "E", "5");
	FAILS("machine a login A password 1\n", NULL, -ENOENT);
	FAILS("machine h login A password 1\n", "B", -ENOENT);
	FAILS("", NULL, -ENOENT);
	FAILS(" \n\t,", NULL, -ENOENT);
	found("machine h", "h", "anybody", "", "");
	found("machine h password 1", "h", "anybody", "", "1");
}

static void test_words(void **state)
{
	(void)state;
	found("machine h login \"a b\" password \"p\\\"q\\\\\"", "h", NULL, "a b", "p\"q\\");
	found("machine h password a\\ b", "h", NULL, "", "a b");
	found("machine h password \"\"", "h", NULL, "", "");
	found("macdef m\nmachine h login no\n\nmachine h login yes", "h", NULL, "yes", "");
	found("machine h login yes macdef m\nlogin no", "h", NULL, "yes", "");
}

static void test_malformed(void **state)
{
	char text[NETRC_MAX_WORD + 32] = "machine h password ";

	(void)state;
	FAILS("machine", NULL, -EBADMSG);
	FAILS("machine h login", NULL, -EBADMSG);
	FAILS("machine h pasword 1", NULL, -EBADMSG);
	FAILS("machine h password \"1", NULL, -EBADMSG);
	FAILS("machine h password 1\\", NULL, -EBADMSG);
	FAILS("machine h password a\0b", NULL, -EBADMSG);
	FAILS("macdef", NULL, -EBADMSG);
	memset(text + strlen(text), 'x', NETRC_MAX_WORD + 1);
	fails(text, strlen("machine h password ") + NETRC_MAX_WORD + 1, NULL, -EBADMSG);
	text[strlen("machine h password ") + NETRC_MAX_WORD] = '\0';
	found(text, "h", NULL, "", text + strlen("machine h password "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
