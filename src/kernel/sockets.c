/* SPDX-License-Identifier: MIT */
/*
 * sockets.c - inet_diag dumps (linux/inet_diag.h; net/ipv4/inet_diag.c of the kernel)
 *
 * One dump shows one family of one protocol. A dump may span many receives, and a table may change
 * between two of them: the kernel then marks what it sends with NLM_F_DUMP_INTR, and that dump is
 * thrown away and asked for again.
 */
#include "kernel/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "kernel/netlink.h"

#define ATTEMPTS 8

/* TCP_BOUND_INACTIVE: bound, neither listening nor connected; only sock_diag has it, since 6.8. */
#define STATE_BOUND 13

/* Those that have another end, or ask for one; TIME_WAIT is no socket any more. */
#define STATES_CONNECTED                                                                           \
	(1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_SYN_RECV | 1U << TCP_FIN_WAIT1 |   \
	 1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING)

/* struct question - one dump */
struct question {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t ip_protocol;
	uint32_t states;
	uint16_t port;                   /* 0: any */
	const struct port_bitmap *ports; /* NULL: any */
};

/* struct reply - what take_socket() needs */
struct reply {
	struct socket_list *list;
	const struct port_bitmap *ports; /* NULL: any */
	enum protocol protocol;
};

/* take_address() - as v4-mapped IPv6, whichever of the two families it came in */
static void take_address(uint8_t family, const __be32 words[4], uint32_t ret_address[4])
{
	if (family == AF_INET) {
		ret_address[2] = htonl(0xffff);
		ret_address[3] = words[0];
		return;
	}
	memcpy(ret_address, words, 4 * sizeof(words[0]));
}

static void take_addresses(const struct inet_diag_msg *message, struct bound_socket *bound)
{
	const struct inet_diag_sockid *id = &message->id;

	take_address(message->idiag_family, id->idiag_src, bound->address);
	bound->family = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)bound->address) ? 4 : 6;
	bound->port = ntohs(id->idiag_sport);
	if (id->idiag_dport == 0)
		return;
	take_address(message->idiag_family, id->idiag_dst, bound->peer_address);
	bound->peer_port = ntohs(id->idiag_dport);
}

static int take_socket(const struct nlmsghdr *header, void *data)
{
	const struct inet_diag_msg *message = netlink_payload(header, sizeof(*message));
	struct reply *reply = data;
	struct socket_list *list = reply->list;
	struct bound_socket bound = { .protocol = (uint8_t)reply->protocol };
	const struct nlattr *attribute = NULL;
	int error;

	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || !message ||
	    (message->idiag_family != AF_INET && message->idiag_family != AF_INET6))
		return -EBADMSG;
	take_addresses(message, &bound);
	if (bound.port == 0 || (reply->ports && !port_bitmap_has(reply->ports, bound.port)))
		return 0;
	if (list->n_items >= MAX_BOUND_SOCKETS) {
		list->truncated = true;
		return 0;
	}
	bound.inode = message->idiag_inode;
	bound.cookie = (uint64_t)message->id.idiag_cookie[1] << 32 | message->id.idiag_cookie[0];
	bound.uid = message->idiag_uid;
	bound.interface = message->id.idiag_if;
	bound.state = message->idiag_state;
	bound.listening = reply->protocol == PROTOCOL_TCP && message->idiag_state == TCP_LISTEN;
	while ((attribute = netlink_attribute_after(header, sizeof(*message), attribute))) {
		if (netlink_attribute_type(attribute) != INET_DIAG_SKV6ONLY ||
		    netlink_attribute_size(attribute) < sizeof(uint8_t))
			continue;
		bound.v6only_known = true;
		bound.v6only = *(const uint8_t *)netlink_attribute_bytes(attribute) != 0;
	}
	error = GROW(list->items, list->n_allocated, list->n_items);
	if (error == 0)
		list->items[list->n_items++] = bound;
	return error;
}

int sockets_take_reply(struct socket_list *list, const struct port_bitmap *ports,
		       enum protocol protocol, const void *buffer, size_t size, uint32_t sequence,
		       uint32_t portid)
{
	struct reply reply = { .list = list, .ports = ports, .protocol = protocol };

	return netlink_take_reply(buffer, size, sequence, portid, take_socket, &reply);
}

static int dump_once(const struct question *question, struct socket_list *list)
{
	struct reply reply = {
		.list = list,
		.ports = question->ports,
		.protocol = question->ip_protocol == IPPROTO_TCP ? PROTOCOL_TCP : PROTOCOL_UDP,
	};
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} message = {
		.header.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		.request.sdiag_family = question->family,
		.request.sdiag_protocol = question->ip_protocol,
		.request.idiag_states = question->states,
		.request.id.idiag_sport = htons(question->port),
		.request.id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
	};

	return netlink_dump(NETLINK_SOCK_DIAG, &message.header, sizeof(message), take_socket,
			    &reply);
}

static int dump(const struct question *question, struct socket_list *list)
{
	size_t before = list->n_items;

	for (int i = 0; i < ATTEMPTS; i++) {
		int error = dump_once(question, list);

		if (error == 0)
			return 0;
		list->n_items = before;
		if (error != -EINTR)
			return error;
	}
	return -EAGAIN;
}

/* dump_families() - @question: but for the family */
static int dump_families(struct question question, struct socket_list *list)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ELEMENTS(families); i++) {
		int error;

		question.family = families[i];
		error = dump(&question, list);

		/* No handler: no IPv6 in this kernel, no UDP-Lite, or no sock_diag module at all. */
		if (error == -ENOENT &&
		    (families[i] == AF_INET6 || question.ip_protocol == IPPROTO_UDPLITE))
			continue;
		if (error < 0)
			return error == -ENOENT ? -EOPNOTSUPP : error;
	}
	return 0;
}

static int dump_bound(const struct port_bitmap *ports, struct socket_list *list)
{
	static const struct {
		uint8_t ip_protocol;
		uint32_t states;
	} dumps[] = {
		{ IPPROTO_TCP, 1U << TCP_LISTEN },
		{ IPPROTO_UDP, ~0U },
		{ IPPROTO_UDPLITE, ~0U },
		{ IPPROTO_TCP, 1U << STATE_BOUND }, /* older kernels find nothing in that state */
	};
	size_t before = list->n_items;

	for (size_t i = 0; i < ELEMENTS(dumps); i++) {
		int error = dump_families((struct question){ .ip_protocol = dumps[i].ip_protocol,
							     .states = dumps[i].states,
							     .ports = ports },
					  list);

		if (error < 0) {
			list->n_items = before;
			return error;
		}
	}
	return 0;
}

int sockets_bound(struct socket_list *list)
{
	return dump_bound(NULL, list);
}

int sockets_at(const struct port_bitmap *ports, struct socket_list *list)
{
	size_t before = list->n_items;
	bool truncated;
	int error;

	error = dump_bound(ports, list);
	truncated = list->truncated;
	if (error == 0)
		error = dump_families((struct question){ .ip_protocol = IPPROTO_TCP,
							 .states = STATES_CONNECTED,
							 .ports = ports },
				      list);
	list->truncated = truncated;
	if (error < 0)
		list->n_items = before;
	return error;
}

int sockets_established(uint16_t port, struct socket_list *list)
{
	size_t before = list->n_items;
	int error = dump_families((struct question){ .ip_protocol = IPPROTO_TCP,
						     .states = 1U << TCP_ESTABLISHED,
						     .port = port },
				  list);

	if (error < 0)
		list->n_items = before;
	return error;
}

void socket_list_clear(struct socket_list *list)
{
	free(list->items);
	*list = (struct socket_list){ 0 };
}
