/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * arriving.bpf.h - segments of a handshake as they arrive: verified, judged, noted or dropped
 *
 * Called from cgroup_skb/ingress for sockets that listen or wait for a SYN-ACK, and for no other, so
 * established connections pay for one comparison. `current` is whoever happened to run: never read.
 *
 * All of it works in one scratch area a CPU, since a frame has no room for it. It runs with softirqs
 * disabled, so nothing comes in between; lookup() (refusing.bpf.h), which uses it too, is over by then.
 */
#ifndef PORTCRED_BPF_ARRIVING_H
#define PORTCRED_BPF_ARRIVING_H

#include "segment.bpf.h"

/* whose_address() - the host at the other end, by the way the segment came and its address */
static __always_inline void whose_address(const struct __sk_buff *skb, struct segment *segment)
{
	segment->host = skb->ingress_ifindex == LOOPBACK_INDEX
				? HOST_LOCAL
				: host_at(&segment->question.tables, segment->signed_.source);
}

/*
 * verify_with() - the option under one key, with its own epoch; returns whether the tag is the host's
 * An epoch that is too far off is authentic all the same, and said so.
 */
static __always_inline int verify_with(struct segment *segment, const struct vouch_key *key)
{
	__u32 epoch = vouch_epoch_nearest(segment->epoch, segment->option.version_epoch & 15);

	if (!vouch_verify(&segment->option, &segment->signed_, key, epoch))
		return 0;
	segment->reason = vouch_epoch_good(segment->epoch, epoch) ? REASON_NOT_NAMED : REASON_EPOCH;
	return 1;
}

/*
 * verify() - the option under each key that is shared with the host
 * signed_ holds all but what vouch_verify() takes from the option. Returns 1 with handshake.keys the
 * pair that was right, else 0 with the reason.
 */
__noinline int verify(struct segment *segment)
{
	const struct host_entry *entry;
	__u32 host;

	if (!segment)
		return 0;
	host = segment->host;
	segment->reason = REASON_BAD_TAG;
	entry = tables_host(&segment->question.tables, host);
	if (!entry)
		return 0;
	for (__u32 i = 0; i < MAX_KEY_PAIRS && i < entry->pairs; i++) {
		if (!verify_with(segment, &entry->pair[i].in))
			continue;
		segment->handshake.keys = entry->pair[i];
		if (segment->reason == REASON_EPOCH) {
			count(COUNTER_EPOCH);
			return 0;
		}
		return 1;
	}
	return 0;
}

/* look_at_option() - whether there is one that could be verified; else the reason why not */
static __always_inline int look_at_option(struct segment *segment, enum vouch_role role)
{
	segment->found = segment->options_length < VOUCH_LENGTH
				 ? VOUCH_ABSENT
				 : vouch_option_check(&segment->option, role);
	segment->reason = REASON_NONE;
	if (segment->host == HOST_NONE)
		segment->reason = REASON_UNKNOWN_HOST;
	else if (segment->found == VOUCH_ABSENT)
		segment->reason = REASON_NO_VOUCH;
	else if (segment->found == VOUCH_MALFORMED)
		segment->reason = REASON_MALFORMED;
	return segment->reason == REASON_NONE;
}

/* known() - a verified option: who is at the other end, for the decision and for the note */
static __always_inline void known(struct segment *segment, __u8 flags)
{
	const struct host_entry *entry = tables_host(&segment->question.tables, segment->host);

	if (!entry)
		return;
	peer_known(&segment->handshake.peer, &segment->question.tables, entry, segment->host,
		   bpf_ntohl(segment->option.uid), flags);
	segment->remote.host = segment->host;
	segment->remote.uid = segment->handshake.peer.uid;
	segment->remote.approved = flags & PEER_APPROVED;
}

/* unknown() - nobody is proved; the host that has the address is said in events */
static __always_inline void unknown(struct segment *segment)
{
	const struct host_entry *entry;

	segment->remote.host = HOST_NONE;
	segment->remote.uid = UID_NONE;
	segment->remote.approved = 0;
	peer_clear(&segment->handshake.peer);
	if (segment->host == HOST_NONE)
		return;
	entry = tables_host(&segment->question.tables, segment->host);
	if (entry)
		__builtin_memcpy(segment->handshake.peer.host, entry->name, MAX_HOST_NAME);
}

