/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * portcred.bpf.c - the kernel half: who may bind a port
 *
 * Theory of operation
 *
 * cgroup/bind4 and bind6 judge every bind(2) that names a port, before the kernel's own check: they
 * return 0 (EPERM), 1 (go on; the kernel's rule stands) or 3 (go on, and CAP_NET_BIND_SERVICE is not
 * asked for). post_bind4 and post_bind6 have the last word, with the port that the socket has come to
 * and what another thread may have changed since: the policy, IPV6_V6ONLY. See judge_bound().
 *
 * A socket can come to a port without naming it: bind(2) to port 0, listen(2), connect(2) or
 * sendto(2) on an unbound socket. The ephemeral port allocator skips ip_local_reserved_ports, where
 * portcredd enters governed ports; these hooks hold where that list was erased or, with
 * `set scope all`, never written:
 *
 *	post_bind4, post_bind6    bind(2) to port 0
 *	sendmsg4, sendmsg6        UDP, with the port that the first sendto(2) took
 *	cgroup_skb/ingress        UDP whose port nobody was asked about: connect(2) takes one and calls
 *	cgroup_skb/egress         no hook behind it, nor does a send(2) that fails for want of an
 *	                          address; and a socket whose sendto(2) was refused keeps its port
 *	setsockopt                IP_LOCAL_PORT_RANGE (since 6.3), with which a user aims
 *	sock_ops TCP_LISTEN       listen(2): cannot be refused any more, so the listener is marked, and
 *	cgroup_skb/ingress        what arrives for a marked socket is dropped
 *
 * A second mark, by the socket's cookie, comes from portcredd: sockets that were bound before a
 * policy that refuses them. (It finds them through sock_diag, which also shows a socket that no
 * process holds just now because its descriptor is on its way through a unix socket.)
 *
 * portcredd binds for others, whom it has judged itself (src/portcredd/broker.c): the socket is marked
 * while it does, and neither bind nor post_bind asks about portcredd then.
 *
 * Which way a failure falls: a table that is missing or an index out of range refuses where a rule
 * governs (decide.h); with no policy at all, everything is left as the kernel has it.
 */
#include "arriving.bpf.h"
#include "departing.bpf.h"
#include "peercred.bpf.h"
#include "refusing.bpf.h"

/* Return values of the bind hooks (kernel/bpf/cgroup.c, BPF_RET_BIND_NO_CAP_NET_BIND_SERVICE). */
#define BIND_REFUSE       0
#define BIND_GO_ON        1
#define BIND_GO_ON_NO_CAP 3

/* include/uapi/linux/in.h; IPPROTO_IP also reaches this option on IPv6 sockets */
#define IP_LOCAL_PORT_RANGE 51

/* include/uapi/linux/bpf.h, since Linux 6.12 */
#ifndef TCP_BPF_SOCK_OPS_CB_FLAGS
#define TCP_BPF_SOCK_OPS_CB_FLAGS 1008
#endif

/* Listeners that came to a governed port unasked, and were refused it: nothing may arrive. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} unapproved SEC(".maps");

/* UDP sockets that came to a governed port unasked, by a process that may have it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} approved SEC(".maps");

/* Sockets that portcredd is binding for somebody: whose they will be. Only portcredd writes here. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct owner);
} brokered SEC(".maps");

/* As `unapproved`, by portcredd, by socket cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_REFUSED_SOCKETS);
	__type(key, __u64);
	__type(value, __u8);
} refused SEC(".maps");

/* answer() - what one rule set says to the current task, into question->decision */
static __always_inline __u32 answer(struct question *question, __u32 set)
{
	question->principal.uid = current_uid();
	decide_set(&question->tables, &question->principal, &question->endpoint, set,
		   &question->decision);
	return question->decision.verdict;
}

/* below_threshold() - whether the kernel's own rule would ask for the capability */
static __always_inline int below_threshold(const struct question *question)
{
	return question->endpoint.port < question->unprivileged_port_start;
}

/*
 * judge() - decide and tell; returns the verdict that counts
 *
 * Told are refusals, and grants without which the kernel would have refused.
 */
