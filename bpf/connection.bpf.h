/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * connection.bpf.h - who may connect: what the programs about connections share
 *
 * Theory of operation
 *
 *	opener's kernel                                      listener's kernel
 *	TCP_CONNECT  the caller's euid into `openers`
 *	HDR_OPT      stamps the SYN            -- syn -->    ingress: verifies, judges, notes it in
 *	                                                     `handshakes`, or drops it
 *	ingress: verifies, judges, or drops    <- syn-ack -- HDR_OPT stamps, if the SYN is noted
 *	HDR_OPT      stamps what follows       -- ack -->    ingress: verifies against our challenge,
 *	PARSE_HDR    until an answer comes                   the SYN-ACK's sequence number
 *	                                                     PASSIVE_ESTABLISHED: `peers`
 *
 * A SYN proves nothing by itself: whoever recorded one can send it again. So it only opens the door
 * for the handshake; who called is known when the ack has answered the sequence number that this
 * kernel has just chosen.
 *
 * Which way a failure falls: without a verified option a caller is unknown, and unknown callers pass
 * where a rule admits their address, or where no rule governs the port.
 */
#ifndef PORTCRED_BPF_CONNECTION_H
#define PORTCRED_BPF_CONNECTION_H

#include "question.bpf.h"

#include "hosts.bpf.h"

/* include/net/tcp.h */
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_ACK 0x10

/* include/linux/if.h: the loopback device is the first of every namespace */
#define LOOPBACK_INDEX 1

/* struct handshake_key - a connection on its way; addresses v4-mapped, ports in host order */
struct handshake_key {
	__u64 namespace_cookie;
	__u32 client[4];
	__u32 server[4];
	__u16 client_port;
	__u16 server_port;
	__u32 zero;
};

/* struct handshake - a verified SYN; names and keys are copied: the tables may change meanwhile */
struct handshake {
	struct key_pair keys;
	struct peer peer;
	__u32 client_isn;
	__u32 server_isn; /* HANDSHAKE_PROVEN: which challenge the ack has answered */
	__u32 owner_uid;  /* of the listener */
	__u32 flags;      /* HANDSHAKE_* */
	__u32 epoch;      /* when the SYN came: a handshake is over before the next but one */
	__u32 asked;      /* the challenge of our SYN-ACK; 0: not sent, or a SYN cookie (`spent`) */
	__u32 generation; /* of the policy that let the SYN in */
	__u32 zero;
};

_Static_assert(sizeof(struct handshake) == 144, "pinned: another size is another PORTCRED_ABI");

#define HANDSHAKE_PROVEN   1U /* the ack has come */
#define HANDSHAKE_APPROVED 2U /* a bind rule approved the listener */

/* Only verified SYNs enter, so a flood without keys evicts nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_HANDSHAKES);
	__type(key, struct handshake_key);
	__type(value, struct handshake);
} handshakes SEC(".maps");

/* struct spent_key - a challenge that was answered, of those that may be asked again */
struct spent_key {
	struct handshake_key handshake;
	__u32 client_isn;
	__u32 server_isn;
};

/*
 * A SYN cookie is the same number for the same SYN for a minute, and good for two: so its answer could
 * be recorded and sent again. Each is taken once. Only answers that were verified enter, and none to
 * a number that is random.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SPENT);
	__type(key, struct spent_key);
	__type(value, __u8);
} spent SEC(".maps");

/*
 * Of listeners: written when a bind(2) has its port, and at listen(2), by portcredd for those that were
 * there before.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct owner);
} owners SEC(".maps");

/* struct opener - a socket whose connect(2) we saw */
struct opener {
	struct key_pair keys;
	struct peer peer; /* the service; version 0 until its SYN-ACK is verified */
	__u32 uid;        /* effective, of the caller of connect(2) */
	__u32 host;
	__u32 client_isn;
	__u32 server_isn;
	__u32 epoch; /* when the SYN was stamped, as above */
	__u32 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct opener);
} openers SEC(".maps");