/* tell_segment() - one event about a refused segment, unless a flood or a full buffer keeps it back */
__noinline int tell_segment(const struct segment *segment, __u32 operation, __u32 observed)
{
	struct flood_key key = { 0 };
	__u64 now = bpf_ktime_get_boot_ns();
	struct event *event;
	__u32 held = 0;

	if (!segment)
		return 0;
	if (!observed) {
		count(COUNTER_REFUSED);
		count(COUNTER_UNPROVED);
	}
	key.uid = segment->signed_.source[0] ^ segment->signed_.source[1] ^
		  segment->signed_.source[3];
	/* What the rule names: our port, or the service's. */
	key.port = operation == OPERATION_CONNECT ? bpf_ntohs(segment->signed_.source_port)
						  : segment->question.endpoint.port;
	key.protocol = PROTOCOL_TCP;
	key.kind = VERDICT_REFUSED | FLOOD_CONNECTION | observed << 7;
	if (!flood_admits(&key, now, &held)) {
		count(COUNTER_HELD);
		return 0;
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count(COUNTER_LOST);
		return 0;
	}
	clear_event(event);
	event->time = now;
	event->held = held;
	event->uid = segment->remote.owner.uid;
	event->gid = segment->remote.owner.gid;
	event->rule = segment->question.decision.rule;
	event->generation = segment->question.generation;
	event->port = key.port;
	event->protocol = PROTOCOL_TCP;
	event->family = is_mapped(segment->signed_.source) ? 4 : 6;
	event->verdict = VERDICT_REFUSED;
	event->operation = operation;
	event->observed = observed;
	event->reason = segment->reason;
	copy_address(event->address, operation == OPERATION_CONNECT ? segment->signed_.source
								    : segment->signed_.destination);
	copy_address(event->peer_address, segment->signed_.source);
	event->peer_port = bpf_ntohs(segment->signed_.source_port);
	event->peer = segment->handshake.peer;
	bpf_ringbuf_submit(event, 0);
	return 1;
}

/* judge_remote() - what a set says of the other end; a function of its own, verified once */
__noinline int judge_remote(struct segment *segment, __u32 set)
{
	if (!segment)
		return VERDICT_REFUSED;
	decide_remote(&segment->question.tables, &segment->remote, set,
		      &segment->question.decision);
	return segment->question.decision.verdict;
}

/*
 * pass() - judge and tell
 * @enforced, @observed: sets of the port, 0: none
 * @observe: whether the observing policy answers too: once a handshake
 */
static __always_inline int pass(struct segment *segment, __u32 enforced, __u32 observed,
				__u32 operation)
{
	if (observed && judge_remote(segment, observed) == VERDICT_REFUSED)
		tell_segment(segment, operation, 1);
	if (!enforced || judge_remote(segment, enforced) != VERDICT_REFUSED)
		return ALLOW;
	if (segment->question.observe_all) {
		tell_segment(segment, operation, 1);
		return ALLOW;
	}
	tell_segment(segment, operation, 0);
	return DROP;
}

/* near_reserved() - say of an unvouched caller that another source port would have done */
static __always_inline void near_reserved(struct segment *segment, __u32 set)
{
	__u32 port = segment->remote.source.port;

	if (!set || (segment->reason != REASON_UNKNOWN_HOST && segment->reason != REASON_NO_VOUCH))
		return;
	segment->remote.source.port = RESERVED_FIRST;
	if (judge_remote(segment, set) == VERDICT_GRANTED)
		segment->reason = REASON_NOT_RESERVED;
	segment->remote.source.port = port;
}

/* segment_clear() - nothing is known yet; what read_segment() fills in is left alone */
static __always_inline void segment_clear(struct segment *segment)
{
	segment->question.endpoint.protocol = PROTOCOL_TCP;
	segment->question.endpoint.v6only = 0;
	segment->remote.owner.uid = UID_NONE;
	segment->remote.owner.gid = UID_NONE;
	segment->remote.source.family = 0; /* no prefix covers it */
	segment->remote.source.port = 0;
	segment->handshake.flags = 0;
	segment->host = HOST_NONE;
	segment->options_length = 0;
	segment->reason = REASON_MALFORMED;
	unknown(segment);
}

