/* SPDX-License-Identifier: MIT */
/*
 * Real sockets on loopback, looked up by inode. Caught: a kind of socket that is not listed, a wrong
 * address, port, owner or state, a list cut off where the kernel needs several messages, and a dump
 * that the kernel called inconsistent taken for good.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/sockets.h"
#include "requirement.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static uint64_t inode_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return status.st_ino;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address; /* the port stands at the same place in both families */
	socklen_t size = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin6_port);
}

/* A socket bound to port 0 of an address. */
static int bound_socket(int family, int type, int protocol, const char *address, int v6only)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	assert_true(fd >= 0);
	if (family == AF_INET) {
		assert_int_equal(inet_pton(AF_INET, address, &v4.sin_addr), 1);
		assert_int_equal(bind(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
		return fd;
	}
	assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&v6, sizeof(v6)), 0);
	return fd;
}

/* Whether a list of all bound sockets holds this one, and what it says. */
static int find(int fd, struct bound_socket *ret_bound)
{
	struct socket_list list = { 0 };
	uint64_t inode = inode_of(fd);
	int found = 0;

	assert_int_equal(sockets_bound(&list), 0);
	assert_false(list.truncated);
	for (size_t i = 0; i < list.n_items; i++) {
		if (list.items[i].inode != inode)
			continue;
		*ret_bound = list.items[i];
		found++;
	}
	socket_list_clear(&list);
	return found;
}

static void assert_address(const struct bound_socket *bound, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET6, bound->address, text, sizeof(text)));
	assert_string_equal(text, expected);
}

static void test_tcp_listener(void **state)
{
	_cleanup_close_ int fd = bound_socket(AF_INET, SOCK_STREAM, 0, "127.0.0.1", 0);
	socklen_t size = sizeof(uint64_t);
	struct bound_socket bound;
	uint64_t cookie;

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(find(fd, &bound), 1);
	assert_address(&bound, "::ffff:127.0.0.1");
	assert_int_equal(bound.protocol, PROTOCOL_TCP);
	assert_int_equal(bound.family, 4);
	assert_int_equal(bound.port, port_of(fd));
	assert_int_equal(bound.uid, getuid());
	assert_int_equal(bound.state, TCP_LISTEN);
	assert_true(bound.listening);
	assert_int_equal(bound.peer_port, 0);
	assert_false(bound.v6only_known);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	assert_int_equal(bound.cookie, cookie);
}

/* A socket without a port is nobody's business; one with a port is, listening or not. */
static void test_bound_not_listening(void **state)
{
	_cleanup_close_ int unbound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int fd = bound_socket(AF_INET, SOCK_STREAM, 0, "127.0.0.1", 0);
	struct bound_socket bound;

	(void)state;
	assert_int_equal(find(unbound, &bound), 0);
	if (!kernel_at_least(6, 8)) {
		assert_int_equal(find(fd, &bound), 0);
		return;
	}
	assert_int_equal(find(fd, &bound), 1);
	assert_false(bound.listening);
	assert_int_equal(bound.state, TCP_CLOSE);
	assert_int_equal(bound.port, port_of(fd));
}

static void test_ipv6(void **state)
{
	static const struct {
		const char *address, *expected;
		int v6only, family;
	} cases[] = {
		{ "::1", "::1", 1, 6 },
		{ "::", "::", 1, 6 },
		{ "::", "::", 0, 6 },
		{ "::ffff:127.0.0.1", "::ffff:127.0.0.1", 0, 4 },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_close_ int fd =
			bound_socket(AF_INET6, SOCK_STREAM, 0, cases[i].address, cases[i].v6only);
		struct bound_socket bound;

		assert_int_equal(listen(fd, 1), 0);
		assert_int_equal(find(fd, &bound), 1);
		assert_address(&bound, cases[i].expected);
		assert_int_equal(bound.family, cases[i].family);
		assert_true(bound.v6only_known);
		assert_int_equal(bound.v6only, cases[i].v6only);
	}
}

static void test_udp(void **state)
{
	_cleanup_close_ int v4 = bound_socket(AF_INET, SOCK_DGRAM, 0, "127.0.0.1", 0);
	_cleanup_close_ int v6 = bound_socket(AF_INET6, SOCK_DGRAM, 0, "::1", 1);
	struct bound_socket bound;

	(void)state;
	assert_int_equal(find(v4, &bound), 1);
	assert_int_equal(bound.protocol, PROTOCOL_UDP);
	assert_int_equal(bound.port, port_of(v4));
	assert_false(bound.listening);
	assert_int_equal(find(v6, &bound), 1);
	assert_int_equal(bound.family, 6);
	assert_int_equal(bound.port, port_of(v6));
}

static void test_udp_lite(void **state)
{
	_cleanup_close_ int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE);
	_cleanup_close_ int fd = -EBADF;
	struct bound_socket bound;

	(void)state;
	require(probe >= 0, "a kernel with UDP-Lite");
	fd = bound_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE, "127.0.0.1", 0);
	assert_int_equal(find(fd, &bound), 1);
	assert_int_equal(bound.protocol, PROTOCOL_UDP);
	assert_int_equal(bound.port, port_of(fd));
}

static void test_mptcp(void **state)
{
	_cleanup_close_ int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	_cleanup_close_ int fd = -EBADF;
	struct bound_socket bound;

	(void)state;
	require(probe >= 0, "a kernel with MPTCP");
	fd = bound_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP, "127.0.0.1", 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(find(fd, &bound), 1);
	assert_int_equal(bound.protocol, PROTOCOL_TCP);
	assert_true(bound.listening);
	assert_int_equal(bound.port, port_of(fd));
}