static __always_inline __u32 judge(struct question *question, const struct port_entry *port)
{
	__u32 verdict;

	if (port->observed && answer(question, port->observed) == VERDICT_REFUSED)
		tell(question, OPERATION_BIND, 1);

	verdict = answer(question, port->enforced);
	if (verdict == VERDICT_REFUSED && question->observe_all) {
		tell(question, OPERATION_BIND, 1);
		return VERDICT_UNGOVERNED;
	}
	if (verdict == VERDICT_REFUSED ||
	    (verdict == VERDICT_GRANTED && below_threshold(question) &&
	     !principal_capable(&question->principal)))
		tell(question, OPERATION_BIND, 0);
	return verdict;
}

/* kernel_rule() - tell what the kernel is about to refuse by its own rule */
static __always_inline void kernel_rule(struct question *question)
{
	struct rule nothing = { 0 };

	if (!below_threshold(question) || principal_capable(&question->principal))
		return;
	question->decision.verdict = VERDICT_KERNEL_REFUSED;
	question->decision.rule = nothing;
	tell(question, OPERATION_BIND, 0);
}

static __always_inline int judge_bind(struct question *question)
{
	const struct port_entry *port;
	__u32 verdict = VERDICT_UNGOVERNED;

	if (question->endpoint.protocol >= PROTOCOLS || question->endpoint.port == 0)
		return BIND_GO_ON;
	port = question_port(question);
	if (!port)
		return BIND_REFUSE;
	if (port->enforced | port->observed)
		verdict = judge(question, port);

	switch (verdict) {
	case VERDICT_GRANTED:
		return BIND_GO_ON_NO_CAP;
	case VERDICT_REFUSED:
		return BIND_REFUSE;
	case VERDICT_UNGOVERNED:
		kernel_rule(question);
		return BIND_GO_ON;
	default:
		return BIND_GO_ON;
	}
}

/*
 * brokered_for() - for whom portcredd is binding this socket; NULL: it is not
 * portcredd is root: nobody else pays for the look-up.
 * @socket: a socket, or the context of post_bind: the helper takes either
 */
static __always_inline struct owner *brokered_for(void *socket)
{
	if (current_uid() != 0)
		return NULL;
	return bpf_sk_storage_get(&brokered, socket, NULL, 0);
}

SEC("cgroup/bind4")
int bind4(struct bpf_sock_addr *ctx)
{
	struct question question = { 0 };

	if (!question_begin(&question, bpf_get_netns_cookie(ctx)))
		return BIND_GO_ON;
	set_ipv4(&question.endpoint, ctx->user_ip4);
	question.endpoint.protocol = protocol_of(ctx->protocol);
	question.endpoint.port = bpf_ntohs(ctx->user_port);
	if (ctx->sk && brokered_for(ctx->sk))
		return BIND_GO_ON_NO_CAP;
	return judge_bind(&question);
}

SEC("cgroup/bind6")
int bind6(struct bpf_sock_addr *ctx)
{
	struct question question = { 0 };

	if (!question_begin(&question, bpf_get_netns_cookie(ctx)))
		return BIND_GO_ON;
	set_ipv6(&question.endpoint, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
		 ctx->user_ip6[3]);
	question.endpoint.v6only = ctx->sk ? socket_v6only(ctx->sk) : 0;
	question.endpoint.protocol = protocol_of(ctx->protocol);
	question.endpoint.port = bpf_ntohs(ctx->user_port);
	if (ctx->sk && brokered_for(ctx->sk))
		return BIND_GO_ON_NO_CAP;
	return judge_bind(&question);
}

/*
 * judge_taken() - a port that a socket has come to; returns 0 if it may not have it
 *
 * No observing policy here: where there is a bind hook, it has answered there.
 */
static __always_inline int judge_taken(struct question *question, __u32 operation)
{
	const struct port_entry *port = question_port(question);

	if (!port || !port->enforced || question->observe_all)
		return ALLOW;
	if (answer(question, port->enforced) != VERDICT_REFUSED)
		return ALLOW;
	tell(question, operation, 0);
	return DROP;
}

/* governed() - whether the policy refuses the port to anyone */
static __always_inline int governed(const struct question *question)
{
	const struct port_entry *port = question_port(question);

	return port && port->enforced && !question->observe_all;
}

/*
 * remember_owner() - whose listener it will be, if it becomes one
 * @flags: BPF_SK_STORAGE_GET_F_CREATE; 0: only where somebody was remembered before
 */