/* segment_begin() - fill in what is known from the socket; 0: not our business */
static __always_inline int segment_begin(struct segment *segment, const struct bpf_sock *socket)
{
	const struct settings *settings;

	settings = question_begin(&segment->question, socket_namespace(socket));
	if (!settings || !settings->vouches)
		return 0;
	segment->clock_offset = settings->clock_offset;
	for (int i = 0; i < 4; i++) {
		segment->signed_.source[i] = 0;
		segment->signed_.destination[i] = 0;
	}
	segment->signed_.source_port = 0;
	segment->question.endpoint.port = socket->src_port;
	segment_clear(segment);
	return 1;
}

/* segment_ends() - both ends as the decision takes them, from signed_ */
static __always_inline void segment_ends(struct segment *segment)
{
	copy_address(segment->question.endpoint.address, segment->signed_.destination);
	segment->question.endpoint.family = is_mapped(segment->signed_.destination) ? 4 : 6;
	copy_address(segment->remote.source.address, segment->signed_.source);
	segment->remote.source.family = is_mapped(segment->signed_.source) ? 4 : 6;
	segment->remote.source.port = bpf_ntohs(segment->signed_.source_port);
	segment->remote.source.protocol = PROTOCOL_TCP;
}

static __always_inline void handshake_key(struct segment *segment, __u64 namespace_cookie)
{
	segment->spent.handshake.namespace_cookie = namespace_cookie;
	copy_address(segment->spent.handshake.client, segment->signed_.source);
	copy_address(segment->spent.handshake.server, segment->signed_.destination);
	segment->spent.handshake.client_port = bpf_ntohs(segment->signed_.source_port);
	segment->spent.handshake.server_port = bpf_ntohs(segment->signed_.destination_port);
	segment->spent.handshake.zero = 0;
}

/* syn_arrives() - the first segment: is it vouched, may it pass, note it for the SYN-ACK */
static __always_inline int syn_arrives(struct segment *segment, const struct tcp_entry *port,
				       int approved)
{
	int verified;

	segment->epoch = now_epoch(segment->clock_offset);
	segment->signed_.client_isn = bpf_htonl(segment->sequence);
	segment->signed_.server_isn = 0;
	unknown(segment);
	verified = look_at_option(segment, VOUCH_SYN) && verify(segment);
	if (verified && (port->accept || port->accept_observed) && opens_fast(segment)) {
		/* It would be served before it is proved: judged as what it is then. */
		verified = 0;
		segment->reason = REASON_FAST_OPEN;
	}
	if (verified)
		known(segment, 0);
	else
		near_reserved(segment, port->accept);
	if (pass(segment, port->accept, port->accept_observed, OPERATION_ACCEPT) == DROP)
		return DROP;
	if (!verified)
		return ALLOW;
	segment->handshake.epoch = segment->epoch;
	segment->handshake.client_isn = segment->sequence;
	segment->handshake.server_isn = 0;
	segment->handshake.asked = 0;
	segment->handshake.generation = segment->question.generation;
	segment->handshake.owner_uid = segment->remote.owner.uid;
	if (approved)
		segment->handshake.flags |= HANDSHAKE_APPROVED;
	bpf_map_update_elem(&handshakes, &segment->spent.handshake, &segment->handshake, BPF_ANY);
	return ALLOW;
}

/* first_answer() - whether a verified ack is the first to answer its challenge */
static __always_inline int first_answer(struct segment *segment, const struct handshake *note)
{
	const __u8 one = 1;

	segment->spent.client_isn = bpf_ntohl(segment->signed_.client_isn);
	segment->spent.server_isn = segment->acknowledgment - 1;
	if (note && note->asked && note->asked == segment->spent.server_isn)
		return 1;
	if (bpf_map_update_elem(&spent, &segment->spent, &one, BPF_NOEXIST) == 0)
		return 1;
	segment->reason = REASON_NO_PROOF;
	return 0;
}

/*
 * ack_verified() - whether the ack answers the challenge that our SYN-ACK was
 * @judged: whether the note is of a SYN that the policy in force let in
 */
