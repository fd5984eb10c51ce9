/* SPDX-License-Identifier: MIT */
/*
 * netlink.h - dumps over netlink(7): a question, messages that answer it, their attributes
 *
 * A dump may span many receives, and what it shows may change between two of them: the kernel then
 * marks what it sends with NLM_F_DUMP_INTR, and that dump is thrown away, to be asked for again.
 */
#ifndef PORTCRED_KERNEL_NETLINK_H
#define PORTCRED_KERNEL_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_SEQUENCE 1 /* of each question: each dump has a socket of its own */

/* struct netlink_attribute - points into its message */
struct netlink_attribute {
	uint16_t type; /* without NLA_F_NESTED and NLA_F_NET_BYTEORDER */
	uint16_t size;
	const void *payload; /* aligned to 4 bytes */
};

/* netlink_payload() - what is behind the header; NULL where that is less than @size bytes */
const void *netlink_payload(const struct nlmsghdr *header, size_t size);

/*
 * netlink_attribute() - one after the other
 * @offset: from the header: at first of the first attribute, then moved on
 *
 * Returns false behind the last; what is no attribute, or cut off, is not seen.
 */
bool netlink_attribute(const struct nlmsghdr *header, size_t *offset,
		       struct netlink_attribute *ret_attribute);

/* netlink_take - one message of a dump; returns 0, -errno */
typedef int netlink_take(const struct nlmsghdr *header, void *data);

/*
 * netlink_take_reply() - what one receive from the kernel brought
 * @buffer: aligned as malloc(3) does
 * @sequence, @portid: of the request; a message that belongs to another is refused
 *
 * Returns 1 if there is more to receive, 0 at the end, -EINTR if the kernel says that the dump is
 * inconsistent, -EBADMSG for a malformed one, what @take or the kernel refused with.
 */
int netlink_take_reply(const void *buffer, size_t size, uint32_t sequence, uint32_t portid,
		       netlink_take *take, void *data);

/*
 * netlink_dump() - all that the kernel answers
 * @protocol: NETLINK_ROUTE and the like
 * @question: with its header, and NETLINK_SEQUENCE in that
 * @again: before the first message, and before a dump is asked for again: forget what it had; returns
 *	nothing
 *
 * Returns 0; -EAGAIN where no dump of several was consistent; -errno.
 */
int netlink_dump(int protocol, const struct nlmsghdr *question, netlink_take *take,
		 void (*again)(void *data), void *data);

#endif