static __always_inline void remember_owner(struct bpf_sock *ctx, __u64 flags, __u32 uid, __u32 gid)
{
	struct owner *owner = bpf_sk_storage_get(&owners, ctx, NULL, flags);

	if (!owner)
		return;
	owner->uid = uid;
	owner->gid = gid;
}

/*
 * judge_bound() - a bind(2) that has its port, unless it loses it here again
 *
 * One that named its port was judged before, maybe by another policy: behind that the kernel waits
 * for the socket, which another thread can hold for as long as it likes. From here to the end of
 * bind(2) it does not wait, and a list of sockets made once no program is inside the policy before
 * (slots_put()) has whatever that one let pass. Only here, too, is it known that a bind(2) succeeds.
 */
static __always_inline int judge_bound(struct bpf_sock *ctx, struct question *question)
{
	const struct owner *user = brokered_for(ctx);

	if (user) {
		remember_owner(ctx, BPF_SK_STORAGE_GET_F_CREATE, user->uid, user->gid);
		return ALLOW;
	}
	if (governed(question)) {
		if (question->endpoint.family == 6)
			question->endpoint.v6only = socket_v6only(ctx);
		if (judge_taken(question, OPERATION_AUTOBIND) == DROP)
			return DROP;
		if (question->endpoint.protocol == PROTOCOL_UDP)
			bpf_sk_storage_get(&approved, ctx, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	}
	if (question->endpoint.protocol == PROTOCOL_TCP)
		remember_owner(ctx, question->vouches ? BPF_SK_STORAGE_GET_F_CREATE : 0,
			       current_uid(), current_gid());
	return ALLOW;
}

SEC("cgroup/post_bind4")
int post_bind4(struct bpf_sock *ctx)
{
	struct question question = { 0 };

	if (!question_begin(&question, bpf_get_netns_cookie(ctx)))
		return ALLOW;
	set_ipv4(&question.endpoint, ctx->src_ip4);
	question.endpoint.protocol = protocol_of(ctx->protocol);
	question.endpoint.port = ctx->src_port;
	return judge_bound(ctx, &question);
}

SEC("cgroup/post_bind6")
int post_bind6(struct bpf_sock *ctx)
{
	struct question question = { 0 };

	if (!question_begin(&question, bpf_get_netns_cookie(ctx)))
		return ALLOW;
	set_ipv6(&question.endpoint, ctx->src_ip6[0], ctx->src_ip6[1], ctx->src_ip6[2],
		 ctx->src_ip6[3]);
	question.endpoint.protocol = protocol_of(ctx->protocol);
	question.endpoint.port = ctx->src_port;
	return judge_bound(ctx, &question);
}

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
	if (judge_taken(&question, OPERATION_SEND) == DROP)
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
 * adopt_listener() - ask for the header callbacks of a listener that is there already
 *
 * TCP_BPF_SOCK_OPS_CB_FLAGS is there since Linux 6.12. The kernel is not to see the call: it knows no
 * such option.
 */
static __always_inline int adopt_listener(struct bpf_sockopt *ctx, struct bpf_sock *socket)
{
	int flags = WRITE_FLAG;

	if (current_uid() != 0 || !in_initial_namespace() || socket->state != BPF_TCP_LISTEN ||
	    bpf_setsockopt(socket, IPPROTO_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags)) !=
		    0)
		return DROP;
	ctx->optlen = -1;
	return ALLOW;
}

SEC("cgroup/setsockopt")
int setsockopt(struct bpf_sockopt *ctx)
{
	struct bpf_sock *socket = ctx->sk;

	if (ctx->level == IPPROTO_IP && ctx->optname == IP_LOCAL_PORT_RANGE && socket) {
		if (port_range(ctx, socket) == DROP)
			return DROP;
		/* Our copy, for the caller's may be another by now. Of any other length it is refused. */
		if (ctx->optlen == sizeof(__u32))
			return ALLOW;
	}
	if (ctx->level == SOL_PORTCRED && ctx->optname == PORTCRED_LISTENS && socket)
		return adopt_listener(ctx, socket);
	/* The kernel is to take the caller's bytes, not our copy, which may be cut to a page. */
	ctx->optlen = 0;
	return ALLOW;
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
	if (judge_taken(&question, OPERATION_LISTEN) == ALLOW)
		return 1;
	mark_unapproved(socket);
	return 0;
}

