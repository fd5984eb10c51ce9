/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * refusing.bpf.h - refusals that are heard at once
 *
 * What counts is decided in ingress(), where a segment that may not pass is dropped and its sender waits
 * for a minute. These two programs spare that to whom it need not be done: callers of this machine get
 * ECONNREFUSED from connect(2), and addresses that no rule could admit get a reset. The second one also
 * leads calls to another port (redirect.bpf.h).
 */
#ifndef PORTCRED_BPF_REFUSING_H
#define PORTCRED_BPF_REFUSING_H

#include "arriving.bpf.h"
#include "redirect.bpf.h"

#define ECONNREFUSED 111 /* asm-generic/errno.h */

#define LOOPBACK_IPV4 bpf_htonl(0x7f000001) /* 127.0.0.1 */

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wframe-larger-than" /* no unit is looked at here */

/*
 * find_owner() - of the listener that a call would reach; returns 0 if none is found
 *
 * One that is bound to a device is not: which way the call will go is not known here.
 */
static __always_inline int find_owner(struct bpf_sock_addr *ctx, __u32 family,
				      const struct endpoint *to, struct owner *ret_owner)
{
	struct bpf_sock_tuple tuple = { 0 };
	const struct owner *owner;
	struct bpf_sock *listener;
	__u32 size = sizeof(tuple.ipv4);

	if (family == AF_INET) {
		tuple.ipv4.saddr = tuple.ipv4.daddr = to->address[3];
		tuple.ipv4.dport = bpf_htons(to->port);
	} else {
		size = sizeof(tuple.ipv6);
		for (int i = 0; i < 4; i++)
			tuple.ipv6.saddr[i] = tuple.ipv6.daddr[i] = to->address[i];
		tuple.ipv6.dport = bpf_htons(to->port);
	}
	listener = bpf_sk_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!listener)
		return 0;
	owner = bpf_sk_storage_get(&owners, listener, NULL, 0);
	if (owner)
		*ret_owner = *owner;
	bpf_sk_release(listener);
	return 1;
}

/*
 * source_of_call() - where connect(2) will call from: the socket's own address, else the kernel's choice
 * @own: of the destination; NULL: that is loopback
 */
static __always_inline void source_of_call(const struct bpf_sock *socket,
					   const __u32 destination[4],
					   const struct own_address *own, __u32 source[4])
{
	if (socket->family == AF_INET) {
		map_ipv4(source, socket->src_ip4);
	} else {
		source[0] = socket->src_ip6[0];
		source[1] = socket->src_ip6[1];
		source[2] = socket->src_ip6[2];
		source[3] = socket->src_ip6[3];
	}
	if (!is_unspecified(source))
		return;
	if (own)
		copy_address(source, own->source);
	else if (is_mapped(destination))
		map_ipv4(source, LOOPBACK_IPV4); /* for all of 127.0.0.0/8 */
	else
		copy_address(source, destination);
}

/* judge_caller() - what a set says of one who calls; a function of its own, verified once */
__noinline int judge_caller(struct question *question, const struct remote *remote, __u32 set)
{
	if (!question || !remote)
		return VERDICT_REFUSED;
	decide_remote(&question->tables, remote, set, &question->decision);
	return question->decision.verdict;
}

/*
 * judge_local_caller() - refuse connect(2) to a listener of this machine at once
 *
 * A courtesy: without it the SYN would be dropped, and the caller wait for a minute. What counts is
 * decided in ingress(). So calls that leave the machine end here at the port, most of them, or at its
 * addresses.
 * @question: endpoint is the destination
 */
static __always_inline int judge_local_caller(struct bpf_sock_addr *ctx, struct bpf_sock *socket,
					      struct question *question,
					      const struct settings *settings)
{
	const struct tcp_entry *port = tcp_port(&question->tables, question->endpoint.port);
	struct remote remote = { .host = HOST_LOCAL,
				 .uid = current_uid(),
				 .owner = { UID_NONE, UID_NONE } };
	const __u32 *destination = question->endpoint.address;
	const struct own_address *own = NULL;

	if (!port || !port->accept || question->observe_all)
		return ALLOW;
	if (!is_loopback(destination)) {
		own = own_address(settings, bpf_get_netns_cookie(ctx), destination);
		if (!own)
			return ALLOW;
	}
	remote.source.family = question->endpoint.family;
	remote.source.protocol = PROTOCOL_TCP;
	remote.source.port = socket->src_port;
	source_of_call(socket, destination, own, remote.source.address);
	if (judge_caller(question, &remote, port->accept) != VERDICT_REFUSED)
		return ALLOW;
	/* `owner` alone needs it, and rules only ever grant: looked for where nothing else admits. */
	if (!find_owner(ctx, question->endpoint.family == 4 ? AF_INET : AF_INET6,
			&question->endpoint, &remote.owner) ||
	    judge_caller(question, &remote, port->accept) != VERDICT_REFUSED)
		return ALLOW; /* without a listener the kernel refuses, or ingress() decides */
	tell_of(question, OPERATION_ACCEPT, 0, &remote.source);
	bpf_set_retval(-ECONNREFUSED);
	return DROP;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	struct question question = { 0 };
	const struct settings *settings;
	struct bpf_sock *socket = ctx->sk;

	if (!socket || ctx->protocol != IPPROTO_TCP)
		return ALLOW;
	settings = question_begin(&question, bpf_get_netns_cookie(ctx));
	if (!settings)
		return ALLOW;
	set_ipv4(&question.endpoint, ctx->user_ip4 ? ctx->user_ip4 : LOOPBACK_IPV4);
	question.endpoint.protocol = PROTOCOL_TCP;
	question.endpoint.port = bpf_ntohs(ctx->user_port);
	return judge_local_caller(ctx, socket, &question, settings);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	struct question question = { 0 };
	const struct settings *settings;
	struct bpf_sock *socket = ctx->sk;

	if (!socket || ctx->protocol != IPPROTO_TCP)
		return ALLOW;
	settings = question_begin(&question, bpf_get_netns_cookie(ctx));
	if (!settings)
		return ALLOW;
	set_ipv6(&question.endpoint, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
		 ctx->user_ip6[3]);
	if (question.endpoint.family == 6 && endpoint_unspecified(&question.endpoint))
		question.endpoint.address[3] = bpf_htonl(1);
	question.endpoint.protocol = PROTOCOL_TCP;
	question.endpoint.port = bpf_ntohs(ctx->user_port);
	return judge_local_caller(ctx, socket, &question, settings);
}

