/* SPDX-License-Identifier: MIT */
/*
 * netlink.h - what all dumps over netlink(7) have in common
 */
#ifndef PORTCRED_KERNEL_NETLINK_H
#define PORTCRED_KERNEL_NETLINK_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

/*
 * netlink_take_reply() - what one receive from the kernel brought
 * @sequence, @portid: of the request; a message that belongs to another is refused
 * @take: called with each message and @data; MNL_CB_OK, or MNL_CB_ERROR with errno
 *
 * Returns 1 if there is more to receive, 0 at the end, -EINTR if the kernel says that the dump is
 * inconsistent, -EBADMSG for a malformed one, what @take or the kernel refused with.
 */
int netlink_take_reply(const void *buffer, size_t size, uint32_t sequence, uint32_t portid,
		       mnl_cb_t take, void *data);

#endif
