/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * vouch.h - the vouch in a TCP option: its bytes, its tag, its time. Written once, for the kernel and
 * for user space.
 *
 * doc/protocol-vouch.md is the format; this is what it says, in C. Nothing here touches a map or the
 * machine.
 */
#ifndef PORTCRED_VOUCH_H
#define PORTCRED_VOUCH_H

#include "abi.h"

#ifdef __bpf__
#define VOUCH_INLINE static __always_inline
#else
#define VOUCH_INLINE static inline
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define VOUCH_LE64(x) (x)
#define VOUCH_BE32(x) __builtin_bswap32(x)
#define VOUCH_BE16(x) __builtin_bswap16(x)
#else
#define VOUCH_LE64(x) __builtin_bswap64(x)
#define VOUCH_BE32(x) (x)
#define VOUCH_BE16(x) (x)
#endif

#define VOUCH_KIND    253 /* RFC 4727: for experiments */
#define VOUCH_LENGTH  20
#define VOUCH_EXID    0x7063 /* RFC 6994: shared use of the kind */
#define VOUCH_VERSION 1

#define VOUCH_EPOCH_SECONDS 3600
#define VOUCH_EPOCH_SLACK   1 /* epochs n - 1, n and n + 1 are good */

/* Bits of struct vouch_option.flags; all others are 0. */
#define VOUCH_ROLE     3U
#define VOUCH_APPROVED 4U /* syn-ack: a bind rule approved the listener */

enum vouch_role {
	VOUCH_SYN = 1,
	VOUCH_SYN_ACK,
	VOUCH_ACK,
};

/* struct vouch_option - the last 20 bytes of the TCP header, in network byte order */
struct vouch_option {
	__u8 kind;
	__u8 length;
	__u16 exid;
	__u8 version_epoch; /* version << 4 | epoch & 15 */
	__u8 flags;
	__u16 reserved; /* 0 */
	__u32 uid;      /* syn, ack: of the opener; syn-ack: of the listener's owner */
	__u8 tag[8];    /* SipHash-2-4 of struct vouch_signed, as its output bytes */
} __attribute__((packed));

_Static_assert(sizeof(struct vouch_option) == VOUCH_LENGTH, "the option's length");

/*
 * struct vouch_signed - what the tag covers, in network byte order
 *
 * Source and destination are those of the segment that carries the option. client_isn is the sequence
 * number of the SYN, server_isn that of the SYN-ACK, 0 in a syn, whichever segment carries it.
 */
struct vouch_signed {
	__u8 role;
	__u8 flags; /* the option's, role included */
	__u16 reserved;
	__u32 epoch; /* whole */
	__u32 uid;
	__u16 source_port;
	__u16 destination_port;
	__u32 source[4]; /* IPv4 is written v4-mapped */
	__u32 destination[4];
	__u32 client_isn;
	__u32 server_isn;
};

#define VOUCH_SIGNED_WORDS 7
_Static_assert(sizeof(struct vouch_signed) == VOUCH_SIGNED_WORDS * 8, "seven words, no padding");

#define VOUCH_ROTATE(x, bits) (((x) << (bits)) | ((x) >> (64 - (bits))))

/* One SipRound of SipHash (Aumasson, Bernstein, 2012). */
#define VOUCH_ROUND(v0, v1, v2, v3)                                                                \
	do {                                                                                       \
		(v0) += (v1);                                                                      \
		(v2) += (v3);                                                                      \
		(v1) = VOUCH_ROTATE(v1, 13) ^ (v0);                                                \
		(v3) = VOUCH_ROTATE(v3, 16) ^ (v2);                                                \
		(v0) = VOUCH_ROTATE(v0, 32);                                                       \
		(v2) += (v1);                                                                      \
		(v0) += (v3);                                                                      \
		(v1) = VOUCH_ROTATE(v1, 17) ^ (v2);                                                \
		(v3) = VOUCH_ROTATE(v3, 21) ^ (v0);                                                \
		(v2) = VOUCH_ROTATE(v2, 32);                                                       \
	} while (0)

