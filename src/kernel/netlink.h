/* SPDX-License-Identifier: MIT */
/*
 * netlink.h - dumps over netlink(7), as libmnl reads them
 *
 * libmnl is loaded when something is first read: most starts of portcred(1) ask the kernel nothing, and
 * each would pay for another library.
 */
#ifndef PORTCRED_KERNEL_NETLINK_H
#define PORTCRED_KERNEL_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* netlink_take - what is done with a message; 0, or -errno that ends the dump */
typedef int netlink_take(const struct nlmsghdr *header, void *data);

/* netlink_check() - whether libmnl can be had; 0, -ELIBACC with *@ret_why what to do (caller frees) */
int netlink_check(char **ret_why);

/*
 * netlink_dump() - ask the kernel for a table, and take each message that it answers with
 * @family: NETLINK_*
 * @request: with its header, but for what a dump is known by (nlmsg_len, nlmsg_flags, nlmsg_seq)
 * @size: bytes
 *
 * Returns 0; -EINTR if the table changed meanwhile, and what was taken may be inconsistent; -ELIBACC where
 * libmnl is missing; otherwise as netlink_take_reply().
 */
int netlink_dump(int family, struct nlmsghdr *request, size_t size, netlink_take *take, void *data);

/*
 * netlink_take_reply() - what one receive from the kernel brought
 * @sequence, @portid: of the request; a message that belongs to another is refused
 *
 * Returns 1 if there is more to receive, 0 at the end, -EINTR if the kernel says that the dump is
 * inconsistent, -EBADMSG for a malformed one, what @take or the kernel refused with.
 */
int netlink_take_reply(const void *buffer, size_t size, uint32_t sequence, uint32_t portid,
		       netlink_take *take, void *data);

/*
 * netlink_attribute_after() - the attributes of a message, one after the other
 * @fixed: bytes of the family's own header before them
 * @last: NULL: the first; or one of this message
 * Returns NULL behind the last one, or before one that is not whole.
 */
const struct nlattr *netlink_attribute_after(const struct nlmsghdr *header, size_t fixed,
					     const struct nlattr *last);

/* Of an attribute that was found: its number, its bytes and how many. */
static inline uint16_t netlink_attribute_type(const struct nlattr *attribute)
{
	return attribute->nla_type & NLA_TYPE_MASK;
}

static inline const void *netlink_attribute_bytes(const struct nlattr *attribute)
{
	return (const char *)attribute + NLA_HDRLEN;
}

static inline size_t netlink_attribute_size(const struct nlattr *attribute)
{
	return attribute->nla_len - NLA_HDRLEN;
}

/* netlink_payload() - of a message, NULL where it has less than @size bytes */
static inline const void *netlink_payload(const struct nlmsghdr *header, size_t size)
{
	return header->nlmsg_len >= NLMSG_HDRLEN + size ? (const char *)header + NLMSG_HDRLEN
							: NULL;
}

#endif
