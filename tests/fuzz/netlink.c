/* SPDX-License-Identifier: MIT */
/*
 * netlink.c - libFuzzer target: what netlink(7) brings, messages, attributes and sockets in them
 *
 * Nothing is read or pointed to beyond the message that it stands in, and no socket comes of a reply
 * that is refused from its first message on.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/netlink.h"
#include "kernel/sockets.h"

#define SEQUENCE 7U
#define PORTID   42U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* struct seen - what was received, and how much of it came as messages */
struct seen {
	const uint8_t *begin, *end;
	size_t messages;
	unsigned sum; /* so that every byte is read */
};

static int see(const struct nlmsghdr *header, void *data)
{
	const uint8_t *begin = (const uint8_t *)header, *end = begin + header->nlmsg_len;
	struct seen *seen = data;
	size_t offset = NLMSG_HDRLEN, before = 0;
	struct netlink_attribute attribute;

	assert(begin >= seen->begin && end <= seen->end && end > begin);
	assert(header->nlmsg_seq == SEQUENCE && header->nlmsg_pid == PORTID);
	while (netlink_attribute(header, &offset, &attribute)) {
		const uint8_t *payload = attribute.payload;

		assert(payload >= begin + NLMSG_HDRLEN && payload + attribute.size <= end);
		assert(offset > before);
		before = offset;
		for (size_t i = 0; i < attribute.size; i++)
			seen->sum += payload[i];
	}
	seen->messages++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1); /* aligned, and with an end that is watched */
	struct socket_list list = { 0 };
	struct seen seen = { 0 };
	int r;

	assert(copy);
	memcpy(copy, data, size);
	seen.begin = copy;
	seen.end = copy + size;
	r = netlink_take_reply(copy, size, SEQUENCE, PORTID, see, &seen);
	assert(r <= 1 && (size || r == 1));
	r = sockets_take_reply(&list, NULL, PROTOCOL_TCP, copy, size, SEQUENCE, PORTID);
	assert(r <= 1 && list.n_items <= seen.messages);
	for (size_t i = 0; i < list.n_items; i++)
		assert(list.items[i].port);
	socket_list_clear(&list);
	free(copy);
	return 0;
}
