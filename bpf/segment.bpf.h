/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * segment.bpf.h - one arriving TCP segment, read from the network header on
 *
 * Whatever stands before the TCP header is passed over as its own lengths say: an ordinary user can
 * have his kernel send IPv4 options and IPv6 extension headers. bpf_skb_load_bytes() reads buffers that
 * are not linear too.
 */
#ifndef PORTCRED_BPF_SEGMENT_H
#define PORTCRED_BPF_SEGMENT_H

#include "connection.bpf.h"

#define MAX_TCP_OPTIONS 40 /* bytes, RFC 9293, 3.1 */
#define TCP_HEADER      20
#define IPV6_HEADER     40
#define MAX_IPV6_STEPS  8 /* extension headers; more are not read */

/* RFC 7413; RFC 6994 with the ExID that it used before it had a kind of its own. */
#define TCPOPT_EOL          0
#define TCPOPT_NOP          1
#define TCPOPT_FASTOPEN     34
#define TCPOPT_EXPERIMENT   254
#define FASTOPEN_EXPERIMENT 0xf989

/* struct segment - one arriving TCP segment, and what becomes of it */
struct segment {
	struct question question; /* endpoint: the listener's; of an opener: its own */
	struct remote remote;
	struct spent_key spent; /* spent.handshake: of the connection on its way */
	struct handshake handshake;
	struct vouch_option option;
	struct vouch_signed signed_; /* source is the other end */
	__u8 tcp[TCP_HEADER] __attribute__((aligned(4)));
	__u8 options[64]; /* MAX_TCP_OPTIONS of them are used */
	__u32 options_length;
	__u32 payload; /* bytes */
	__u32 flags;   /* FLAG_* */
	__u32 sequence;
	__u32 acknowledgment;
	__s32 clock_offset;
	__u32 epoch; /* now, or when the handshake began */
	__u32 host;  /* who has the address */
	__u32 found; /* enum vouch_found */
	__u32 reason;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct segment);
} segments SEC(".maps");

static __always_inline __u32 read_u32(const __u8 *bytes)
{
	return (__u32)bytes[0] << 24 | (__u32)bytes[1] << 16 | (__u32)bytes[2] << 8 | bytes[3];
}

static __always_inline __u16 read_u16(const __u8 *bytes)
{
	return (__u16)(bytes[0] << 8 | bytes[1]);
}

/* read_ipv4() - addresses; returns the offset of what follows the header, < 0: not TCP or not whole */
static __always_inline int read_ipv4(struct __sk_buff *skb, struct segment *segment)
{
	__u32 words[5];
	const __u8 *header = (const __u8 *)words;
	int length;

	if (bpf_skb_load_bytes(skb, 0, words, sizeof(words)) < 0)
		return -1;
	length = (header[0] & 15) * 4;
	/* The first fragment alone has ports; the kernel has put them together before us. */
	if (length < (int)sizeof(words) || header[9] != IPPROTO_TCP)
		return -1;
	map_ipv4(segment->signed_.source, words[3]);
	map_ipv4(segment->signed_.destination, words[4]);
	return length;
}

/* read_ipv6() - the same, past the extension headers that RFC 8200 and RFC 4302 know */
static __always_inline int read_ipv6(struct __sk_buff *skb, struct segment *segment)
{
	int offset = IPV6_HEADER;
	__u8 next, extension[2];

	if (bpf_skb_load_bytes(skb, 6, &next, sizeof(next)) < 0 ||
	    bpf_skb_load_bytes(skb, 8, segment->signed_.source, 16) < 0 ||
	    bpf_skb_load_bytes(skb, 24, segment->signed_.destination, 16) < 0)
		return -1;
	for (int i = 0; i < MAX_IPV6_STEPS; i++) {
		if (next == IPPROTO_TCP)
			return offset;
		if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension)) < 0)
			return -1;
		switch (next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			offset += (extension[1] + 1) * 8;
			break;
		case IPPROTO_FRAGMENT:
			offset += 8;
			break;
		case IPPROTO_AH:
			offset += (extension[1] + 2) * 4;
			break;
		default:
			return -1;
		}
		next = extension[0];
	}
	return -1;
}

/* read_segment() - headers and option; returns 0, -1 for what cannot be read */
__noinline int read_segment(struct __sk_buff *skb, struct segment *segment)
{
	__u32 options, words;
	int offset, length;
	__u8 version;

	if (!segment || bpf_skb_load_bytes(skb, 0, &version, sizeof(version)) < 0)
		return -1;
	offset = version >> 4 == 4 ? read_ipv4(skb, segment) : read_ipv6(skb, segment);
	if (offset < 0 || bpf_skb_load_bytes(skb, offset, segment->tcp, TCP_HEADER) < 0)
		return -1;
	length = (segment->tcp[12] >> 4) * 4;
	if (length < TCP_HEADER || offset + length > (int)skb->len)
		return -1;
	segment->payload = skb->len - offset - length;
	segment->flags = segment->tcp[13];
	segment->sequence = read_u32(segment->tcp + 4);
	segment->acknowledgment = read_u32(segment->tcp + 8);
	segment->signed_.source_port = *(__u16 *)segment->tcp;
	segment->signed_.destination_port = *(__u16 *)(segment->tcp + 2);

	options = length - TCP_HEADER;
	segment->options_length = options;
	if (options == 0)
		return 0;
	/* Words of four, 1 to 10 of them: written so that every verifier sees 4 to 64 bytes. */
	words = (options >> 2) - 1;
	asm volatile("" : "+r"(words));
	if (bpf_skb_load_bytes(skb, offset + TCP_HEADER, segment->options, ((words & 15) + 1) * 4) <
	    0)
		return -1;
	if (options < VOUCH_LENGTH)
		return 0;
	return bpf_skb_load_bytes(skb, offset + length - VOUCH_LENGTH, &segment->option,
				  sizeof(segment->option)) < 0
		       ? -1
		       : 0;
}

/*
 * opens_fast() - whether a SYN could become a connection before its handshake (RFC 7413)
 *
 * Data are enough where the kernel wants no cookie (tcp_fastopen 0x200, TCP_FASTOPEN_NO_COOKIE).
 * Options that are not well-formed end the search, as they end the kernel's. Byte for byte, so that
 * the verifier knows the place at every step; and whether an option is over is a bit that it knows
 * nothing of, or it would follow options of each length there is.
 */
__noinline int opens_fast(const struct segment *segment)
{
	const __u8 *options;
	__u32 next = 0;

	if (!segment || segment->payload)
		return 1;
	options = segment->options;
	for (__u32 at = 0; at < MAX_TCP_OPTIONS; at++) {
		__u8 kind = options[at], length = options[at + 1];
		__u32 inside = (at - next) >> 31;

		barrier_var(inside);
		if (at >= segment->options_length)
			return 0;
		if (inside || kind == TCPOPT_NOP)
			continue;
		if (kind == TCPOPT_EOL || length < 2)
			return 0;
		if (kind == TCPOPT_FASTOPEN || (kind == TCPOPT_EXPERIMENT && length >= 4 &&
						options[at + 2] == FASTOPEN_EXPERIMENT >> 8 &&
						options[at + 3] == (FASTOPEN_EXPERIMENT & 0xff)))
			return 1;
		next = at + length;
	}
	return 0;
}

#endif