/* vouch_siphash() - SipHash-2-4 of 56 bytes, as seven little-endian words; the tag as one */
VOUCH_INLINE __u64 vouch_siphash(const struct vouch_key *key, const __u64 words[VOUCH_SIGNED_WORDS])
{
	__u64 v0 = key->word[0] ^ 0x736f6d6570736575ULL;
	__u64 v1 = key->word[1] ^ 0x646f72616e646f6dULL;
	__u64 v2 = key->word[0] ^ 0x6c7967656e657261ULL;
	__u64 v3 = key->word[1] ^ 0x7465646279746573ULL;
	__u64 last = (__u64)(VOUCH_SIGNED_WORDS * 8) << 56;

#ifdef __clang__
#pragma clang loop unroll(full)
#endif
	for (int i = 0; i < VOUCH_SIGNED_WORDS; i++) {
		__u64 word = VOUCH_LE64(words[i]);

		v3 ^= word;
		VOUCH_ROUND(v0, v1, v2, v3);
		VOUCH_ROUND(v0, v1, v2, v3);
		v0 ^= word;
	}
	v3 ^= last;
	VOUCH_ROUND(v0, v1, v2, v3);
	VOUCH_ROUND(v0, v1, v2, v3);
	v0 ^= last;
	v2 ^= 0xff;
	VOUCH_ROUND(v0, v1, v2, v3);
	VOUCH_ROUND(v0, v1, v2, v3);
	VOUCH_ROUND(v0, v1, v2, v3);
	VOUCH_ROUND(v0, v1, v2, v3);
	return v0 ^ v1 ^ v2 ^ v3;
}

/* vouch_tag() - the tag of what is signed; its bytes in memory are the option's */
VOUCH_INLINE __u64 vouch_tag(const struct vouch_key *key, const struct vouch_signed *signed_)
{
	__u64 words[VOUCH_SIGNED_WORDS];

	__builtin_memcpy(words, signed_, sizeof(words));
	return VOUCH_LE64(vouch_siphash(key, words));
}

/* vouch_epoch() - of a time on the TAI clock, in nanoseconds */
VOUCH_INLINE __u32 vouch_epoch(__u64 tai_ns, __s64 offset_seconds)
{
	return (__u32)((tai_ns / 1000000000ULL + (__u64)offset_seconds) / VOUCH_EPOCH_SECONDS);
}

/* vouch_epoch_nearest() - the epoch with these low four bits that is nearest to @now: -8 to +7 */
VOUCH_INLINE __u32 vouch_epoch_nearest(__u32 now, __u8 low)
{
	__u32 ahead = ((__u32)low - now) & 15;

	return ahead < 8 ? now + ahead : now + ahead - 16;
}

/* vouch_epoch_good() - whether a vouch of @epoch is good now */
VOUCH_INLINE int vouch_epoch_good(__u32 now, __u32 epoch)
{
	return now - epoch + VOUCH_EPOCH_SLACK <= 2 * VOUCH_EPOCH_SLACK;
}

/* What vouch_option_check() finds. */
enum vouch_found {
	VOUCH_ABSENT,    /* no option of ours */
	VOUCH_MALFORMED, /* ours, but not as this version writes it */
	VOUCH_PRESENT,
};

/*
 * vouch_option_check() - whether 20 bytes are an option that carries @role
 *
 * A later version, another role, a reserved bit that is set: malformed, never half understood.
 */
VOUCH_INLINE enum vouch_found vouch_option_check(const struct vouch_option *option,
						 enum vouch_role role)
{
	__u8 allowed = role == VOUCH_SYN_ACK ? VOUCH_ROLE | VOUCH_APPROVED : VOUCH_ROLE;

	if (option->kind != VOUCH_KIND || option->exid != VOUCH_BE16(VOUCH_EXID))
		return VOUCH_ABSENT;
	if (option->length != VOUCH_LENGTH || option->version_epoch >> 4 != VOUCH_VERSION ||
	    (option->flags & ~allowed) || (option->flags & VOUCH_ROLE) != (__u8)role ||
	    option->reserved)
		return VOUCH_MALFORMED;
	return VOUCH_PRESENT;
}

#endif
