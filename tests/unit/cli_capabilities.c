/* SPDX-License-Identifier: MIT */
/*
 * cli_capabilities.c - the list of capabilities that a program is left
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "portcred/launch_capabilities.h"

#define KILL   CAPABILITY_BIT(CAP_KILL)
#define SETUID CAPABILITY_BIT(CAP_SETUID)
#define SETGID CAPABILITY_BIT(CAP_SETGID)
#define HAD    (KILL | SETUID | SETGID)

static void taken(const char *text, uint64_t expected)
{
	_cleanup_free_ char *why = NULL;
	uint64_t kept = 0;

	assert_int_equal(launch_capabilities_parse(text, HAD, &kept, &why), 0);
	assert_null(why);
	assert_int_equal(kept, expected);
}

static void refused(const char *text, int error, const char *said)
{
	_cleanup_free_ char *why = NULL;
	uint64_t kept = SETGID;

	assert_int_equal(launch_capabilities_parse(text, HAD, &kept, &why), error);
	assert_non_null(strstr(why, said));
	assert_int_equal(kept, SETGID);
}

static void test_taken(void **state)
{
	(void)state;
	taken("cap_kill", KILL);
	taken("CAP_SETUID,cap_kill", SETUID | KILL);
	taken("cap_kill,cap_kill", KILL);
	taken("all", HAD);
	taken("cap_kill,ALL", HAD);
}

/* What libcap would take: a number, something behind a name. What is not to be left. */
static void test_refused(void **state)
{
	(void)state;
	refused("", -EINVAL, "no capability '', expected a name of capabilities(7)");
	refused("cap_kill,", -EINVAL, "no capability ''");
	refused("5", -EINVAL, "no capability '5'");
	refused("cap_kill=ep", -EINVAL, "no capability 'cap_kill=ep'");
	refused(" cap_kill", -EINVAL, "did you mean 'cap_kill'?");
	refused("cap_kil", -EINVAL, "did you mean 'cap_kill'?");
	refused("cap_\33[2J", -EINVAL, "no capability 'cap_\\x1b[2J'");
	refused("cap_kill,cap_sys_admin", -EPERM, "cannot leave a program cap_sys_admin");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
