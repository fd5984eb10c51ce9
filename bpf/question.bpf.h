/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * question.bpf.h - what every hook begins with: the policy in force, and what it asks of a socket
 */
#ifndef PORTCRED_BPF_QUESTION_H
#define PORTCRED_BPF_QUESTION_H

#include "audit.bpf.h"

#include <linux/in.h>
#include <linux/in6.h>

#include <bpf/bpf_endian.h>

#define ALLOW 1
#define DROP  0

#define AF_INET  2
#define AF_INET6 10

/* protocol_of() - IPPROTO_* to enum protocol; PROTOCOLS for what portcred does not know */
static __always_inline __u32 protocol_of(__u32 ip_protocol)
{
	switch (ip_protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP: /* its options; its binds and listeners are those of a TCP subflow */
		return PROTOCOL_TCP;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return PROTOCOL_UDP;
	default:
		return PROTOCOLS;
	}
}

/* question_open() - choose the slot; NULL: no policy was ever in force */
static __always_inline const struct settings *question_open(struct question *question)
{
	const struct settings *settings;
	const struct control *state;
	__u32 zero = 0;

	state = bpf_map_lookup_elem(&control, &zero);
	if (!state || !state->enabled)
		return NULL;
	/* Read once: the slot must not change between two tables. */
	question->tables.slot = *(volatile const __u32 *)&state->active & (PORTCRED_SLOTS - 1);
	settings = &state->settings[question->tables.slot];
	question->principal.cgroup = settings->cgroup;
	question->generation = settings->generation;
	question->observe_all = settings->observe_all;
	question->vouches = settings->vouches;
	question->unprivileged_port_start = state->unprivileged_port_start;
	return settings;
}

/* question_begin() - the same for a namespace; NULL also where the rules do not hold in it */
static __always_inline const struct settings *question_begin(struct question *question,
							     __u64 namespace_cookie)
{
	const struct settings *settings = question_open(question);

	if (!settings ||
	    (!settings->all_namespaces && settings->namespace_cookie != namespace_cookie))
		return NULL;
	return settings;
}

static __always_inline const struct port_entry *question_port(const struct question *question)
{
	if (question->endpoint.protocol >= PROTOCOLS || question->endpoint.port >= PORTS)
		return NULL;
	return tables_port(&question->tables, question->endpoint.protocol, question->endpoint.port);
}

static __always_inline void set_ipv4(struct endpoint *endpoint, __u32 address)
{
	endpoint->family = 4;
	endpoint->address[0] = 0;
	endpoint->address[1] = 0;
	endpoint->address[2] = bpf_htonl(0xffff);
	endpoint->address[3] = address;
}

/* set_ipv6() - a v4-mapped address is IPv4 */
static __always_inline void set_ipv6(struct endpoint *endpoint, __u32 a, __u32 b, __u32 c, __u32 d)
{
	endpoint->address[0] = a;
	endpoint->address[1] = b;
	endpoint->address[2] = c;
	endpoint->address[3] = d;
	endpoint->family = (a | b) == 0 && c == bpf_htonl(0xffff) ? 4 : 6;
}

/*
 * kernel_sock() - the kernel's own structure behind a socket of ours
 *
 * They are one and the same address, but the verifier allows no arithmetic on the pointer: so it is
 * copied as bytes, and what is read through it is checked at run time.
 */
static __always_inline const struct sock *kernel_sock(const struct bpf_sock *socket)
{
	const struct sock *sk = NULL;

	bpf_probe_read_kernel(&sk, sizeof(sk), &socket);
	return sk;
}

/* socket_v6only() - IPV6_V6ONLY; on failure 0, which asks for more (addresses_cover()) */
static __always_inline __u8 socket_v6only(const struct bpf_sock *socket)
{
	const struct sock *sk = kernel_sock(socket);

	return BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
}

/* socket_port_asked() - whether bind(2) named the port: then a bind hook has judged it */
static __always_inline int socket_port_asked(const struct bpf_sock *socket)
{
	const struct sock *sk = kernel_sock(socket);

	return (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK) != 0;
}

/*
 * socket_namespace() - cookie of the socket's network namespace
 *
 * bpf_get_netns_cookie() is not there for cgroup_skb before 6.14 (include/net/net_namespace.h has
 * the member since 5.12).
 */
static __always_inline __u64 socket_namespace(const struct bpf_sock *socket)
{
	const struct sock *sk = kernel_sock(socket);

	return BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie);
}

#endif