SEC("sockops")
int sock_ops(struct bpf_sock_ops *ctx)
{
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		if (listening(ctx))
			offer_listener(ctx);
		become_listener(ctx);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		connecting(ctx);
		break;
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		reserve_option(ctx);
		break;
	case BPF_SOCK_OPS_WRITE_HDR_OPT_CB:
		write_option(ctx);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		opened(ctx);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		accepted(ctx);
		break;
	case BPF_SOCK_OPS_PARSE_HDR_OPT_CB:
		/* Something beyond the SYN-ACK: our ack was heard. */
		callbacks_off(ctx, WRITE_FLAG | PARSE_FLAG);
		break;
	}
	return 1;
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
	return governed(&question);
}

/* stray() - such a UDP socket, if it was not approved in a bind or a sendto(2) */
static __always_inline int stray(struct bpf_sock *socket)
{
	return came_unasked(socket, PROTOCOL_UDP) &&
	       !bpf_sk_storage_get(&approved, socket, NULL, 0);
}

/* socket_refused() - whether portcredd refuses what arrives for this socket, or has yet to look at it */
static __always_inline int socket_refused(struct __sk_buff *skb, struct bpf_sock *socket)
{
	const struct control *state;
	__u32 zero = 0, sockets;
	__u64 cookie;

	state = bpf_map_lookup_elem(&control, &zero);
	if (!state || !state->refused_sockets)
		return 0;
	sockets = state->refused_sockets;
	if ((sockets & REFUSED_UNASKED) && socket->state == BPF_TCP_LISTEN &&
	    came_unasked(socket, PROTOCOL_TCP))
		return 1;
	cookie = bpf_get_socket_cookie(skb);
	return bpf_map_lookup_elem(&refused, &cookie) != NULL;
}

static __always_inline int is_udp(const struct bpf_sock *socket)
{
	return socket->protocol == IPPROTO_UDP || socket->protocol == IPPROTO_UDPLITE;
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wframe-larger-than" /* no unit is looked at from here on */

/*
 * ingress() - what arrives for a marked TCP listener, a marked UDP socket or a stray is dropped, and
 * handshakes are judged
 */
SEC("cgroup_skb/ingress")
int ingress(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;

	if (!socket)
		return ALLOW;
	socket = bpf_sk_fullsock(socket);
	if (!socket)
		return ALLOW;
	if (socket->state == BPF_TCP_SYN_SENT && socket->protocol == IPPROTO_TCP)
		return arrives_at_opener(skb, socket);
	if (socket->state != BPF_TCP_LISTEN && !is_udp(socket))
		return ALLOW;
	if (bpf_sk_storage_get(&unapproved, socket, NULL, 0) || socket_refused(skb, socket))
		return DROP;
	if (is_udp(socket))
		return stray(socket) ? DROP : ALLOW;
	return arrives_at_listener(skb, socket);
}

/* egress() - a stray sends nothing; EPERM where a connected one tries */
SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;

	if (!socket)
		return ALLOW;
	socket = bpf_sk_fullsock(socket);
	if (!socket || !is_udp(socket))
		return ALLOW;
	return stray(socket) ? DROP : ALLOW;
}

SEC("cgroup/getsockopt")
int getsockopt(struct bpf_sockopt *ctx)
{
	struct bpf_sock *socket = ctx->sk;
	int answered = 0;

	if (socket && ctx->level == SOL_SOCKET && ctx->optname == SO_PEERCRED)
		answered = answer_peercred(ctx, socket);
	else if (socket && ctx->level == SOL_PORTCRED && ctx->optname == PORTCRED_PEER)
		answered = answer_record(ctx, socket);
	else
		ctx->optlen = 0; /* the kernel's answer, untouched */
	/* So is an answer to one of these two, the kernel's or that of an instance below, if it is no
	 * larger than what the kernel lends; none is. */
	if (!answered && ctx->optlen > (int)sizeof(struct peer))
		ctx->optlen = 0;
	return 1;
}

#pragma clang diagnostic pop

char LICENSE[] SEC("license") = "Dual MIT/GPL";