static __always_inline int ack_verified(struct segment *segment, const struct handshake *note,
					int judged)
{
	segment->epoch = note ? note->epoch : now_epoch(segment->clock_offset);
	segment->signed_.client_isn = bpf_htonl(note ? note->client_isn : segment->sequence - 1);
	segment->signed_.server_isn = bpf_htonl(segment->acknowledgment - 1);
	if (!note || !judged)
		return verify(segment) && first_answer(segment, note);
	segment->reason = REASON_BAD_TAG;
	if (bpf_ntohl(segment->option.uid) != note->peer.raw_uid ||
	    !verify_with(segment, &note->keys.in) || segment->reason == REASON_EPOCH ||
	    !first_answer(segment, note))
		return 0;
	segment->handshake.keys = note->keys;
	return 1;
}

/*
 * ack_arrives() - the third segment, and any other until the connection is there
 *
 * The kernel checks that the acknowledgment answers its SYN-ACK, cookies included, before it makes a
 * connection of it; so a tag over it cannot be one that was recorded, but for cookies (`spent`). A note
 * of an earlier handshake, proved but never accepted, is good for its own challenge alone. An ack can be
 * put off for a minute: what a policy before let in is judged by this one, and by its keys.
 */
static __always_inline int ack_arrives(struct segment *segment, const struct tcp_entry *port)
{
	struct handshake *note = bpf_map_lookup_elem(&handshakes, &segment->spent.handshake);
	int judged = note && note->generation == segment->question.generation;
	int verified;

	if (note && (note->flags & HANDSHAKE_PROVEN) &&
	    note->server_isn == segment->acknowledgment - 1)
		return ALLOW;
	unknown(segment);
	verified = look_at_option(segment, VOUCH_ACK) && ack_verified(segment, note, judged);
	if (verified && note && judged) {
		note->server_isn = segment->acknowledgment - 1;
		__sync_fetch_and_or(&note->flags, HANDSHAKE_PROVEN);
		return ALLOW; /* the SYN was admitted as the same caller's */
	}
	if (verified)
		known(segment, 0);
	else if (note && segment->reason != REASON_EPOCH)
		segment->reason = REASON_NO_PROOF;
	if (pass(segment, port->accept, 0, OPERATION_ACCEPT) == DROP)
		return DROP;
	if (!verified)
		return ALLOW;
	segment->handshake.epoch = segment->epoch;
	segment->handshake.client_isn = segment->sequence - 1;
	segment->handshake.server_isn = segment->acknowledgment - 1;
	segment->handshake.asked = 0;
	segment->handshake.generation = segment->question.generation;
	segment->handshake.flags = HANDSHAKE_PROVEN;
	bpf_map_update_elem(&handshakes, &segment->spent.handshake, &segment->handshake, BPF_ANY);
	return ALLOW;
}

/*
 * port_called() - what governs the port in the segment, where a redirect has led it from there
 *
 * Whatever else brings a segment to a listener at another port (TPROXY of nftables) is judged at the
 * listener's.
 */
static __always_inline const struct tcp_entry *port_called(struct segment *segment,
							   const struct tcp_entry *port)
{
	__u32 called = bpf_ntohs(segment->signed_.destination_port);
	const struct tcp_entry *entry;

	if (!port->called)
		return port;
	entry = tcp_port(&segment->question.tables, called);
	if (!entry || entry->redirect != segment->question.endpoint.port)
		return port;
	segment->question.endpoint.port = called;
	return entry;
}

/* pass_unread() - it may be for the listener's own port, or led there: what either asks */
static __always_inline int pass_unread(struct segment *segment, const struct tcp_entry *port)
{
	const struct tcp_entry *called = NULL;

	if (port->called)
		called = tcp_port(&segment->question.tables, port->called);
	if (called && pass(segment, called->accept, 0, OPERATION_ACCEPT) == DROP)
		return DROP;
	return pass(segment, port->accept, port->accept_observed, OPERATION_ACCEPT);
}

