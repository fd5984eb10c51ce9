/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * binding.bpf.h - bind(2): before the kernel's own rule, and when the port is there
 */
#ifndef PORTCRED_BPF_BINDING_H
#define PORTCRED_BPF_BINDING_H

#include "connection.bpf.h"

/* Return values of the bind hooks (kernel/bpf/cgroup.c, BPF_RET_BIND_NO_CAP_NET_BIND_SERVICE). */
#define BIND_REFUSE       0
#define BIND_GO_ON        1
#define BIND_GO_ON_NO_CAP 3

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

/* governed() - whether the policy refuses a port to anyone; @port: of question_port() */
static __always_inline int governed(const struct question *question, const struct port_entry *port)
{
	return port && port->enforced && !question->observe_all;
}

/*
 * judge_taken() - a port that a socket has come to; returns 0 if it may not have it
 *
 * No observing policy here: where there is a bind hook, it has answered there.
 */
static __always_inline int judge_taken(struct question *question, const struct port_entry *port,
				       __u32 operation)
{
	if (!governed(question, port) || answer(question, port->enforced) != VERDICT_REFUSED)
		return ALLOW;
	tell(question, operation, 0);
	return DROP;
}

/* remember_owner() - whose listener it will be, if it becomes one */
static __always_inline void remember_owner(struct bpf_sock *ctx, __u32 uid, __u32 gid)
{
	struct owner *owner = bpf_sk_storage_get(&owners, ctx, NULL, BPF_SK_STORAGE_GET_F_CREATE);

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
	const struct port_entry *port;

	if (user) {
		remember_owner(ctx, user->uid, user->gid);
		return ALLOW;
	}
	port = question_port(question);
	if (governed(question, port)) {
		if (question->endpoint.family == 6)
			question->endpoint.v6only = socket_v6only(ctx);
		if (judge_taken(question, port, OPERATION_AUTOBIND) == DROP)
			return DROP;
		if (question->endpoint.protocol == PROTOCOL_UDP)
			bpf_sk_storage_get(&approved, ctx, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	}
	if (question->vouches && question->endpoint.protocol == PROTOCOL_TCP)
		remember_owner(ctx, current_uid(), current_gid());
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

#endif
