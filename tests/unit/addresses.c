/* SPDX-License-Identifier: MIT */
/*
 * addresses.c - this machine's addresses as rtnetlink tells them, well-formed and not
 *
 * What comes and goes while portcredd runs is tested with real interfaces in
 * tests/system/test_accept_local.py.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/addresses.h"

#define SEQUENCE 7U
#define PORTID   42U

/* struct packet - one message as the kernel would send it, and the end of the dump */
struct packet {
	struct nlmsghdr header;
	struct ifaddrmsg message;
	struct nlattr address; /* IFA_ADDRESS */
	uint8_t address_bytes[16];
	struct nlattr local; /* IFA_LOCAL */
	uint8_t local_bytes[16];
	struct nlmsghdr end;
	int32_t status;
};

static struct packet valid_packet(void)
{
	struct packet packet = {
		.header = { .nlmsg_len = offsetof(struct packet, end),
			    .nlmsg_type = RTM_NEWADDR,
			    .nlmsg_flags = NLM_F_MULTI,
			    .nlmsg_seq = SEQUENCE,
			    .nlmsg_pid = PORTID },
		.message = { .ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_index = 3 },
		.address = { .nla_len = sizeof(struct nlattr) + 16, .nla_type = IFA_ADDRESS },
		.local = { .nla_len = sizeof(struct nlattr) + 16, .nla_type = IFA_LOCAL },
		.end = { .nlmsg_len = sizeof(struct nlmsghdr) + sizeof(int32_t),
			 .nlmsg_type = NLMSG_DONE,
			 .nlmsg_flags = NLM_F_MULTI,
			 .nlmsg_seq = SEQUENCE,
			 .nlmsg_pid = PORTID },
	};

	assert_int_equal(inet_pton(AF_INET6, "fd00::9", packet.address_bytes), 1);
	assert_int_equal(inet_pton(AF_INET6, "fd00::1", packet.local_bytes), 1);
	return packet;
}

static int take(const struct packet *packet, size_t size, struct address_list *list)
{
	return addresses_take_reply(list, packet, size, SEQUENCE, PORTID);
}

static void assert_address(const uint32_t bytes[4], const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET6, bytes, text, sizeof(text)));
	assert_string_equal(text, expected);
}

/* The peer's address of a link to one peer is not taken for ours. */
static void test_reply(void **state)
{
	struct packet packet = valid_packet();
	struct address_list list = { 0 };

	(void)state;
	assert_int_equal(take(&packet, offsetof(struct packet, end), &list), 1);
	assert_int_equal(list.n_items, 1);
	assert_address(list.items[0].bytes, "fd00::1");
	assert_int_equal(list.items[0].interface, 3);

	packet.local.nla_type = IFA_LABEL; /* an ordinary IPv6 address has no IFA_LOCAL */
	assert_int_equal(take(&packet, sizeof(packet), &list), 0);
	assert_int_equal(list.n_items, 2);
	assert_address(list.items[1].bytes, "fd00::9");
	address_list_clear(&list);
}

/* An address that another host may have as well is not ours. */
static void test_not_ours(void **state)
{
	static const struct {
		const char *address;
		uint8_t flags;
		size_t expected;
	} cases[] = {
		{ "fd00::1", 0, 1 },
		{ "fd00::1", IFA_F_PERMANENT | IFA_F_TEMPORARY, 1 },
		{ "fd00::1", IFA_F_TENTATIVE, 0 },
		{ "fd00::1", IFA_F_TENTATIVE | IFA_F_OPTIMISTIC, 1 },
		{ "fd00::1", IFA_F_TENTATIVE | IFA_F_DADFAILED, 0 },
		{ "fd00::1", IFA_F_DADFAILED, 0 },
		{ "fe80::1", 0, 0 },
		{ "febf::1", 0, 0 },
		{ "fec0::1", 0, 1 },
		{ "::1", 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct packet packet = valid_packet();
		struct address_list list = { 0 };

		assert_int_equal(inet_pton(AF_INET6, cases[i].address, packet.local_bytes), 1);
		packet.message.ifa_flags = cases[i].flags;
		assert_int_equal(take(&packet, sizeof(packet), &list), 0);
		assert_int_equal(list.n_items, cases[i].expected);
		address_list_clear(&list);
	}
}

static void test_other_family(void **state)
{
	struct packet packet = valid_packet();
	struct address_list list = { 0 };

	(void)state;
	packet.message.ifa_family = AF_PHONET;
	assert_int_equal(take(&packet, sizeof(packet), &list), 0);
	assert_int_equal(list.n_items, 0);
}

/* What cannot be read is never taken for the end of a complete list. */
static void test_reply_refused(void **state)
{
	struct address_list list = { 0 };
	struct packet packet = valid_packet();

	(void)state;
	packet.header.nlmsg_flags |= NLM_F_DUMP_INTR;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EINTR);

	packet = valid_packet();
	packet.status = -ENOENT;
	assert_int_equal(take(&packet, sizeof(packet), &list), -ENOENT);

	packet = valid_packet();
	packet.header.nlmsg_seq++;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);

	packet = valid_packet();
	packet.header.nlmsg_pid++;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);

	packet = valid_packet();
	packet.header.nlmsg_type = RTM_DELADDR;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);

	packet = valid_packet();
	packet.header.nlmsg_type = NLMSG_ERROR;
	memset(&packet.message, 0, sizeof(packet.message));
	memcpy(&packet.message, &(int){ -EPERM }, sizeof(int));
	assert_int_equal(take(&packet, offsetof(struct packet, end), &list), -EPERM);
	address_list_clear(&list);
}