/* arrives_at_listener() - ALLOW or DROP */
static __always_inline int arrives_at_listener(struct __sk_buff *skb, struct bpf_sock *socket)
{
	__u64 namespace_cookie = socket_namespace(socket);
	const struct port_entry *bind_port;
	const struct tcp_entry *port;
	const struct owner *owner;
	struct segment *segment;
	__u32 zero = 0;

	segment = bpf_map_lookup_elem(&segments, &zero);
	if (!segment || !segment_begin(segment, socket))
		return ALLOW;
	port = tcp_port(&segment->question.tables, socket->src_port);
	if (!port)
		return ALLOW; /* no such port: the table has all of them */
	owner = bpf_sk_storage_get(&owners, socket, NULL, 0);
	if (owner)
		segment->remote.owner = *owner;
	if (read_segment(skb, segment) < 0)
		return pass_unread(segment, port);
	port = port_called(segment, port);
	segment_ends(segment);
	whose_address(skb, segment);
	handshake_key(segment, namespace_cookie);
	if (segment->flags & FLAG_RST)
		return ALLOW;
	/* With a SYN too: from its second byte on the kernel takes it for what it takes any ACK for. */
	if (segment->flags & FLAG_ACK)
		return ack_arrives(segment, port);
	if (!(segment->flags & FLAG_SYN))
		return ALLOW; /* without an ACK it makes no connection */
	bind_port = tables_port(&segment->question.tables, PROTOCOL_TCP, socket->src_port);
	return syn_arrives(segment, port,
			   bind_port && bind_port->enforced && !segment->question.observe_all);
}

/* syn_ack_arrives() - is the service vouched as the rule says? */
static __always_inline int syn_ack_verified(struct segment *segment, struct opener *opener)
{
	if (!opener || opener->host != segment->host || !look_at_option(segment, VOUCH_SYN_ACK))
		return 0;
	segment->epoch = opener->epoch;
	segment->signed_.client_isn = bpf_htonl(opener->client_isn);
	segment->signed_.server_isn = bpf_htonl(segment->sequence);
	segment->reason = REASON_BAD_TAG;
	if (segment->acknowledgment - 1 != opener->client_isn ||
	    !verify_with(segment, &opener->keys.in))
		return 0;
	if (segment->reason == REASON_EPOCH) {
		count(COUNTER_EPOCH);
		return 0;
	}
	return 1;
}

static __always_inline int arrives_at_opener(struct __sk_buff *skb, struct bpf_sock *socket)
{
	struct opener *opener = bpf_sk_storage_get(&openers, socket, NULL, 0);
	const struct tcp_entry *port, *own;
	struct segment *segment;
	__u32 zero = 0, remote_port = bpf_ntohs(socket->dst_port);
	__u8 flags = PEER_OPENED;

	segment = bpf_map_lookup_elem(&segments, &zero);
	if (!segment || !segment_begin(segment, socket))
		return ALLOW;
	port = tcp_port(&segment->question.tables, remote_port);
	own = tcp_port(&segment->question.tables, socket->src_port);
	if (!port || !own || (!opener && !port->connect && !port->connect_observed && !own->accept))
		return ALLOW;
	if (opener)
		segment->remote.owner.uid = opener->uid;
	if (read_segment(skb, segment) < 0)
		return pass(segment, port->connect, port->connect_observed, OPERATION_CONNECT);
	segment_ends(segment);
	whose_address(skb, segment);
	unknown(segment);
	/* Nothing is established without a SYN: what acknowledges another call is to be reset. */
	if ((segment->flags & FLAG_RST) || !(segment->flags & FLAG_SYN))
		return ALLOW;
	if (!(segment->flags & FLAG_ACK)) {
		/* Both open at once: no challenge was answered, so nothing is proved to either. */
		segment->reason = REASON_NO_PROOF;
		if (pass(segment, own->accept, own->accept_observed, OPERATION_ACCEPT) == DROP)
			return DROP;
		return pass(segment, port->connect, port->connect_observed, OPERATION_CONNECT);
	}
	if (!opener)
		segment->reason =
			segment->host == HOST_NONE ? REASON_UNKNOWN_HOST : REASON_NO_VOUCH;
	if (syn_ack_verified(segment, opener)) {
		if (segment->option.flags & VOUCH_APPROVED)
			flags |= PEER_APPROVED;
		known(segment, flags);
		opener->server_isn = segment->sequence;
		opener->peer = segment->handshake.peer;
	}
	return pass(segment, port->connect, port->connect_observed, OPERATION_CONNECT);
}

#endif
