/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * departing.bpf.h - segments of a handshake as they leave: stamped; and what is known once it is over
 *
 * Called from sock_ops. The header callbacks are asked for (BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG) by
 * openers and listeners alone, and taken back from each connection once it is established.
 *
 * Another instance may govern a control group above or below, for another network namespace: its programs
 * run for the same sockets. Callbacks of a socket in a namespace where our rules do not hold are its own.
 */
#ifndef PORTCRED_BPF_DEPARTING_H
#define PORTCRED_BPF_DEPARTING_H

#include "connection.bpf.h"

#include <linux/tcp.h>

/*
 * READ() - one word of this context
 *
 * The verifier takes loads of 32 bits at a constant offset alone. The compiler would join two of them
 * into one of 64 bits, or make one load through a pointer of two branches; not behind assembly.
 */
#define READ(word)                                                                                 \
	({                                                                                         \
		__u32 _word;                                                                       \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                              \
			     : "=r"(_word)                                                         \
			     : "r"(ctx), "i"(offsetof(struct bpf_sock_ops, word)));                \
		_word;                                                                             \
	})

/* From the third transmission on a SYN goes without: a middlebox may drop what it does not know. */
#define MAX_STAMPED_RETRANSMITS 2

#define WRITE_FLAG BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG
#define PARSE_FLAG BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG

static __always_inline void callbacks_on(struct bpf_sock_ops *ctx, __u32 flags)
{
	bpf_sock_ops_cb_flags_set(ctx, READ(bpf_sock_ops_cb_flags) | flags);
}

static __always_inline void callbacks_off(struct bpf_sock_ops *ctx, __u32 flags)
{
	if (!(READ(bpf_sock_ops_cb_flags) & flags))
		return;
	bpf_sock_ops_cb_flags_set(ctx, READ(bpf_sock_ops_cb_flags) & ~flags);
}

static __always_inline void local_address(struct bpf_sock_ops *ctx, __u32 address[4])
{
	if (READ(family) == AF_INET) {
		map_ipv4(address, READ(local_ip4));
		return;
	}
	address[0] = READ(local_ip6[0]);
	address[1] = READ(local_ip6[1]);
	address[2] = READ(local_ip6[2]);
	address[3] = READ(local_ip6[3]);
}

static __always_inline void remote_address(struct bpf_sock_ops *ctx, __u32 address[4])
{
	if (READ(family) == AF_INET) {
		map_ipv4(address, READ(remote_ip4));
		return;
	}
	address[0] = READ(remote_ip6[0]);
	address[1] = READ(remote_ip6[1]);
	address[2] = READ(remote_ip6[2]);
	address[3] = READ(remote_ip6[3]);
}

/* remote_port() - the context has it in network order, in the upper half (net/core/filter.c) */
static __always_inline __u16 remote_port(struct bpf_sock_ops *ctx)
{
	return bpf_ntohl(READ(remote_port));
}

/* key_as_server() - of a handshake that this end accepts */
static __always_inline void key_as_server(struct bpf_sock_ops *ctx, struct handshake_key *key)
{
	key->namespace_cookie = bpf_get_netns_cookie(ctx);
	remote_address(ctx, key->client);
	local_address(ctx, key->server);
	key->client_port = remote_port(ctx);
	key->server_port = READ(local_port);
	key->zero = 0;
}

/* is_subflow() - of Multipath TCP */
static __always_inline int is_subflow(const struct tcp_sock *tcp)
{
	return bpf_core_field_exists(tcp->is_mptcp) && BPF_CORE_READ_BITFIELD_PROBED(tcp, is_mptcp);
}

/*
 * opener_uid() - the effective user of connect(2); UID_NONE: nobody's
 *
 * A kernel thread calls for the kernel (the NFS client): root, if the socket is the kernel's own. One
 * that finishes what a user began (MPTCP's subflows) must not lend him root, nor may anyone else.
 */
static __always_inline __u32 opener_uid(const struct bpf_sock *socket)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct tcp_sock *tcp = (const struct tcp_sock *)kernel_sock(socket);

	if (is_subflow(tcp))
		return UID_NONE;
	/*
	 * TCP_FASTOPEN_CONNECT: connect(2) has sent nothing, and now somebody writes, perhaps a
	 * set-user-ID program that was given the socket as its standard error.
	 */
	if (BPF_CORE_READ_BITFIELD_PROBED(tcp, fastopen_connect) &&
	    BPF_CORE_READ(tcp, fastopen_req, data))
		return UID_NONE;
	if (!task->mm && (task->flags & PF_KTHREAD) &&
	    BPF_CORE_READ((const struct sock *)tcp, sk_uid.val) != 0)
		return UID_NONE;
	return task->cred->euid.val;
}

/* asks_who_calls() - whether a rule or SO_PEERCRED of this machine does, of callers of a port */
static __always_inline int asks_who_calls(const struct question *question,
					  const struct settings *settings, __u16 port)
{
	const struct tcp_entry *entry;

	if (settings->peercred == PEERCRED_ALL)
		return 1;
	entry = tcp_port(&question->tables, port);
	return entry &&
	       (entry->accept | entry->accept_observed | entry->connect | entry->connect_observed);
}

