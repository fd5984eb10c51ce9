/* SPDX-License-Identifier: MIT */
/*
 * addresses.h - the addresses of the caller's network namespace, and the kernel half's list of them
 *
 * From rtnetlink(7). What each way of being wrong does is said at `own_addresses` in
 * bpf/connection.bpf.h.
 */
#ifndef PORTCRED_KERNEL_ADDRESSES_H
#define PORTCRED_KERNEL_ADDRESSES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct enforcer;

/* struct address - one of an interface; words in network byte order, IPv4 v4-mapped */
struct address {
	uint32_t bytes[4];
	uint32_t source[4];  /* where the kernel calls it from: address_list_settle() */
	uint32_t network[4]; /* IPv4 */
	uint32_t interface;
	uint8_t length; /* of the network: bits of 32 or of 128 */
	bool secondary; /* IPv4: another one of the same network is the interface's first */
};

/* struct address_list - items are owned; address_list_clear() releases them */
struct address_list {
	struct address *items;
	size_t n_items, n_allocated;
	bool truncated; /* there were more than MAX_OWN_ADDRESSES */
};

/*
 * addresses_list() - all that are in use, but link-local IPv6 ones
 * @list: cleared by the caller; on failure as it was
 *
 * Returns 0; -EAGAIN where they changed under each of several attempts; -errno.
 */
int addresses_list(struct address_list *list);

/*
 * addresses_take_reply() - what one receive from the kernel brought (apart, for tests)
 * @sequence, @portid: of the request; a message that belongs to another is refused
 *
 * Returns 1 if there is more to receive, 0 at the end, -EINTR if the kernel says that the dump is
 * inconsistent, -EBADMSG for a malformed one, or what the kernel refused with.
 */
int addresses_take_reply(struct address_list *list, const void *buffer, size_t size,
			 uint32_t sequence, uint32_t portid);

/* address_list_settle() - fill in each item's source, once the list is complete */
void address_list_settle(struct address_list *list);

void address_list_clear(struct address_list *list);

/* addresses_put() - make them the kernel half's list; they are sorted. Returns 0, -errno. */
int addresses_put(const struct enforcer *enforcer, struct address_list *list);

/*
 * addresses_watch() - a descriptor that becomes readable when an address comes or goes
 * addresses_changed() - read it empty; returns 1 where something came, 0, -errno
 *
 * It says that something has changed, not what: list them again. Nothing is lost where the kernel
 * had more to say than the socket holds (ENOBUFS).
 */
int addresses_watch(int *ret_fd);
int addresses_changed(int fd);

#endif
