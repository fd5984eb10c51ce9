/* SPDX-License-Identifier: MIT */
/*
 * argument.c - what stands on a command line
 */
#include "base/argument.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct sockaddr_storage an_address(const char *text)
{
	struct sockaddr_storage address = { .ss_family = strchr(text, ':') ? AF_INET6 : AF_INET };
	void *where = address.ss_family == AF_INET6
			      ? (void *)&((struct sockaddr_in6 *)&address)->sin6_addr
			      : (void *)&((struct sockaddr_in *)&address)->sin_addr;

	assert_int_equal(inet_pton(address.ss_family, text, where), 1);
	return address;
}

static void test_networks(void **state)
{
	static const struct {
		const char *network, *inside, *outside;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", "11.0.0.0" },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3" },
		{ "10.1.2.3", "10.1.2.3", "10.1.2.2" },
		{ "10.1.2.2/31", "10.1.2.3", "10.1.2.4" },
		{ "0.0.0.0/0", "255.255.255.255", "::1" },
		{ "fd00::/64", "fd00::1:2:3:4", "fd00:0:0:1::" },
		{ "::1", "::1", "127.0.0.1" },
		{ "fd00:8000::/17", "fd00:ffff::", "fd00:7fff::" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage inside = an_address(cases[i].inside);
		struct sockaddr_storage outside = an_address(cases[i].outside);
		struct network network;

		assert_int_equal(argument_network(cases[i].network, &network), 0);
		assert_true(network_has(&network, &inside));
		assert_false(network_has(&network, &outside));
	}
}

static void test_no_networks(void **state)
{
	static const char *const wrong[] = {
		"",         "/8",           "10.0.0.0/",  "10.0.0.0/33", "10.0.0.1/8",
		"10.0.0/8", "fd00::1/64",   "fd00::/129", "10.0.0.0/-1", "10.0.0.0/8 ",
		"local",    "10.0.0.0/8/8",
	};
	struct sockaddr_storage other = { .ss_family = AF_UNIX };
	struct network network;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(argument_network(wrong[i], &network), -EINVAL);
	assert_int_equal(argument_network("0.0.0.0/0", &network), 0);
	assert_false(network_has(&network, &other));
	assert_int_equal(network_of(&other, &network), -EAFNOSUPPORT);
}

/* Catches one host that counts as two, by the kind of the socket that it came to. */
static void test_network_of_an_address(void **state)
{
	struct sockaddr_storage v4 = an_address("10.1.2.3"), same = an_address("::ffff:10.1.2.3");
	struct sockaddr_storage next = an_address("10.1.2.2"), v6 = an_address("::10.1.2.3");
	struct network network;

	assert_int_equal(network_of(&v4, &network), 0);
	assert_true(network_has(&network, &v4) && network_has(&network, &same));
	assert_false(network_has(&network, &next) || network_has(&network, &v6));
	assert_int_equal(network_of(&same, &network), 0);
	assert_true(network_has(&network, &v4));
	assert_int_equal(network_of(&v6, &network), 0);
	assert_true(network_has(&network, &v6));
	assert_false(network_has(&network, &v4));
}

static void test_addresses(void **state)
{
	static const char *const wrong[] = { "",          "0",          "65536",     "host:1",
					     "127.0.0.1", "::1:2049",   "[::1]2049", "[::1]:0x5",
					     ":2049",     "[]:1",       "1.2.3.4:",  "+5",
					     " 5",        "[1.2.3.4]:5" };
	struct sockaddr_storage address;
	socklen_t size;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(argument_address(wrong[i], &address, &size), -EINVAL);
	assert_int_equal(argument_address("2049", &address, &size), 0);
	assert_int_equal(address.ss_family, AF_INET6);
	assert_int_equal(((struct sockaddr_in6 *)&address)->sin6_port, htons(2049));
	assert_int_equal(size, sizeof(struct sockaddr_in6));
	assert_int_equal(argument_address("127.0.0.1:65535", &address, &size), 0);
	assert_int_equal(address.ss_family, AF_INET);
	assert_int_equal(((struct sockaddr_in *)&address)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(argument_address("[::1]:1", &address, &size), 0);
	assert_int_equal(((struct sockaddr_in6 *)&address)->sin6_port, htons(1));
}

static void test_numbers(void **state)
{
	uint32_t number;

	assert_int_equal(argument_number("4294967295", 0, UINT32_MAX, &number), 0);
	assert_int_equal(number, UINT32_MAX);
	assert_int_equal(argument_number("4294967296", 0, UINT32_MAX, &number), -EINVAL);
	assert_int_equal(argument_number("99999999999999999999999999", 0, UINT32_MAX, &number),
			 -EINVAL);
	assert_int_equal(argument_number("0", 1, 5, &number), -EINVAL);
	assert_int_equal(argument_number("6", 1, 5, &number), -EINVAL);
	assert_int_equal(argument_number("", 0, 5, &number), -EINVAL);
	assert_int_equal(argument_number("-1", 0, 5, &number), -EINVAL);
	assert_int_equal(argument_number("0000000005", 0, 5, &number), 0);
	assert_int_equal(argument_number("00000000005", 0, 5, &number), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_no_networks),
		cmocka_unit_test(test_network_of_an_address),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
