/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * unasked.bpf.h - ports that a socket came to by no bind(2): the kernel has chosen them
 *
 * portcred.bpf.c says which ways there are and what stands in each.
 */
#ifndef PORTCRED_BPF_UNASKED_H
#define PORTCRED_BPF_UNASKED_H

#include "binding.bpf.h"

/* include/uapi/linux/in.h; IPPROTO_IP also reaches this option on IPv6 sockets */
#define IP_LOCAL_PORT_RANGE 51

/* Listeners that came to a governed port unasked, and were refused it: nothing may arrive. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} unapproved SEC(".maps");

/* judge_send() - a datagram from a port that no bind(2) named */
static __always_inline int judge_send(struct bpf_sock_addr *ctx)
{
	struct question question = { 0 };
	const struct port_entry *port;
	struct bpf_sock *socket = ctx->sk;

	if (!socket || !question_begin(&question, bpf_get_netns_cookie(ctx)))
		return ALLOW;
	question.endpoint.protocol = protocol_of(ctx->protocol);
	question.endpoint.port = socket->src_port;
	port = question_port(&question);
	if (!port || !port->enforced || socket_port_asked(socket))
		return ALLOW;
	if (socket->family == AF_INET) {
		set_ipv4(&question.endpoint, socket->src_ip4);
	} else {
		set_ipv6(&question.endpoint, socket->src_ip6[0], socket->src_ip6[1],
			 socket->src_ip6[2], socket->src_ip6[3]);
		question.endpoint.v6only = socket_v6only(socket);
	}
	if (judge_taken(&question, port, OPERATION_SEND) == DROP)
		return DROP;
	bpf_sk_storage_get(&approved, socket, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	return ALLOW;
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return judge_send(ctx);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	return judge_send(ctx);
}

/* port_range() - IP_LOCAL_PORT_RANGE: nobody aims at governed ports; who may have one binds it */
static __always_inline int port_range(struct bpf_sockopt *ctx, struct bpf_sock *socket)
{
	struct question question = { 0 };
	const struct port_entry *port;
	const struct rule_set *rules;
	__u32 low, high;
	__u32 *value = ctx->optval;

	if ((void *)(value + 1) > ctx->optval_end)
		return ALLOW; /* too short: the kernel refuses it */
	if (!question_begin(&question, bpf_get_netns_cookie(ctx)) || question.observe_all)
		return ALLOW;
	low = *value & 0xffff;
	high = *value >> 16;
	if (low == 0 && high == 0)
		return ALLOW; /* back to the range of the namespace */
	if (high == 0)
		high = PORTS - 1;

	question.endpoint.protocol = protocol_of(socket->protocol);
	question.endpoint.port = low;
	question.endpoint.family = socket->family == AF_INET6 ? 6 : 4;
	port = question_port(&question);
	if (!port || port->next > high)
		return ALLOW;

	question.endpoint.port = port->next;
	port = question_port(&question);
	rules = port ? tables_set(&question.tables, port->enforced) : NULL;
	if (rules)
		question.decision.rule = rules->rule;
	question.decision.verdict = VERDICT_REFUSED;
	tell(&question, OPERATION_PORT_RANGE, 0);
	return DROP;
}

/*
 * mark_unapproved() - nothing is to reach this listener
 *
 * A socket's storage counts against its option memory (net.core.optmem_max), which its maker may have
 * filled up to the last byte, with a filter for example. Then all listeners like it are refused, those of
 * who may have the port too, until portcredd has looked at each (enforcer_refuse_sockets()).
 */
static __always_inline void mark_unapproved(struct bpf_sock *socket)
{
	struct control *state;
	__u32 zero = 0;

	count(COUNTER_MARKED);
	if (bpf_sk_storage_get(&unapproved, socket, NULL, BPF_SK_STORAGE_GET_F_CREATE))
		return;
	state = bpf_map_lookup_elem(&control, &zero);
	if (state)
		__sync_fetch_and_or(&state->refused_sockets, REFUSED_UNASKED);
}

/*
 * listening() - a listener whose port no bind(2) named: the caller of listen(2) is judged
 * Returns 0 if nothing is to reach it.
 */
static __always_inline int listening(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *socket = ctx->sk;
	struct question question = { 0 };

	if (!socket)
		return 0;
	/* It may have been a listener before, at another port. */
	bpf_sk_storage_delete(&unapproved, socket);
	if (socket_port_asked(socket) || !question_begin(&question, bpf_get_netns_cookie(ctx)))
		return 1;
	question.endpoint.protocol = PROTOCOL_TCP;
	question.endpoint.port = READ(local_port);
	if (READ(family) == AF_INET) {
		set_ipv4(&question.endpoint, READ(local_ip4));
	} else {
		set_ipv6(&question.endpoint, READ(local_ip6[0]), READ(local_ip6[1]),
			 READ(local_ip6[2]), READ(local_ip6[3]));
		question.endpoint.v6only = socket_v6only(socket);
	}
	if (judge_taken(&question, question_port(&question), OPERATION_LISTEN) == ALLOW)
		return 1;
	mark_unapproved(socket);
	return 0;
}

/*
 * came_unasked() - whether a socket is at a governed port that its bind(2) did not name
 * Whoever runs now is not the one who sends or receives, so nobody can be judged here.
 */
static __always_inline int came_unasked(struct bpf_sock *socket, __u8 protocol)
{
	struct question question = { 0 };

	if (socket_port_asked(socket) || !question_begin(&question, socket_namespace(socket)))
		return 0;
	question.endpoint.protocol = protocol;
	question.endpoint.port = socket->src_port;
	return governed(&question, question_port(&question));
}

/* stray() - such a UDP socket, if it was not approved in a bind or a sendto(2) */
static __always_inline int stray(struct bpf_sock *socket)
{
	return came_unasked(socket, PROTOCOL_UDP) &&
	       !bpf_sk_storage_get(&approved, socket, NULL, 0);
}

#endif
