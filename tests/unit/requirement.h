/* SPDX-License-Identifier: MIT */
/*
 * requirement.h - tests that need more than every machine gives
 *
 * To be included after cmocka.h.
 */
#ifndef PORTCRED_TESTS_UNIT_REQUIREMENT_H
#define PORTCRED_TESTS_UNIT_REQUIREMENT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

/* require() - go on, or say why the test is left out; in CI (CI is set) leaving out is a failure */
static inline void require(bool present, const char *what)
{
	if (present)
		return;
	if (getenv("CI"))
		fail_msg("needs %s, and in CI nothing is left out", what);
	fprintf(stderr, "left out: needs %s\n", what);
	skip();
}

static inline bool kernel_at_least(int major, int minor)
{
	struct utsname name;
	int has_major, has_minor;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%d.%d", &has_major, &has_minor), 2);
	return has_major > major || (has_major == major && has_minor >= minor);
}

static inline void require_root(void)
{
	require(geteuid() == 0, "root");
}

#endif
