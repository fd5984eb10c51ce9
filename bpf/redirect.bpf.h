/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * redirect.bpf.h - calls of one port, taken by a listener at another
 *
 * Theory of operation
 *
 *	listen(2) at 8080          sock_ops: the socket into `listeners`
 *	SYN to port 80             sk_lookup: from `listeners`, the one at 8080
 *	the same segment           ingress: judged by the accept rule of 80, the port called
 *	accept(2)                  the socket's own port is 80, its peer the true one
 *
 * Nothing is translated: the kernel is told which listener a segment is for, instead of looking for
 * one at the port in it. So there is nothing to remember of a connection, and one that stands needs
 * neither us nor the policy that led it.
 *
 * A program of this type cannot look for a socket, it can only take one out of a map. What has closed
 * leaves the map by itself. Listeners that are older than the redirect are entered by portcredd.
 *
 * Which way a failure falls: a listener that could not be entered is as if it were not there, and a
 * call that finds none is refused as at a closed port. It never goes to what listens at the port
 * called, which nobody may have approved of.
 */
#ifndef PORTCRED_BPF_REDIRECT_H
#define PORTCRED_BPF_REDIRECT_H

#include "departing.bpf.h"

/* A value is the socket; read from user space, it is the socket's cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, MAX_LISTENERS);
	__type(key, struct listener_key);
	__type(value, __u64);
} listeners SEC(".maps");

/* enter_listener() - at the first place that is free; none: it is not led to */
static __always_inline void enter_listener(struct bpf_sock_ops *ctx, struct listener_key *key)
{
	for (__u32 place = 0; place < LISTENER_PLACES; place++) {
		key->place = place;
		if (bpf_sock_hash_update(ctx, &listeners, key, BPF_NOEXIST) == 0)
			return;
	}
}

/*
 * offer_listener() - listen(2) at a port to which calls are led, by one who may have it
 *
 * Of portcredd's own network namespace, whatever `set scope` says: sk_lookup is attached there, and
 * the kernel does not compare the namespaces of a segment and of the socket it is given.
 */
__noinline int offer_listener(struct bpf_sock_ops *ctx)
{
	__u64 namespace_cookie = bpf_get_netns_cookie(ctx);
	struct question question = { 0 };
	struct listener_key key = { 0 };
	struct bpf_sock *socket = ctx->sk;
	const struct settings *settings;
	const struct tcp_entry *port;

	settings = question_begin(&question, namespace_cookie);
	if (!socket || !settings || settings->namespace_cookie != namespace_cookie)
		return 0;
	key.port = READ(local_port);
	port = tcp_port(&question.tables, key.port);
	if (!port || !port->called || is_subflow((const struct tcp_sock *)kernel_sock(socket)))
		return 0; /* a map of sockets does not take Multipath TCP's */
	local_address(ctx, key.address);
	enter_listener(ctx, &key);
	if (is_unspecified(key.address) && !is_mapped(key.address) && !socket_v6only(socket)) {
		map_ipv4(key.address, 0);
		enter_listener(ctx, &key);
	}
	return 0;
}

/*
 * take_listener() - give the segment to the listener with this key; returns 0 if there is none
 * One that is bound to a device hears what comes by that device, as ever.
 */
__noinline int take_listener(struct bpf_sk_lookup *ctx, const struct listener_key *wanted)
{
	struct listener_key key;
	struct bpf_sock *listener;
	long error = -1;
	__u32 device;

	if (!wanted)
		return 0;
	key = *wanted; /* a key must lie in our own frame before Linux 6.2 */
	listener = bpf_map_lookup_elem(&listeners, &key);
	if (!listener)
		return 0;
	device = listener->bound_dev_if;
	if (device == 0 || device == ctx->ingress_ifindex)
		error = bpf_sk_assign(ctx, listener, 0);
	bpf_sk_release(listener);
	return error == 0;
}

static __always_inline int take_any(struct bpf_sk_lookup *ctx, struct listener_key *key)
{
	for (__u32 place = 0; place < LISTENER_PLACES; place++) {
		key->place = place;
		if (take_listener(ctx, key))
			return 1;
	}
	return 0;
}

/*
 * lead() - to the listener at another port: the one at the address called, else the one at any
 *
 * Of a SO_REUSEPORT group any will do: the kernel chooses among its members (inet_lookup_reuseport()).
 */
static __always_inline int lead(struct bpf_sk_lookup *ctx, const __u32 destination[4], __u32 port)
{
	struct listener_key key = { .port = port };

	copy_address(key.address, destination);
	if (take_any(ctx, &key))
		return SK_PASS;
	key.address[3] = 0;
	if (!is_mapped(key.address))
		key.address[0] = key.address[1] = key.address[2] = 0;
	return take_any(ctx, &key) ? SK_PASS : SK_DROP;
}

#endif
