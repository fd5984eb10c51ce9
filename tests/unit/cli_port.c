/* SPDX-License-Identifier: MIT */
/*
 * cli_port.c - PORT[/PROTO], addresses and times as they stand on a command line
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "portcred/moment.h"
#include "portcred/port_argument.h"

#define TCP  PROTOCOL_BIT(PROTOCOL_TCP)
#define UDP  PROTOCOL_BIT(PROTOCOL_UDP)
#define BOTH PROTOCOL_BITS_ALL

/* A services database with one of each kind; `both` has another port for each protocol. */
static int find_service(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
			uint8_t *ret_protocols)
{
	(void)data;
	if (strcmp(name, "http") == 0) {
		ret_ports[PROTOCOL_TCP] = 80;
		*ret_protocols = TCP;
		return 0;
	}
	if (strcmp(name, "both") == 0) {
		ret_ports[PROTOCOL_TCP] = 513;
		ret_ports[PROTOCOL_UDP] = 514;
		*ret_protocols = BOTH;
		return 0;
	}
	return -ENOENT;
}

static void list_services(void *data, void (*each)(void *closure, const char *name), void *closure)
{
	(void)data;
	each(closure, "http");
	each(closure, "both");
}

static const struct policy_environment machine = {
	.find_service = find_service,
	.list_services = list_services,
};

static void taken(const char *text, uint8_t protocols, uint16_t tcp, uint16_t udp)
{
	_cleanup_free_ char *why = NULL;
	struct port_argument argument;

	assert_int_equal(port_argument_parse(text, &machine, &argument, &why), 0);
	assert_null(why);
	assert_int_equal(argument.protocols, protocols);
	if (protocols & TCP)
		assert_int_equal(argument.ports[PROTOCOL_TCP], tcp);
	if (protocols & UDP)
		assert_int_equal(argument.ports[PROTOCOL_UDP], udp);
}

static void refused(const char *text, const char *said)
{
	struct port_argument argument = { .protocols = 0x55 };
	_cleanup_free_ char *why = NULL;

	assert_int_equal(port_argument_parse(text, &machine, &argument, &why), -EINVAL);
	assert_string_equal(why, said);
	assert_int_equal(argument.protocols, 0x55);
}

static void test_ports(void **state)
{
	(void)state;
	taken("80", BOTH, 80, 80);
	taken("80/tcp", TCP, 80, 0);
	taken("65535/udp", UDP, 0, 65535);
	taken("http", TCP, 80, 0);
	taken("both", BOTH, 513, 514);
	taken("both/udp", UDP, 0, 514);
}

/* Would catch: a number cut to 16 bits, or half of an argument taken for the whole. */
static void test_bad_ports(void **state)
{
	(void)state;
	refused("0", "no port '0', expected 1 to 65535");
	refused("65536", "no port '65536', expected 1 to 65535");
	refused("65616/tcp", "no port '65616/tcp', expected 1 to 65535");
	refused("99999999999999999999999",
		"no port '99999999999999999999999', expected 1 to 65535");
	refused("80/sctp", "no protocol in '80/sctp', expected /tcp or /udp");
	refused("80/", "no protocol in '80/', expected /tcp or /udp");
	refused("80/TCP", "no protocol in '80/TCP', expected /tcp or /udp");
	refused("http/udp", "service 'http/udp' has a tcp port only");
	refused("htpp", "no port 'htpp', expected a number or a name of the services database; "
			"did you mean 'http'?");
	refused("", "no port '', expected a number or a name of the services database");
	refused("/tcp", "no port '/tcp', expected a number or a name of the services database");
	refused("8 0", "no port '8 0', expected a number or a name of the services database");
	refused("-80", "no port '-80', expected a number or a name of the services database");
	refused("80-90", "no port '80-90', expected a number or a name of the services database");
	refused("x\033", "no port 'x\\x1b', expected a number or a name of the services database");
}

static void test_addresses(void **state)
{
	struct target target = { 0 };

	(void)state;
	assert_int_equal(address_parse("127.0.0.1", &target), 0);
	assert_int_equal(target.family, 4);
	assert_int_equal(target.address[0], 0);
	assert_int_equal(target.address[2], htonl(0xffff));
	assert_int_equal(target.address[3], htonl(0x7f000001));
	assert_int_equal(address_parse("::1", &target), 0);
	assert_int_equal(target.family, 6);
	assert_int_equal(target.address[2], 0);
	assert_int_equal(target.address[3], htonl(1));
	/* What the kernel calls IPv4 is IPv4. */
	assert_int_equal(address_parse("::ffff:1.2.3.4", &target), 0);
	assert_int_equal(target.family, 4);
	assert_int_equal(address_parse("localhost", &target), -EINVAL);
	assert_int_equal(address_parse("1.2.3", &target), -EINVAL);
	assert_int_equal(address_parse("10.0.0.0/8", &target), -EINVAL);
	assert_int_equal(address_parse("", &target), -EINVAL);
}

/* Would catch: UTC shown as local time, a daemon's text that reaches the terminal as it is. */
static void test_times(void **state)
{
	char text[MOMENT_SIZE];

	(void)state;
	setenv("TZ", "XYZ-02:00", 1);
	moment_show("2026-11-23T22:30:05Z", "%Y-%m-%d %H:%M:%S", text);
	assert_string_equal(text, "2026-11-24 00:30:05");
	moment_show("2026-11-23T22:30:05.123Z", "%H:%M:%S", text);
	assert_string_equal(text, "00:30:05");
	moment_show("tomorrow\033[2J", "%H:%M:%S", text);
	assert_string_equal(text, "tomorrow?[2J");
	moment_show("2026-11-23T22:30:05+01:00", "%H:%M:%S", text);
	assert_string_equal(text, "2026-11-23T22:30:05+01:00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_bad_ports),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
