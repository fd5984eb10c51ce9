/* SPDX-License-Identifier: MIT */
/*
 * addresses.c - RTM_GETADDR dumps (linux/if_addr.h; net/ipv4/devinet.c, net/ipv6/addrconf.c)
 *
 * Two sockets: a long-lived one is subscribed to changes and rings, a new one for each dump says what
 * there is. What rings is read away first, so a change during a dump rings again: no order of
 * messages matters, and an overrun is a ring like any other.
 */
#include "kernel/addresses.h"

#include "base/cleanup.h"
#include "base/grow.h"
#include "kernel/enforcer.h"
#include "kernel/netlink.h"
#include "portcred.skel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ATTEMPTS 8
#define RINGS    1024 /* read away at a time; what is left rings again */

#define ADDRESS_BYTES sizeof(((struct address *)NULL)->bytes)

static void take_address(uint8_t family, const struct nlattr *attribute, uint32_t ret_address[4])
{
	const void *bytes = netlink_attribute_bytes(attribute);

	memset(ret_address, 0, ADDRESS_BYTES);
	if (family == AF_INET6) {
		memcpy(ret_address, bytes, ADDRESS_BYTES);
		return;
	}
	ret_address[2] = htonl(0xffff);
	memcpy(&ret_address[3], bytes, sizeof(ret_address[3]));
}

/*
 * is_ours() - whether the kernel takes what is sent to it as its own
 *
 * Not yet where it still looks for another host that has the address (RFC 4862, 5.4), nor where it
 * has found one. The same link-local address may be another host's on another link.
 */
static bool is_ours(const struct ifaddrmsg *message, const uint32_t address[4])
{
	if (message->ifa_family == AF_INET)
		return true;
	if (message->ifa_flags & IFA_F_DADFAILED)
		return false;
	if ((message->ifa_flags & IFA_F_TENTATIVE) && !(message->ifa_flags & IFA_F_OPTIMISTIC))
		return false;
	return !IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)address);
}

/*
 * find_addresses() - its own, and the one that its network is told by
 * Over a link to one peer IFA_ADDRESS is the peer's, and IFA_LOCAL ours; for IPv6 both are there
 * only then.
 */
static int find_addresses(const struct nlmsghdr *header, const struct ifaddrmsg *message,
			  struct address *ret_address)
{
	size_t size = message->ifa_family == AF_INET ? sizeof(uint32_t) : ADDRESS_BYTES;
	const struct nlattr *attribute = NULL, *local = NULL, *address = NULL;

	while ((attribute = netlink_attribute_after(header, sizeof(*message), attribute))) {
		uint16_t type = netlink_attribute_type(attribute);

		if (type != IFA_LOCAL && type != IFA_ADDRESS)
			continue;
		if (netlink_attribute_size(attribute) != size)
			return -EBADMSG;
		if (type == IFA_LOCAL)
			local = attribute;
		else
			address = attribute;
	}
	if (!local)
		local = address;
	if (!address)
		address = local;
	if (!local || message->ifa_prefixlen > size * 8)
		return -EBADMSG;
	take_address(message->ifa_family, local, ret_address->bytes);
	take_address(message->ifa_family, address, ret_address->network);
	return 0;
}

/* mask() - leave the first bits of an IPv4 address and no others */
static void mask(uint32_t address[4], uint8_t bits)
{
	address[3] &= bits ? htonl(~0U << (32 - bits)) : 0;
}

static int add_address(struct address_list *list, const struct address *address)
{
	int r;

	if (list->n_items >= MAX_OWN_ADDRESSES) {
		list->truncated = true;
		return 0;
	}
	r = GROW(list->items, list->n_allocated, list->n_items);
	if (r == 0)
		list->items[list->n_items++] = *address;
	return r;
}

static int take_message(const struct nlmsghdr *header, void *data)
{
	const struct ifaddrmsg *message = netlink_payload(header, sizeof(*message));
	struct address_list *list = data;
	struct address address = { 0 };
	int r;

	if (header->nlmsg_type != RTM_NEWADDR || !message)
		return -EBADMSG;
	if (message->ifa_family != AF_INET && message->ifa_family != AF_INET6)
		return 0; /* a dump of all families has others too */
	r = find_addresses(header, message, &address);
	if (r < 0 || !is_ours(message, address.bytes))
		return r;
	address.interface = message->ifa_index;
	address.length = message->ifa_prefixlen;
	if (message->ifa_family == AF_INET) {
		address.secondary = message->ifa_flags & IFA_F_SECONDARY;
		mask(address.network, address.length);
	}
	return add_address(list, &address);
}