static void test_malformed(void **state)
{
	struct address_list list = { 0 };
	struct packet packet = valid_packet();

	(void)state;
	/* Shorter than its own header. */
	packet.header.nlmsg_len = sizeof(struct nlmsghdr) + sizeof(struct ifaddrmsg) - 1;
	assert_int_equal(take(&packet, packet.header.nlmsg_len, &list), -EBADMSG);

	/* No address at all. */
	packet.header.nlmsg_len = offsetof(struct packet, address);
	assert_int_equal(take(&packet, packet.header.nlmsg_len, &list), -EBADMSG);

	/* An attribute that claims more bytes than the message has is not read: no address is left. */
	packet = valid_packet();
	packet.address.nla_len = 4096;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);

	/* Addresses of the wrong size, for either family. */
	packet = valid_packet();
	packet.local.nla_len = sizeof(struct nlattr) + 15;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);
	packet = valid_packet();
	packet.address.nla_len = sizeof(struct nlattr);
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);
	packet = valid_packet();
	packet.message.ifa_family = AF_INET;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);

	/* A network of more bits than there are. */
	packet = valid_packet();
	packet.message.ifa_prefixlen = 129;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);
	assert_int_equal(list.n_items, 0);
	address_list_clear(&list);
}

/* add_ipv4() - as the kernel would tell it */
static void add_ipv4(struct address_list *list, uint32_t interface, const char *text,
		     uint8_t length, uint8_t flags)
{
	struct packet packet = valid_packet();

	packet.message.ifa_family = AF_INET;
	packet.message.ifa_index = interface;
	packet.message.ifa_prefixlen = length;
	packet.message.ifa_flags = flags;
	packet.address.nla_len = sizeof(struct nlattr) + 4;
	assert_int_equal(inet_pton(AF_INET, text, packet.address_bytes), 1);
	packet.header.nlmsg_len = offsetof(struct packet, address_bytes) + 4;
	assert_int_equal(take(&packet, packet.header.nlmsg_len, list), 1);
}

/* A call to a secondary address comes from the first one of its network, on its interface. */
static void test_source(void **state)
{
	static const char *const expected[] = {
		"::ffff:10.0.0.1", "::ffff:10.0.1.1", "::ffff:10.0.0.1", "::ffff:10.0.0.200",
		"::ffff:10.0.0.9", "::ffff:10.9.9.9", "::ffff:10.7.7.7",
	};
	struct address_list list = { 0 };

	(void)state;
	add_ipv4(&list, 2, "10.0.0.1", 24, 0);
	add_ipv4(&list, 2, "10.0.1.1", 24, 0);
	add_ipv4(&list, 2, "10.0.0.2", 24, IFA_F_SECONDARY);
	add_ipv4(&list, 2, "10.0.0.200", 25, 0);
	add_ipv4(&list, 3, "10.0.0.9", 24, 0);
	add_ipv4(&list, 3, "10.9.9.9", 24, IFA_F_SECONDARY); /* its first one is gone */
	add_ipv4(&list, 3, "10.7.7.7", 0, 0);
	address_list_settle(&list);
	assert_int_equal(list.n_items, ELEMENTS(expected));
	for (size_t i = 0; i < list.n_items; i++)
		assert_address(list.items[i].source, expected[i]);
	address_list_clear(&list);
}

/* More than the kernel half can know are counted, and no memory is theirs. */
static void test_too_many(void **state)
{
	struct address_list list = { 0 };

	(void)state;
	for (unsigned i = 0; i < MAX_OWN_ADDRESSES; i++)
		add_ipv4(&list, 2, "10.0.0.1", 32, 0);
	assert_false(list.truncated);
	add_ipv4(&list, 2, "10.0.0.2", 32, 0);
	assert_true(list.truncated);
	assert_int_equal(list.n_items, MAX_OWN_ADDRESSES);
	address_list_clear(&list);
}

static bool has(const struct address_list *list, const char *text)
{
	uint32_t bytes[4];

	assert_int_equal(inet_pton(AF_INET6, text, bytes), 1);
	for (size_t i = 0; i < list->n_items; i++) {
		if (memcmp(list->items[i].bytes, bytes, sizeof(bytes)) == 0)
			return true;
	}
	return false;
}

static void test_this_machine(void **state)
{
	struct address_list list = { 0 };

	(void)state;
	assert_int_equal(addresses_list(&list), 0);
	assert_true(has(&list, "::ffff:127.0.0.1"));
	assert_false(has(&list, "::ffff:192.0.2.1")); /* RFC 5737: nobody's */
	address_list_clear(&list);
}

/* Nothing has happened: a watch that always rings would list the addresses for ever. */
static void test_quiet_watch(void **state)
{
	_cleanup_close_ int fd = -EBADF;

	(void)state;
	assert_int_equal(addresses_watch(&fd), 0);
	assert_int_equal(addresses_changed(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply),        cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_other_family), cmocka_unit_test(test_reply_refused),
		cmocka_unit_test(test_malformed),    cmocka_unit_test(test_source),
		cmocka_unit_test(test_too_many),     cmocka_unit_test(test_this_machine),
		cmocka_unit_test(test_quiet_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
