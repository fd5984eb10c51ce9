/* SPDX-License-Identifier: MIT */
/*
 * rsh_share.c - the reserved ports of one user: as many as was said, always the same, and never all that
 * another one has
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "rsh/share.h"

#define BYTES (PRIVILEGE_PORTS / 8)

static unsigned count(const unsigned char bits[static BYTES])
{
	unsigned n = 0;

	for (size_t i = 0; i < BYTES; i++)
		n += (unsigned)__builtin_popcount(bits[i]);
	return n;
}

/* mine() - a bit for each port that is the user's */
static void mine(uid_t uid, unsigned ports, unsigned char ret_bits[static BYTES])
{
	share_mark(uid, ports, ret_bits);
	for (size_t i = 0; i < BYTES; i++)
		ret_bits[i] ^= 0xff;
}

/* left() - how many of a user's ports another one has not */
static unsigned left(uid_t uid, uid_t other, unsigned ports)
{
	unsigned char a[BYTES], b[BYTES];

	mine(uid, ports, a);
	mine(other, ports, b);
	for (size_t i = 0; i < BYTES; i++)
		a[i] &= (unsigned char)~b[i];
	return count(a);
}

/* Catches a share of another size, or that is another one each time. */
static void test_size(void **state)
{
	static const unsigned sizes[] = { SHARE_MIN, 3, SHARE_DEFAULT, 511, PRIVILEGE_PORTS };
	unsigned char bits[BYTES], again[BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (uid_t uid = 1000; uid < 1100; uid++) {
			mine(uid, sizes[i], bits);
			assert_int_equal(count(bits), sizes[i]);
			mine(uid, sizes[i], again);
			assert_memory_equal(bits, again, BYTES);
		}
	}
}

/* Catches a larger share that takes a port away, which a session may be in need of. */
static void test_larger(void **state)
{
	unsigned char small[BYTES], large[BYTES];

	(void)state;
	for (unsigned ports = SHARE_MIN; ports < PRIVILEGE_PORTS; ports++) {
		mine(1000, ports, small);
		mine(1000, ports + 1, large);
		for (size_t i = 0; i < BYTES; i++)
			assert_int_equal(small[i] & ~large[i], 0);
	}
}

/* Catches a user who has what another one has: then one alone can be in the other's way. */
static void test_others(void **state)
{
	unsigned least = SHARE_DEFAULT;

	(void)state;
	for (uid_t uid = 1000; uid < 1200; uid++) {
		for (uid_t other = 1000; other < 1200; other++) {
			unsigned n = uid == other ? SHARE_DEFAULT : left(uid, other, SHARE_DEFAULT);

			least = n < least ? n : least;
		}
	}
	assert_in_range(least, SHARE_DEFAULT / 2, SHARE_DEFAULT);
}

/* Catches ports that hardly anybody has, while others are everybody's. */
static void test_spread(void **state)
{
	unsigned users[PRIVILEGE_PORTS] = { 0 };
	unsigned char bits[BYTES];

	(void)state;
	for (uid_t uid = 0; uid < 4000; uid++) {
		mine(uid, SHARE_DEFAULT, bits);
		for (unsigned i = 0; i < PRIVILEGE_PORTS; i++)
			users[i] += bits[i / 8] >> i % 8 & 1;
	}
	/* A thousand, and five standard deviations. */
	for (unsigned i = 0; i < PRIVILEGE_PORTS; i++)
		assert_in_range(users[i], 860, 1140);
}

static void says(const char *text, unsigned expected)
{
	unsigned ports = 4711;

	assert_int_equal(share_parse(text, &ports), 0);
	assert_int_equal(ports, expected);
}

static void wrong(const char *text, unsigned line)
{
	unsigned ports = 4711;

	assert_int_equal(share_parse(text, &ports), line);
	assert_int_equal(ports, 4711);
}

/* Catches a file that is taken for another than it is. */
static void test_file(void **state)
{
	char line[300];

	(void)state;
	says("", 0);
	says("# nothing\n\n \t\n", 0);
	says("ports-per-user 64\n", 64);
	says("# a comment\n\tports-per-user\t512 # all", 512);
	says("ports-per-user 2", 2);
	wrong("ports-per-user 1\n", 1);
	wrong("\nports-per-user 513\n", 2);
	wrong("ports-per-user\n", 1);
	wrong("ports-per-user 64 65\n", 1);
	wrong("ports-per-user -64\n", 1);
	wrong("ports-per-user 0x40\n", 1);
	wrong("ports 64\n", 1);
	wrong("ports-per-user 64\n#\nports-per-user 64\n", 3);
	wrong("ports-per-user 64\r\n", 1);
	memset(line, '#', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	wrong(line, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),   cmocka_unit_test(test_larger),
		cmocka_unit_test(test_others), cmocka_unit_test(test_spread),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