static void test_established(void **state)
{
	_cleanup_close_ int listener = bound_socket(AF_INET, SOCK_STREAM, 0, "127.0.0.1", 0);
	_cleanup_close_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int server = -EBADF;
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct socket_list list = { 0 };
	struct bound_socket bound;

	(void)state;
	address.sin_port = htons(port_of(listener));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(sockets_established(port_of(listener), &list), 0);
	assert_int_equal(list.n_items, 0);

	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(server >= 0);
	assert_int_equal(sockets_established(port_of(listener), &list), 0);
	assert_int_equal(list.n_items, 1); /* the client's local port is another */
	assert_int_equal(list.items[0].inode, inode_of(server));
	assert_int_equal(list.items[0].port, port_of(listener));
	assert_int_equal(list.items[0].peer_port, port_of(client));
	assert_memory_equal(list.items[0].peer_address, list.items[0].address,
			    sizeof(list.items[0].address));
	socket_list_clear(&list);
	assert_int_equal(find(server, &bound), 0); /* connections are not in the other list */

	assert_int_equal(sockets_established(0, &list), 0);
	assert_true(list.n_items >= 2);
	socket_list_clear(&list);
}

/* More than fits into one message, and no socket lost or twice. */
static void test_many(void **state)
{
	struct rlimit limit;
	_cleanup_free_ int *fds = NULL;
	struct socket_list list = { 0 };
	size_t n, found = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	n = limit.rlim_cur > 3100 ? 3000 : 600;
	fds = calloc(n, sizeof(*fds));
	assert_non_null(fds);
	for (size_t i = 0; i < n; i++)
		fds[i] = bound_socket(AF_INET, SOCK_DGRAM, 0, "127.0.0.1", 0);
	assert_int_equal(sockets_bound(&list), 0);
	for (size_t i = 0; i < n; i++) {
		uint64_t inode = inode_of(fds[i]);

		for (size_t j = 0; j < list.n_items; j++)
			found += list.items[j].inode == inode;
		close(fds[i]);
	}
	assert_int_equal(found, n);
	socket_list_clear(&list);
}

/* struct packet - one message as the kernel would send it, and the end of the dump */
struct packet {
	struct nlmsghdr header;
	struct inet_diag_msg socket;
	struct nlattr attribute;
	uint8_t v6only;
	uint8_t padding[3];
	struct nlmsghdr end;
	int32_t status;
};

#define SEQUENCE 7U
#define PORTID   42U

static struct packet valid_packet(void)
{
	return (struct packet){
		.header = { .nlmsg_len = offsetof(struct packet, end),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_MULTI,
			    .nlmsg_seq = SEQUENCE,
			    .nlmsg_pid = PORTID },
		.socket = { .idiag_family = AF_INET6,
			    .idiag_state = TCP_LISTEN,
			    .idiag_inode = 99,
			    .id.idiag_sport = htons(8080) },
		.attribute = { .nla_len = sizeof(struct nlattr) + 1,
			       .nla_type = INET_DIAG_SKV6ONLY },
		.v6only = 1,
		.end = { .nlmsg_len = sizeof(struct nlmsghdr) + sizeof(int32_t),
			 .nlmsg_type = NLMSG_DONE,
			 .nlmsg_flags = NLM_F_MULTI,
			 .nlmsg_seq = SEQUENCE,
			 .nlmsg_pid = PORTID },
	};
}

static int take(const struct packet *packet, size_t size, struct socket_list *list)
{
	return sockets_take_reply(list, NULL, PROTOCOL_TCP, packet, size, SEQUENCE, PORTID);
}

static void test_reply(void **state)
{
	struct packet packet = valid_packet();
	struct socket_list list = { 0 };

	(void)state;
	assert_int_equal(take(&packet, offsetof(struct packet, end), &list), 1);
	assert_int_equal(take(&packet, sizeof(packet), &list), 0);
	assert_int_equal(list.n_items, 2);
	assert_int_equal(list.items[0].inode, 99);
	assert_int_equal(list.items[0].port, 8080);
	assert_true(list.items[0].v6only_known && list.items[0].v6only);
	socket_list_clear(&list);
}

/* What the kernel says went wrong is not taken for the end of a complete list. */
static void test_reply_refused(void **state)
{
	struct socket_list list = { 0 };
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
	packet.header.nlmsg_type = SOCK_DIAG_BY_FAMILY + 1;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);

	packet = valid_packet();
	packet.socket.idiag_family = AF_UNIX;
	assert_int_equal(take(&packet, sizeof(packet), &list), -EBADMSG);

	packet = valid_packet();
	packet.header.nlmsg_len = sizeof(struct nlmsghdr) + 8;
	assert_int_equal(take(&packet, packet.header.nlmsg_len, &list), -EBADMSG);

	/* An attribute that claims more bytes than the message has is not read. */
	packet = valid_packet();
	packet.attribute.nla_len = 4096;
	list.n_items = 0;
	assert_int_equal(take(&packet, sizeof(packet), &list), 0);
	assert_false(list.items[0].v6only_known);

	packet = valid_packet();
	packet.header.nlmsg_type = NLMSG_ERROR;
	memset(&packet.socket, 0, sizeof(packet.socket));
	memcpy(&packet.socket, &(int){ -EPERM }, sizeof(int));
	assert_int_equal(take(&packet, offsetof(struct packet, end), &list), -EPERM);
	socket_list_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_listener), cmocka_unit_test(test_bound_not_listening),
		cmocka_unit_test(test_ipv6),         cmocka_unit_test(test_udp),
		cmocka_unit_test(test_udp_lite),     cmocka_unit_test(test_mptcp),
		cmocka_unit_test(test_established),  cmocka_unit_test(test_many),
		cmocka_unit_test(test_reply),        cmocka_unit_test(test_reply_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