/* could_be_admitted() - whether some caller at this address could be, whoever he is */
static __always_inline int could_be_admitted(struct segment *segment, __u32 set)
{
	__u32 port = segment->remote.source.port, verdict;

	if (segment->host != HOST_NONE || judge_remote(segment, set) != VERDICT_REFUSED)
		return 1;
	segment->remote.source.port = RESERVED_FIRST;
	verdict = judge_remote(segment, set);
	segment->remote.source.port = port;
	return verdict != VERDICT_REFUSED;
}

/*
 * comes_from_here() - whether the other end is this machine, as it seems
 *
 * The device does not say: to an address of ours a call comes by the loopback device, but the kernel
 * gives the one that has the address (inet_iif()). Another host can forge ours as a source; ingress()
 * sees by which device it came.
 */
static __always_inline int comes_from_here(const struct bpf_sk_lookup *ctx, const __u32 source[4],
					   const __u32 destination[4])
{
	return ctx->ingress_ifindex == LOOPBACK_INDEX || is_loopback(source) ||
	       same_address(source, destination) || bpf_map_lookup_elem(&own_addresses, source);
}

/* lookup_ends() - the addresses of a segment whose listener is looked for */
static __always_inline void lookup_ends(const struct bpf_sk_lookup *ctx, __u32 source[4],
					__u32 destination[4])
{
	if (ctx->family == AF_INET) {
		map_ipv4(source, ctx->remote_ip4);
		map_ipv4(destination, ctx->local_ip4);
		asm volatile(
			"" ::
				: "memory"); /* no load of two branches: departing.bpf.h, READ() */
		return;
	}
	for (int i = 0; i < 4; i++) {
		source[i] = ctx->remote_ip6[i];
		destination[i] = ctx->local_ip6[i];
	}
}

/*
 * is_stranger() - whether no rule could admit the source, whoever calls from there; told of if so
 *
 * Callers of this machine are left to connect4 and connect6, which look for a listener through here:
 * in a process, where a segment may arrive in between. So what is asked for them is over before the
 * scratch area is touched.
 * @set: of the accept rules of the port called
 */
static __always_inline int is_stranger(const struct bpf_sk_lookup *ctx,
				       const struct question *question, const __u32 source[4],
				       const __u32 destination[4], __u32 set)
{
	struct segment *segment;
	__u32 zero = 0;

	segment = bpf_map_lookup_elem(&segments, &zero);
	if (!segment || comes_from_here(ctx, source, destination))
		return 0;
	segment->question = *question;
	copy_address(segment->signed_.source, source);
	copy_address(segment->signed_.destination, destination);
	segment->signed_.source_port = ctx->remote_port;
	segment_clear(segment);
	segment->question.endpoint.port = ctx->local_port;
	segment_ends(segment);
	segment->host = host_at(&segment->question.tables, segment->signed_.source);
	unknown(segment);
	if (could_be_admitted(segment, set))
		return 0;
	segment->reason = REASON_UNKNOWN_HOST;
	tell_segment(segment, OPERATION_ACCEPT, 0);
	return 1;
}

/*
 * lookup() - which listener a segment is for, where a rule has a say in it
 *
 * Without one the kernel resets the caller: addresses that no rule could admit, and calls that are
 * led to a port where nobody listens. It belongs to portcredd's network namespace.
 */
SEC("sk_lookup")
int lookup(struct bpf_sk_lookup *ctx)
{
	struct question question = { 0 };
	const struct settings *settings;
	const struct tcp_entry *port;
	__u32 source[4], destination[4];

	if (ctx->protocol != IPPROTO_TCP)
		return SK_PASS;
	settings = question_open(&question);
	if (!settings || settings->observe_all)
		return SK_PASS;
	port = tcp_port(&question.tables, ctx->local_port);
	if (!port || !(port->accept | port->redirect))
		return SK_PASS;
	lookup_ends(ctx, source, destination);
	if (port->accept && settings->vouches && ctx->ingress_ifindex != LOOPBACK_INDEX &&
	    is_stranger(ctx, &question, source, destination, port->accept))
		return SK_DROP;
	return port->redirect ? lead(ctx, destination, port->redirect) : SK_PASS;
}

#pragma clang diagnostic pop

#endif