/* Of accepted sockets: who called. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct peer);
} peers SEC(".maps");

/*
 * The addresses of portcredd's network namespace, kept by portcredd (src/kernel/addresses.h)
 *
 * Who may come in does not depend on it: arrives by the loopback device is what makes a caller local
 * (whose_address()). It decides who is stamped with the local key, and who hears ECONNREFUSED instead
 * of nothing. While portcredd is dead it stays as it was. An address that is new since then is taken
 * for another host's: a call to it is not stamped, so the caller is unknown. One that has gone to
 * another host since then is taken for ours: a call to it has a tag that is nothing there, so the
 * caller is unknown there too, and who no accept rule here names at that port is refused the call.
 * Both fall closed.
 *
 * Link-local addresses are not in it: the same one may be ours on one link and another host's on the
 * next. Who calls such an address of ours comes from it too, unless he asks for another.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_OWN_ADDRESSES);
	__uint(key_size, sizeof(__u32[4]));
	__uint(value_size, sizeof(struct own_address));
} own_addresses SEC(".maps");

static __always_inline const struct tcp_entry *tcp_port(const struct tables *tables, __u32 port)
{
	return LOOKUP(tcp, tables, &port);
}

static __always_inline void copy_address(__u32 to[4], const __u32 from[4])
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

static __always_inline int same_address(const __u32 a[4], const __u32 b[4])
{
	return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

/* is_mapped() - whether an address is IPv4 */
static __always_inline int is_mapped(const __u32 address[4])
{
	return (address[0] | address[1]) == 0 && address[2] == bpf_htonl(0xffff);
}

static __always_inline void map_ipv4(__u32 to[4], __u32 address)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = bpf_htonl(0xffff);
	to[3] = address;
}

/* is_loopback() - 127.0.0.0/8, ::1 */
static __always_inline int is_loopback(const __u32 address[4])
{
	if (is_mapped(address))
		return (bpf_ntohl(address[3]) >> 24) == 127;
	return (address[0] | address[1] | address[2]) == 0 && address[3] == bpf_htonl(1);
}

/*
 * own_address() - what is known of an address of this machine; NULL: not known as one
 * @namespace_cookie: of the caller. Other namespaces (`set scope all`) have addresses of their own.
 */
static __always_inline const struct own_address *
own_address(const struct settings *settings, __u64 namespace_cookie, const __u32 address[4])
{
	if (settings->namespace_cookie != namespace_cookie)
		return NULL;
	return bpf_map_lookup_elem(&own_addresses, address);
}

/* is_unspecified() - 0.0.0.0, ::; connect(2) takes them for this machine */
static __always_inline int is_unspecified(const __u32 address[4])
{
	if (is_mapped(address))
		return address[3] == 0;
	return (address[0] | address[1] | address[2] | address[3]) == 0;
}

/* peer_begin() - nobody is known */
static __always_inline void peer_clear(struct peer *peer)
{
	__builtin_memset(peer, 0, sizeof(*peer));
	peer->version = PEER_RECORD_VERSION;
	peer->uid = UID_NONE;
	peer->raw_uid = UID_NONE;
	peer->gid = UID_NONE;
}

/* peer_known() - what a verified option says of the other end */
static __always_inline void peer_known(struct peer *peer, const struct tables *tables,
				       const struct host_entry *entry, __u32 host, __u32 uid,
				       __u8 flags)
{
	peer->version = PEER_RECORD_VERSION;
	peer->how = host == HOST_LOCAL ? KNOWN_LOCAL : KNOWN_VOUCHED;
	peer->flags = flags;
	peer->raw_uid = uid;
	peer->uid = map_uid(tables, entry, host, uid);
	peer->gid = UID_NONE;
	__builtin_memcpy(peer->host, entry->name, sizeof(peer->host));
}

#endif
