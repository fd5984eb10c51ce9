/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * peercred.bpf.h - getsockopt(2): who is at the other end
 *
 * SO_PEERCRED, which the kernel answers for TCP with nobody at all, and a record of our own
 * (SOL_PORTCRED). A connection that nothing is known of is answered as ever. ctx->optlen = 0 tells the
 * kernel that its own answer stands, whatever other programs have said.
 *
 * Other programs: of an instance that governs a control group below, as in a container, which have run
 * before. What they know stands.
 */
#ifndef PORTCRED_BPF_PEERCRED_H
#define PORTCRED_BPF_PEERCRED_H

#include "connection.bpf.h"

#define SOL_SOCKET  1
#define SO_PEERCRED 17

/* Whom another host's root and its unshared users read as: the kernel's own overflow id. */
#define OVERFLOW_ID 65534

/* struct ucred - include/linux/socket.h */
struct ucred {
	__u32 pid;
	__u32 uid;
	__u32 gid;
};

/* peer_of() - what is known of the other end of a socket; NULL: nothing */
static __always_inline const struct peer *peer_of(struct bpf_sock *socket)
{
	const struct peer *peer = bpf_sk_storage_get(&peers, socket, NULL, 0);
	const struct opener *opener;

	if (peer)
		return peer;
	opener = bpf_sk_storage_get(&openers, socket, NULL, 0);
	return opener && opener->peer.version ? &opener->peer : NULL;
}

static __always_inline int is_connected(const struct bpf_sock *socket)
{
	return socket->protocol == IPPROTO_TCP && socket->dst_port != 0 &&
	       socket->state != BPF_TCP_LISTEN && socket->state != BPF_TCP_CLOSE &&
	       socket->state != BPF_TCP_SYN_SENT;
}

/* peercred_wanted() - whether `set peercred` covers the socket */
static __always_inline int peercred_wanted(struct bpf_sockopt *ctx, const struct bpf_sock *socket)
{
	struct question question = { 0 };
	const struct settings *settings;
	const struct tcp_entry *local, *remote;

	settings = question_begin(&question, bpf_get_netns_cookie(ctx));
	if (!settings || settings->peercred == PEERCRED_OFF)
		return 0;
	if (settings->peercred == PEERCRED_ALL)
		return 1;
	local = tcp_port(&question.tables, socket->src_port);
	remote = tcp_port(&question.tables, bpf_ntohs(socket->dst_port));
	return (local && local->accept) || (remote && remote->connect);
}

/* answered() - one store each: the verifier refuses both in one, hence volatile */
static __always_inline int answered(struct bpf_sockopt *ctx, __s32 length)
{
	*(volatile __s32 *)&ctx->optlen = length;
	*(volatile __s32 *)&ctx->retval = 0;
	return 1;
}

/* answer_peercred() - returns 1 if it answered; ids of the initial user namespace mean nothing in
 * another one */
static __always_inline int answer_peercred(struct bpf_sockopt *ctx, struct bpf_sock *socket)
{
	struct ucred *cred = ctx->optval;
	const struct peer *peer;

	if ((void *)(cred + 1) > ctx->optval_end || !in_initial_namespace())
		return 0;
	if (!is_connected(socket) || !peercred_wanted(ctx, socket))
		return 0;
	peer = peer_of(socket);
	if (!peer)
		return 0;
	cred->pid = 0;
	cred->uid = peer->uid == UID_NONE ? OVERFLOW_ID : peer->uid;
	cred->gid = peer->gid;
	return answered(ctx, sizeof(*cred));
}

/* came_reserved() - whether it was let in by a rule about ports, from one of 512-1023 */
static __always_inline int came_reserved(struct bpf_sockopt *ctx, const struct bpf_sock *socket)
{
	__u32 port = bpf_ntohs(socket->dst_port);
	struct question question = { 0 };
	const struct tcp_entry *local;

	if (port < RESERVED_FIRST || port > RESERVED_LAST ||
	    !question_begin(&question, bpf_get_netns_cookie(ctx)))
		return 0;
	local = tcp_port(&question.tables, socket->src_port);
	return local && local->accept;
}

/* answer_record() - the whole record, of an unknown peer too; the kernel itself knows no such level, so
 * that where there is no error an instance below has answered */
static __always_inline int answer_record(struct bpf_sockopt *ctx, struct bpf_sock *socket)
{
	struct peer *record = ctx->optval;
	const struct peer *peer;

	if ((void *)(record + 1) > ctx->optval_end || !in_initial_namespace() ||
	    !is_connected(socket))
		return 0;
	peer = peer_of(socket);
	if (peer) {
		*record = *peer;
	} else if (ctx->retval == 0 && record->how != KNOWN_NOT) {
		return 0;
	} else {
		peer_clear(record);
		if (came_reserved(ctx, socket))
			record->how = KNOWN_RESERVED;
	}
	return answered(ctx, sizeof(*record));
}

#endif
