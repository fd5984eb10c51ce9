/* SPDX-License-Identifier: MIT */
/*
 * netlink.c - messages of one receive, and attributes in one. Caught: what lies beyond the end of a
 * message, or behind what the kernel says was the last; what another process sent. Dumps of sockets
 * and addresses are in sockets.c and addresses.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "kernel/netlink.h"

#define SEQUENCE 7U
#define PORTID   42U
#define TYPE     NLMSG_MIN_TYPE

/* struct buffer - messages one behind the other */
struct buffer {
	_Alignas(struct nlmsghdr) uint8_t bytes[512];
	size_t size;
};

/* add() - returns its header, to be spoilt */
static struct nlmsghdr *add(struct buffer *buffer, uint16_t type, const void *payload, size_t size)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(buffer->bytes + buffer->size);

	*header = (struct nlmsghdr){
		.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size),
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_MULTI,
		.nlmsg_seq = SEQUENCE,
		.nlmsg_pid = PORTID,
	};
	if (size)
		memcpy(NLMSG_DATA(header), payload, size);
	buffer->size += NLMSG_ALIGN(header->nlmsg_len);
	return header;
}

static int count(const struct nlmsghdr *header, void *data)
{
	unsigned *n = data;

	assert_int_equal(header->nlmsg_type, TYPE);
	return ++*n == 3 ? -ENOSPC : 0;
}

static int take(const struct buffer *buffer, unsigned expected)
{
	unsigned n = 0;
	int r = netlink_take_reply(buffer->bytes, buffer->size, SEQUENCE, PORTID, count, &n);

	assert_int_equal(n, expected);
	return r;
}

static void test_messages(void **state)
{
	const int32_t good = 0, bad = -ENODEV;
	struct buffer buffer = { 0 };

	(void)state;
	assert_int_equal(take(&buffer, 0), 1);
	add(&buffer, TYPE, "odd", 3);
	add(&buffer, NLMSG_NOOP, NULL, 0);
	add(&buffer, TYPE, NULL, 0);
	assert_int_equal(take(&buffer, 2), 1);
	add(&buffer, NLMSG_DONE, &good, sizeof(good));
	add(&buffer, TYPE, NULL, 0);
	assert_int_equal(take(&buffer, 2), 0);

	buffer.size = 0;
	add(&buffer, NLMSG_DONE, &bad, sizeof(bad));
	assert_int_equal(take(&buffer, 0), -ENODEV);
	buffer.size = 0;
	add(&buffer, NLMSG_DONE, NULL, 0); /* an older kernel's */
	assert_int_equal(take(&buffer, 0), 0);

	buffer.size = 0;
	for (int i = 0; i < 4; i++)
		add(&buffer, TYPE, NULL, 0);
	assert_int_equal(take(&buffer, 3), -ENOSPC);
}

static void test_refused(void **state)
{
	struct buffer buffer = { 0 };
	struct nlmsghdr *second;

	(void)state;
	add(&buffer, TYPE, NULL, 0);
	second = add(&buffer, TYPE, "four", 4);
	second->nlmsg_len++; /* beyond the end of what came */
	assert_int_equal(take(&buffer, 1), -EBADMSG);
	second->nlmsg_len = NLMSG_HDRLEN - 1;
	assert_int_equal(take(&buffer, 1), -EBADMSG);
	second->nlmsg_len = UINT32_MAX;
	assert_int_equal(take(&buffer, 1), -EBADMSG);
	second->nlmsg_len = NLMSG_HDRLEN + 4;
	assert_int_equal(take(&buffer, 2), 1);
	buffer.size -= 5; /* not even a header's room for the rest */
	assert_int_equal(take(&buffer, 1), -EBADMSG);
	buffer.size += 5;
	second->nlmsg_pid = 0;
	assert_int_equal(take(&buffer, 1), -EBADMSG);
	second->nlmsg_pid = PORTID;
	second->nlmsg_seq = 0;
	assert_int_equal(take(&buffer, 1), -EBADMSG);
	second->nlmsg_seq = SEQUENCE;
	second->nlmsg_flags |= NLM_F_DUMP_INTR;
	assert_int_equal(take(&buffer, 1), -EINTR);
	second->nlmsg_flags = 0;
	second->nlmsg_type = NLMSG_OVERRUN; /* something is missing */
	assert_int_equal(take(&buffer, 1), -EBADMSG);
	second->nlmsg_type = NLMSG_ERROR; /* too short for one */
	assert_int_equal(take(&buffer, 1), -EBADMSG);
}

static void test_attributes(void **state)
{
	static const struct {
		struct nlattr first;
		uint8_t text[4];
		struct nlattr empty, last;
		uint8_t cut[4];
	} payload = {
		{ .nla_len = NLA_HDRLEN + 3, .nla_type = 5 | NLA_F_NESTED },
		"abc",
		{ .nla_len = NLA_HDRLEN, .nla_type = 6 },
		{ .nla_len = NLA_HDRLEN + 4, .nla_type = 7 },
		{ 1, 2, 3, 4 },
	};
	struct buffer buffer = { 0 };
	struct nlmsghdr *header = add(&buffer, TYPE, &payload, sizeof(payload));
	struct netlink_attribute attribute;
	size_t offset = NLMSG_HDRLEN;

	(void)state;
	assert_true(netlink_attribute(header, &offset, &attribute));
	assert_int_equal(attribute.type, 5);
	assert_int_equal(attribute.size, 3);
	assert_memory_equal(attribute.payload, "abc", 3);
	assert_true(netlink_attribute(header, &offset, &attribute));
	assert_int_equal(attribute.type, 6);
	assert_int_equal(attribute.size, 0);
	header->nlmsg_len--;
	assert_false(netlink_attribute(header, &offset, &attribute));
	header->nlmsg_len++;
	assert_true(netlink_attribute(header, &offset, &attribute));
	assert_int_equal(attribute.size, 4);
	assert_false(netlink_attribute(header, &offset, &attribute));

	/* One that has no length would be read for ever. */
	offset = NLMSG_HDRLEN;
	memset(NLMSG_DATA(header), 0, sizeof(struct nlattr));
	assert_false(netlink_attribute(header, &offset, &attribute));
	offset = header->nlmsg_len + 1;
	assert_false(netlink_attribute(header, &offset, &attribute));
	assert_null(netlink_payload(header, sizeof(payload) + 1));
	assert_non_null(netlink_payload(header, sizeof(payload)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