/*
 * whom_called() - the host that is called; HOST_NONE: no vouch is for it
 *
 * Another host's rules are not known here, so it always hears who calls. Inside this machine they
 * are: only where a rule or SO_PEERCRED asks, and only then is it looked up whether it is inside.
 */
static __always_inline __u32 whom_called(struct bpf_sock_ops *ctx, const struct question *question,
					 const struct settings *settings)
{
	int asked = asks_who_calls(question, settings, remote_port(ctx));
	__u32 local[4], remote[4];

	remote_address(ctx, remote);
	local_address(ctx, local);
	if (is_loopback(remote) || same_address(local, remote))
		return asked ? HOST_LOCAL : HOST_NONE;
	if (asked && own_address(settings, bpf_get_netns_cookie(ctx), remote))
		return HOST_LOCAL;
	return host_at(&question->tables, remote);
}

/*
 * What follows is verified once each and alone, and has a frame of its own: that of sock_ops() lies
 * below the deepest chain of calls, which listen(2) takes (meson.build).
 */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wframe-larger-than"

/* connecting() - connect(2), in the caller's context, the route chosen and nothing sent yet */
__noinline int connecting(struct bpf_sock_ops *ctx)
{
	struct question question = { 0 };
	const struct settings *settings;
	const struct host_entry *entry;
	struct bpf_sock *socket = ctx->sk;
	struct opener *opener;
	__u32 host, uid;

	if (!socket)
		return 0;
	/* What the socket was before it was disconnected is over. */
	bpf_sk_storage_delete(&openers, socket);
	bpf_sk_storage_delete(&peers, socket);
	settings = question_begin(&question, bpf_get_netns_cookie(ctx));
	if (!settings)
		return 0;
	callbacks_off(ctx, WRITE_FLAG | PARSE_FLAG);
	if (!settings->vouches)
		return 0;
	host = whom_called(ctx, &question, settings);
	entry = host == HOST_NONE ? NULL : tables_host(&question.tables, host);
	if (!entry || !entry->pairs)
		return 0;
	uid = opener_uid(socket);
	if (uid == UID_NONE)
		return 0;
	opener = bpf_sk_storage_get(&openers, socket, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!opener)
		return 0;
	opener->keys = entry->pair[0];
	opener->peer.version = 0;
	opener->uid = uid;
	opener->host = host;
	callbacks_on(ctx, WRITE_FLAG);
	return 0;
}

/* reserve_option() - whether there is to be one in this segment; no room: it goes without */
__noinline int reserve_option(struct bpf_sock_ops *ctx)
{
	__u32 flags = READ(skb_tcp_flags);
	struct bpf_sock *socket = ctx->sk;
	struct handshake_key key;
	const struct opener *opener;

	if ((flags & (FLAG_SYN | FLAG_ACK)) == (FLAG_SYN | FLAG_ACK)) {
		key_as_server(ctx, &key);
		if (bpf_map_lookup_elem(&handshakes, &key))
			bpf_reserve_hdr_opt(ctx, VOUCH_LENGTH, 0);
		return 0;
	}
	if (!socket)
		return 0;
	if ((flags & FLAG_SYN) && READ(total_retrans) >= MAX_STAMPED_RETRANSMITS)
		return 0;
	if (flags & FLAG_RST)
		return 0; /* it opens nothing */
	opener = bpf_sk_storage_get(&openers, socket, NULL, 0);
	if (!opener || (!(flags & FLAG_SYN) && opener->peer.version == 0))
		return 0;
	bpf_reserve_hdr_opt(ctx, VOUCH_LENGTH, 0);
	return 0;
}

/* current_epoch() - by the policy in force */
static __always_inline __u32 current_epoch(void)
{
	struct question question;
	const struct settings *settings = question_open(&question);

	return now_epoch(settings ? settings->clock_offset : 0);
}

static __always_inline void store(struct bpf_sock_ops *ctx, struct vouch_option *option,
				  struct vouch_signed *signed_, const struct vouch_key *key,
				  __u32 epoch)
{
	local_address(ctx, signed_->source);
	remote_address(ctx, signed_->destination);
	vouch_sign(option, signed_, key, epoch);
	bpf_store_hdr_opt(ctx, option, VOUCH_LENGTH, 0);
}

/* write_syn_ack() - of a noted SYN and of no other */
static __always_inline void write_syn_ack(struct bpf_sock_ops *ctx, const struct tcphdr *tcp)
{
	struct vouch_signed signed_ = { 0 };
	struct vouch_option option = { 0 };
	struct handshake_key key;
	struct handshake *note;

	key_as_server(ctx, &key);
	note = bpf_map_lookup_elem(&handshakes, &key);
	if (!note || bpf_htonl(note->client_isn + 1) != tcp->ack_seq)
		return;
	if (READ(args[0]) != BPF_WRITE_HDR_TCP_SYNACK_COOKIE)
		note->asked = bpf_ntohl(tcp->seq);
	option.uid = bpf_htonl(note->owner_uid);
	option.flags = VOUCH_SYN_ACK | (note->flags & HANDSHAKE_APPROVED ? VOUCH_APPROVED : 0);
	signed_.source_port = tcp->source;
	signed_.destination_port = tcp->dest;
	signed_.client_isn = bpf_htonl(note->client_isn);
	signed_.server_isn = tcp->seq;
	store(ctx, &option, &signed_, &note->keys.out, note->epoch);
}

