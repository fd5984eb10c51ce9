/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_arguments.c - networks, places to listen at, proofs, as they stand on the command line
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/argument.h"
#include "base/cleanup.h"
#include "rcmdd/arguments.h"

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;

	address.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(address.ss_family, text,
				   address.ss_family == AF_INET6 ? (void *)&v6->sin6_addr
								 : (void *)&v4->sin_addr),
			 1);
	return address;
}

/* An address of a network that is believed is one bit away from one that is not. */
static void test_networks(void **state)
{
	static const struct {
		const char *network, *address;
		bool has;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.1.2", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "10.77.0.0/29", "10.77.0.7", true },
		{ "10.77.0.0/29", "10.77.0.8", false },
		{ "10.77.0.3", "10.77.0.3", true },
		{ "10.77.0.3", "10.77.0.2", false },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "10.0.0.1", true },
		{ "fd00::/8", "fdff::1", true },
		{ "fd00::/8", "fe80::1", false },
		{ "fd77::/127", "fd77::1", true },
		{ "fd77::/127", "fd77::2", false },
		{ "fd77::3", "fd77::3", true },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct sockaddr_storage address = address_of(cases[i].address);
		struct network network;

		assert_int_equal(argument_network(cases[i].network, &network), 0);
		assert_int_equal(network_has(&network, &address), cases[i].has);
	}
}

static void test_no_networks(void **state)
{
	static const char *const texts[] = { "",          "10.0.0.0/33", "10.0.0.0/-1",
					     "10.0.0.0/", "10.0.0/8",    "::/129",
					     "web1",      "10.0.0.0/8x", "10.0.0.0/8 ",
					     "[::1]" };
	struct sockaddr_storage none = { .ss_family = AF_UNIX };
	struct network network;

	for (size_t i = 0; i < ELEMENTS(texts); i++)
		assert_int_equal(argument_network(texts[i], &network), -EINVAL);
	assert_int_equal(argument_network("::/0", &network), 0);
	assert_false(network_has(&network, &none));
}

static void test_listen(void **state)
{
	static const struct {
		const char *text, *address;
		unsigned port; /* 0: refused */
	} cases[] = {
		{ "514", "::", 514 },
		{ "127.0.0.1:514", "127.0.0.1", 514 },
		{ "[::1]:65535", "::1", 65535 },
		{ "[::]:1", "::", 1 },
		{ "0", NULL, 0 },
		{ "65536", NULL, 0 },
		{ "::1:514", NULL, 0 },
		{ "[127.0.0.1]:514", NULL, 0 },
		{ "[::1", NULL, 0 },
		{ ":514", NULL, 0 },
		{ "127.0.0.1:", NULL, 0 },
		{ "host:514", NULL, 0 },
		{ "", NULL, 0 },
		{ "shell", NULL, 0 },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct sockaddr_storage address, expected;
		socklen_t size;
		int r = argument_address(cases[i].text, &address, &size);

		assert_int_equal(r, cases[i].port ? 0 : -EINVAL);
		if (r < 0)
			continue;
		expected = address_of(cases[i].address);
		((struct sockaddr_in *)&expected)->sin_port = htons((uint16_t)cases[i].port);
		assert_memory_equal(&address, &expected, sizeof(address));
		assert_int_equal(size, address.ss_family == AF_INET ? sizeof(struct sockaddr_in)
								    : sizeof(struct sockaddr_in6));
	}
}

static void test_proofs(void **state)
{
	static const char *const bad[] = {
		"", "vouched,", ",vouched", "vouched,vouched", "faith", "vouch", "vouched, reserved"
	};
	struct proofs proofs;

	assert_int_equal(argument_proofs("reserved,password,vouched", &proofs), 0);
	assert_int_equal(proofs.n, 3);
	assert_int_equal(proofs.items[0], PROOF_RESERVED);
	assert_int_equal(proofs.items[1], PROOF_PASSWORD);
	assert_int_equal(proofs.items[2], PROOF_VOUCHED);
	assert_int_equal(argument_proofs("password", &proofs), 0);
	assert_true(proofs_have(&proofs, PROOF_PASSWORD));
	assert_false(proofs_have(&proofs, PROOF_VOUCHED));
	for (size_t i = 0; i < ELEMENTS(bad); i++)
		assert_int_equal(argument_proofs(bad[i], &proofs), -EINVAL);
}

static void test_numbers(void **state)
{
	unsigned number;

	assert_int_equal(argument_number("10", 1, 10, &number), 0);
	assert_int_equal(number, 10);
	assert_int_equal(argument_number("11", 1, 10, &number), -EINVAL);
	assert_int_equal(argument_number("0", 1, 10, &number), -EINVAL);
	assert_int_equal(argument_number("4294967297", 1, UINT32_MAX, &number), -EINVAL);
	assert_int_equal(argument_number("", 0, 10, &number), -EINVAL);
	assert_int_equal(argument_number("+1", 0, 10, &number), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks), cmocka_unit_test(test_no_networks),
		cmocka_unit_test(test_listen),   cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
