/* SPDX-License-Identifier: MIT */
/*
 * sockets.h - the bound sockets of the caller's network namespace, from the kernel's sock_diag(7)
 */
#ifndef PORTCRED_KERNEL_SOCKETS_H
#define PORTCRED_KERNEL_SOCKETS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "kernel/port_bitmap.h"

/* A list holds no more sockets than these, listeners first; sockets are what users make. */
#define MAX_BOUND_SOCKETS (1U << 18)

/* struct bound_socket - one socket that has a local port */
struct bound_socket {
	uint64_t inode;      /* 0: no file (not accepted yet, or closed and still busy) */
	uint64_t cookie;     /* SO_COOKIE */
	uint32_t address[4]; /* network byte order, IPv4 v4-mapped */
	uint32_t uid;        /* of the socket's inode: the file-system uid that made it */
	uint32_t interface;  /* SO_BINDTODEVICE, 0: none */
	uint16_t port;       /* host byte order */
	uint8_t protocol;    /* enum protocol */
	uint8_t family;      /* 4 or 6; an IPv6 socket at a v4-mapped address is 4 */
	uint8_t state;       /* TCP_* of netinet/tcp.h; TCP_CLOSE: bound, no more */
	bool listening;
	uint32_t peer_address[4]; /* of the other end, in the same form; port 0: not connected */
	uint16_t peer_port;
	bool v6only_known; /* the kernel said whether the socket is IPV6_V6ONLY */
	bool v6only;
};

/* struct socket_list - items are owned; socket_list_clear() releases them */
struct socket_list {
	struct bound_socket *items;
	size_t n_items, n_allocated;
	bool truncated; /* there were more than MAX_BOUND_SOCKETS */
};

/*
 * sockets_bound() - every TCP socket that listens or is bound, every UDP and UDP-Lite socket with a
 * port, of both families; an MPTCP socket shows by its first TCP subflow, with its own inode
 * @list: cleared by the caller; on failure as it was
 *
 * A TCP socket that is bound and does not listen shows since Linux 6.8. Returns 0; -EOPNOTSUPP
 * where the kernel has no inet_diag or udp_diag; -EAGAIN where tables changed under each of several
 * attempts; -ENOMEM.
 */
int sockets_bound(struct socket_list *list);

/*
 * sockets_at() - the same at some ports alone, and the TCP sockets that are connected from there
 *
 * Those that others do not name by bind(2) are among them too: accepted ones, and outgoing calls from a
 * port that the kernel chose. @list.truncated tells of the first alone: connections may be left out where
 * there are very many. Errors as above.
 */
int sockets_at(const struct port_bitmap *ports, struct socket_list *list);

/*
 * sockets_established() - the established TCP connections whose local port is @port, 0: all
 * Errors as above.
 */
int sockets_established(uint16_t port, struct socket_list *list);

/*
 * sockets_take_reply() - what one receive from the kernel brought (apart, for tests)
 * @ports: others are left out; NULL: none is
 * @protocol: what the sockets in it are
 * @sequence, @portid: of the request; a message that belongs to another is refused
 *
 * Returns 1 if there is more to receive, 0 at the end, -EINTR if the kernel says that the dump is
 * inconsistent, -EBADMSG for a malformed one, or what the kernel refused with.
 */
int sockets_take_reply(struct socket_list *list, const struct port_bitmap *ports,
		       enum protocol protocol, const void *buffer, size_t size, uint32_t sequence,
		       uint32_t portid);

void socket_list_clear(struct socket_list *list);

#endif