int addresses_take_reply(struct address_list *list, const void *buffer, size_t size,
			 uint32_t sequence, uint32_t portid)
{
	return netlink_take_reply(buffer, size, sequence, portid, take_message, list);
}

static int dump_once(struct address_list *list)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg request;
	} message = {
		.header.nlmsg_type = RTM_GETADDR,
		.request.ifa_family = AF_UNSPEC,
	};

	return netlink_dump(NETLINK_ROUTE, &message.header, sizeof(message), take_message, list);
}

int addresses_list(struct address_list *list)
{
	const struct address_list before = *list;

	for (int i = 0; i < ATTEMPTS; i++) {
		int r = dump_once(list);

		if (r == 0) {
			address_list_settle(list);
			return 0;
		}
		list->n_items = before.n_items;
		list->truncated = before.truncated;
		if (r != -EINTR)
			return r;
	}
	return -EAGAIN;
}

/*
 * first_of_network() - the address whose network an IPv4 address was added to; itself if there is none
 * The kernel makes it the source of calls to all of that network (net/ipv4/fib_frontend.c,
 * fib_add_ifaddr()).
 */
static const struct address *first_of_network(const struct address_list *list,
					      const struct address *secondary)
{
	for (size_t i = 0; i < list->n_items; i++) {
		const struct address *one = &list->items[i];

		if (!one->secondary && one->interface == secondary->interface &&
		    one->length == secondary->length &&
		    memcmp(one->network, secondary->network, sizeof(one->network)) == 0)
			return one;
	}
	return secondary;
}

void address_list_settle(struct address_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		struct address *one = &list->items[i];
		const struct address *source = one->secondary ? first_of_network(list, one) : one;

		memcpy(one->source, source->bytes, sizeof(one->source));
	}
}

void address_list_clear(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){ 0 };
}

static int compare_addresses(const void *left, const void *right)
{
	const struct address *a = left, *b = right;

	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static bool is_listed(const struct address_list *list, const uint32_t bytes[4])
{
	struct address wanted = { 0 };

	memcpy(wanted.bytes, bytes, sizeof(wanted.bytes));
	return list->n_items && bsearch(&wanted, list->items, list->n_items, sizeof(*list->items),
					compare_addresses);
}

/* forget_others() - take out what is not listed; keys first, for deleting moves a walk */
static int forget_others(int map, const struct address_list *list)
{
	_cleanup_free_ uint32_t(*gone)[4] = calloc(MAX_OWN_ADDRESSES, sizeof(*gone));
	const void *last = NULL;
	uint32_t key[4];
	size_t n = 0;

	if (!gone)
		return -ENOMEM;
	for (; n < MAX_OWN_ADDRESSES && bpf_map_get_next_key(map, last, key) == 0; last = key) {
		if (!is_listed(list, key))
			memcpy(gone[n++], key, sizeof(key));
	}
	for (size_t i = 0; i < n; i++) {
		if (bpf_map_delete_elem(map, gone[i]) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int addresses_put(const struct enforcer *enforcer, struct address_list *list)
{
	int map = bpf_map__fd(enforcer->skeleton->maps.own_addresses);
	int r;

	if (list->n_items)
		qsort(list->items, list->n_items, sizeof(*list->items), compare_addresses);
	r = forget_others(map, list);
	for (size_t i = 0; i < list->n_items && r == 0; i++) {
		const struct address *one = &list->items[i];
		struct own_address value;

		memcpy(value.source, one->source, sizeof(value.source));
		if (bpf_map_update_elem(map, one->bytes, &value, BPF_ANY) < 0)
			r = -errno;
	}
	return r;
}

int addresses_watch(int *ret_fd)
{
	const struct sockaddr_nl groups = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int addresses_changed(int fd)
{
	int changed = 0;

	for (int i = 0; i < RINGS; i++) {
		char byte;
		ssize_t size = recv(fd, &byte, sizeof(byte), MSG_DONTWAIT);

		if (size < 0 && errno == EAGAIN)
			return changed;
		if (size < 0 && errno != EINTR && errno != ENOBUFS)
			return -errno;
		changed = 1;
	}
	return changed;
}
