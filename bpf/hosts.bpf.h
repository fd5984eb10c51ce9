/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * hosts.bpf.h - hosts that vouch: whose an address is, what their users are here, signing, verifying
 */
#ifndef PORTCRED_BPF_HOSTS_H
#define PORTCRED_BPF_HOSTS_H

#include "tables.bpf.h"

#include "vouch.h"

static __always_inline const struct host_entry *tables_host(const struct tables *tables, __u32 host)
{
	return LOOKUP(hosts, tables, &host);
}

/* host_at() - the number of the host that has the address; HOST_NONE: no statement has it */
static __always_inline __u32 host_at(const struct tables *tables, const __u32 address[4])
{
	struct host_prefix key = { .length = 128 };
	const __u32 *host;

	for (int i = 0; i < 4; i++)
		key.address[i] = address[i];
	host = LOOKUP(addresses, tables, &key);
	return host ? *host : HOST_NONE;
}

/*
 * shares() - whether a range of ids that a host shares has the uid
 *
 * Called from a loop, and so of its own: the verifier walks the loop of a call, and this once.
 */
__noinline int shares(const struct tables *tables, __u32 index, __u32 uid)
{
	const struct shared_ids *ids;

	if (!tables)
		return 0;
	ids = LOOKUP(shared_ids, tables, &index);
	return ids && uid >= ids->first && uid <= ids->last;
}

/*
 * map_uid() - what uid N of a host is here; UID_NONE: nobody
 *
 * This machine's users are themselves. Another host speaks for the ids that are shared with it, and
 * for root where it is trusted with that.
 */
static __always_inline __u32 map_uid(const struct tables *tables, const struct host_entry *entry,
				     __u32 host, __u32 uid)
{
	if (host == HOST_LOCAL || uid == UID_NONE)
		return uid;
	if (uid == 0)
		return entry->root_trusted ? 0 : UID_NONE;
	for (__u32 i = 0; i < MAX_ID_RANGES && i < entry->ranges; i++) {
		if (shares(tables, entry->first_range + i, uid))
			return uid;
	}
	return UID_NONE;
}

/* now_epoch() - by the TAI clock, which knows no leap seconds and no time zones */
static __always_inline __u32 now_epoch(__s32 offset)
{
	return vouch_epoch(bpf_ktime_get_tai_ns(), offset);
}

/*
 * vouch_sign() - complete an option whose uid and flags are set, and what it signs
 * @signed_: addresses, ports and sequence numbers are set
 */
static __always_inline void vouch_sign(struct vouch_option *option, struct vouch_signed *signed_,
				       const struct vouch_key *key, __u32 epoch)
{
	__u64 tag;

	option->kind = VOUCH_KIND;
	option->length = VOUCH_LENGTH;
	option->exid = bpf_htons(VOUCH_EXID);
	option->version_epoch = VOUCH_VERSION << 4 | (epoch & 15);
	option->reserved = 0;
	signed_->role = option->flags & VOUCH_ROLE;
	signed_->flags = option->flags;
	signed_->reserved = 0;
	signed_->epoch = bpf_htonl(epoch);
	signed_->uid = option->uid;
	tag = vouch_tag(key, signed_);
	__builtin_memcpy(option->tag, &tag, sizeof(tag));
}

/* vouch_verify() - whether the tag of an option is that of what it signs; @signed_ as above */
static __always_inline int vouch_verify(const struct vouch_option *option,
					struct vouch_signed *signed_, const struct vouch_key *key,
					__u32 epoch)
{
	__u64 tag;

	signed_->role = option->flags & VOUCH_ROLE;
	signed_->flags = option->flags;
	signed_->reserved = 0;
	signed_->epoch = bpf_htonl(epoch);
	signed_->uid = option->uid;
	__builtin_memcpy(&tag, option->tag, sizeof(tag));
	return vouch_tag(key, signed_) == tag;
}

#endif
