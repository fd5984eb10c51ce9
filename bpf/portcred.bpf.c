/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * portcred.bpf.c - the kernel half: what is asked at which hook; of connections, see connection.bpf.h
 *
 * Theory of operation
 *
 * cgroup/bind4 and bind6 judge every bind(2) that names a port, before the kernel's own check: they
 * return 0 (EPERM), 1 (go on; the kernel's rule stands) or 3 (go on, and CAP_NET_BIND_SERVICE is not
 * asked for). post_bind4 and post_bind6 have the last word, with the port that the socket has come to
 * and what another thread may have changed since: the policy, IPV6_V6ONLY. All four are in
 * binding.bpf.h.
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
#include "unasked.bpf.h"

/* include/uapi/linux/bpf.h, since Linux 6.12 */
#ifndef TCP_BPF_SOCK_OPS_CB_FLAGS
#define TCP_BPF_SOCK_OPS_CB_FLAGS 1008
#endif

/* As `unapproved`, by portcredd, by socket cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_REFUSED_SOCKETS);
	__type(key, __u64);
	__type(value, __u8);
} refused SEC(".maps");

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