__noinline int write_option(struct bpf_sock_ops *ctx)
{
	__u32 flags = READ(skb_tcp_flags);
	struct vouch_signed signed_ = { 0 };
	struct vouch_option option = { 0 };
	struct bpf_sock *socket = ctx->sk;
	struct tcphdr *tcp = ctx->skb_data;
	struct opener *opener;

	if ((void *)(tcp + 1) > ctx->skb_data_end)
		return 0;
	if ((flags & FLAG_SYN) && (flags & FLAG_ACK)) {
		write_syn_ack(ctx, tcp);
		return 0;
	}
	opener = socket ? bpf_sk_storage_get(&openers, socket, NULL, 0) : NULL;
	if (!opener)
		return 0;
	if (flags & FLAG_SYN) {
		option.flags = VOUCH_SYN;
		opener->client_isn = bpf_ntohl(tcp->seq);
		opener->epoch = current_epoch();
	} else {
		option.flags = VOUCH_ACK;
		signed_.server_isn = bpf_htonl(opener->server_isn);
	}
	option.uid = bpf_htonl(opener->uid);
	signed_.source_port = tcp->source;
	signed_.destination_port = tcp->dest;
	signed_.client_isn = bpf_htonl(opener->client_isn);
	store(ctx, &option, &signed_, &opener->keys.out, opener->epoch);
	return 0;
}

/* opened() - the SYN-ACK is taken: go on stamping only if it was vouched, and until it is heard */
__noinline int opened(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *socket = ctx->sk;
	const struct opener *opener;

	if (!(READ(bpf_sock_ops_cb_flags) & WRITE_FLAG) || !socket)
		return 0;
	opener = bpf_sk_storage_get(&openers, socket, NULL, 0);
	if (!opener)
		return 0; /* connecting() did not ask */
	if (opener->peer.version == 0) {
		callbacks_off(ctx, WRITE_FLAG);
		return 0;
	}
	count(COUNTER_VOUCHED);
	callbacks_on(ctx, PARSE_FLAG);
	return 0;
}

/* accepted() - the connection is there: if its ack was proved, it is known who called */
__noinline int accepted(struct bpf_sock_ops *ctx)
{
	struct question question = { 0 };
	struct bpf_sock *socket = ctx->sk;
	const struct handshake *note;
	struct handshake_key key;
	struct peer *peer;

	if (!(READ(bpf_sock_ops_cb_flags) & WRITE_FLAG) || !socket ||
	    !question_begin(&question, bpf_get_netns_cookie(ctx)))
		return 0;
	callbacks_off(ctx, WRITE_FLAG);
	key_as_server(ctx, &key);
	note = bpf_map_lookup_elem(&handshakes, &key);
	if (!note)
		return 0;
	if ((note->flags & HANDSHAKE_PROVEN) && note->client_isn + 1 == READ(rcv_nxt) &&
	    note->server_isn + 1 == READ(snd_nxt)) {
		peer = bpf_sk_storage_get(&peers, socket, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		if (peer)
			*peer = note->peer;
		count(COUNTER_VOUCHED);
	}
	bpf_map_delete_elem(&handshakes, &key);
	return 0;
}

/* owner_at_listen() - of a listener whose bind(2) was not seen, or that did without */
static __always_inline void owner_at_listen(const struct bpf_sock *socket, struct owner *owner)
{
	if (socket_port_asked(socket)) {
		/* It was bound before there was a reason to look: its maker is the best that is known. */
		owner->uid = BPF_CORE_READ(kernel_sock(socket), sk_uid.val);
		owner->gid = UID_NONE;
		return;
	}
	owner->uid = current_uid();
	owner->gid = current_gid();
}

/* become_listener() - listen(2): who owns it, and its SYN-ACKs are to be asked about */
__noinline int become_listener(struct bpf_sock_ops *ctx)
{
	struct question question = { 0 };
	const struct settings *settings;
	struct bpf_sock *socket = ctx->sk;
	struct owner *owner;

	if (!socket)
		return 0;
	settings = question_begin(&question, bpf_get_netns_cookie(ctx));
	if (!settings || !settings->vouches)
		return 0;
	/* A port that bind(2) did not name may be another than the one that somebody was bound to. */
	if (!socket_port_asked(socket))
		bpf_sk_storage_delete(&owners, socket);
	if (!bpf_sk_storage_get(&owners, socket, NULL, 0)) {
		owner = bpf_sk_storage_get(&owners, socket, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		if (owner)
			owner_at_listen(socket, owner);
	}
	callbacks_on(ctx, WRITE_FLAG);
	return 0;
}

#pragma clang diagnostic pop

#endif
