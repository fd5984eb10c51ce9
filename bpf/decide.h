/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * decide.h - may this process bind this port? Written once, for the kernel and for user space.
 *
 * The includer brings two opaque types and what reads them:
 *
 *	struct tables       one policy's tables (in the kernel: a slot)
 *	struct principal    the process (in the kernel: the current task)
 *
 * and, before it includes this file, these functions. A pointer is NULL where the index is out of
 * range or the table is missing; the decision then falls to refusal, never to a grant.
 *
 *	const struct port_entry *tables_port(const struct tables *, __u32 protocol, __u32 port);
 *	const struct rule_set *tables_set(const struct tables *, __u32 set);
 *	const struct users_shape *tables_users(const struct tables *);
 *	const struct user_bucket *tables_bucket(const struct tables *, __u32 index);
 *	const struct clause *tables_clause(const struct tables *, __u32 index);
 *	const struct prefix *tables_prefix(const struct tables *, __u32 index);
 *	__u32 principal_uid(const struct principal *);
 *	int principal_capable(const struct principal *);
 *	int principal_in_group(const struct principal *, __u32 gid);
 *	int principal_runs(const struct tables *, const struct principal *, __u32 exe);
 *	int principal_in_unit(const struct tables *, const struct principal *, __u32 unit);
 *
 * Order: the user whom a statement names without further conditions (the common case, which so never
 * looks at the set itself), anyone, then the other statements that name the user, then the rest, then
 * the capability, then refusal. Rules only ever grant, so the order decides which rule is named and
 * nothing else.
 */
#ifndef PORTCRED_DECIDE_H
#define PORTCRED_DECIDE_H

#include "users.h"

/* The kernel's verifier checks these once and each alone; elsewhere they are ordinary functions. */
#ifdef __bpf__
#define DECIDE_FUNCTION __noinline
#define DECIDE_INLINE   static __always_inline /* a frame less: all of them share 512 bytes */
#else
#define DECIDE_FUNCTION static
#define DECIDE_INLINE   static inline
#endif

/* struct endpoint - the address and port a process asks for */
struct endpoint {
	__u32 address[4]; /* network byte order, IPv4 v4-mapped */
	__u32 port;       /* host byte order */
	__u8 protocol;    /* enum protocol */
	__u8 family;      /* 4 or 6; a v4-mapped IPv6 address is 4 */
	__u8 v6only;      /* family 6: the socket takes no IPv4 (IPV6_V6ONLY) */
	__u8 zero;
};

/* struct decision - what decide() answers */
struct decision {
	__u32 verdict;    /* enum verdict */
	struct rule rule; /* granted by which statement; refused: the first for the port */
};

/* A bucket has the key; it has not, and is full; it has not, and no other has. */
enum { BUCKET_HAS, BUCKET_FULL, BUCKET_ENDS };

/* search_bucket() - one bucket for a key; writes the grant where it has the key */
DECIDE_FUNCTION int search_bucket(const struct tables *tables, __u32 index,
				  const struct user_key *key, struct grant *grant)
{
	const struct user_bucket *bucket;

	if (!tables || !key || !grant)
		return BUCKET_ENDS;
	bucket = tables_bucket(tables, index);
	if (!bucket)
		return BUCKET_ENDS;
	for (int i = 0; i < USERS_IN_BUCKET; i++) {
		const struct user_entry *entry = &bucket->entry[i];

		if (entry->key.uid != key->uid || entry->key.set != key->set)
			continue;
		*grant = entry->grant;
		return BUCKET_HAS;
	}
	return users_full(bucket) ? BUCKET_FULL : BUCKET_ENDS;
}

/* find_grant() - what a set grants a user; returns whether it names him, and writes only then */
DECIDE_FUNCTION int find_grant(const struct tables *tables, __u32 set, __u32 uid,
			       struct grant *grant)
{
	const struct user_key key = { .set = set, .uid = uid };
	const struct users_shape *shape;
	__u32 home;

	if (!tables || !grant || set == 0)
		return 0;
	shape = tables_users(tables);
	if (!shape)
		return 0;
	home = users_home(shape, set, uid);
	for (__u32 i = 0; i < USERS_MAX_PROBES && i < shape->probes; i++) {
		int found = search_bucket(tables, users_away(shape, home, i), &key, grant);

		if (found != BUCKET_FULL)
			return found == BUCKET_HAS;
	}
	return 0;
}

/* endpoint_unspecified() - whether the address is 0.0.0.0 or :: */
DECIDE_INLINE int endpoint_unspecified(const struct endpoint *endpoint)
{
	if (endpoint->family == 4)
		return endpoint->address[3] == 0;
	return (endpoint->address[0] | endpoint->address[1] | endpoint->address[2] |
		endpoint->address[3]) == 0;
}

#define COVERS      1 /* the prefix covers the address */
#define COVERS_IPV4 2 /* all of its family */
#define COVERS_IPV6 4

/*
 * prefix_covers() - what a prefix covers: COVERS_* together, 0 where there is none
 *
 * COVERS is for specific addresses. Families never mix.
 */
DECIDE_FUNCTION int prefix_covers(const struct tables *tables, __u32 index,
				  const struct endpoint *endpoint)
{
	const struct prefix *prefix;
	__u32 difference;
	int covers;

	if (!tables || !endpoint)
		return 0;
	prefix = tables_prefix(tables, index);
	if (!prefix)
		return 0;
	difference = prefix->family ^ endpoint->family;
	for (int i = 0; i < 4; i++)
		difference |= (endpoint->address[i] & prefix->mask[i]) ^ prefix->address[i];
	covers = difference == 0 ? COVERS : 0;
	if (prefix->length == 0)
		covers |= prefix->family == 4 ? COVERS_IPV4 : COVERS_IPV6;
	return covers;
}

/*
 * addresses_cover() - whether prefixes [first, first + count) admit the address
 *
 * The unspecified address stands for every address of the host, so only a prefix that covers all of
 * a family admits it: 0.0.0.0 needs 0.0.0.0/0; :: needs ::/0, and 0.0.0.0/0 too where the socket
 * takes IPv4 as well. No prefixes at all admit everything.
 */
DECIDE_FUNCTION int addresses_cover(const struct tables *tables, const struct clause *clause,
				    const struct endpoint *endpoint)
{
	int covered = 0;

	if (!tables || !clause || !endpoint)
		return 0;
	if (clause->count == 0)
		return 1;
	for (__u32 i = 0; i < MAX_PREFIXES && i < clause->count; i++)
		covered |= prefix_covers(tables, clause->first + i, endpoint);
	if (!endpoint_unspecified(endpoint))
		return (covered & COVERS) != 0;
	if (endpoint->family == 4)
		return (covered & COVERS_IPV4) != 0;
	return (covered & COVERS_IPV6) && (endpoint->v6only || (covered & COVERS_IPV4));
}

/* clause_admits() - whether every condition of one clause holds */
DECIDE_FUNCTION int clause_admits(const struct tables *tables, const struct principal *principal,
				  __u32 index, const struct endpoint *endpoint)
{
	const struct clause *clause;
	__u32 conditions;

	if (!tables || !principal || !endpoint)
		return 0;
	clause = tables_clause(tables, index);
	if (!clause)
		return 0;
	conditions = clause->conditions;
	if ((conditions & CONDITION_USER) && principal_uid(principal) != clause->uid)
		return 0;
	if (!addresses_cover(tables, clause, endpoint))
		return 0;
	if ((conditions & CONDITION_GROUP) && !principal_in_group(principal, clause->gid))
		return 0;
	if ((conditions & CONDITION_EXE) && !principal_runs(tables, principal, clause->exe))
		return 0;
	if ((conditions & CONDITION_UNIT) && !principal_in_unit(tables, principal, clause->unit))
		return 0;
	return 1;
}

/* first_admitting() - the first of clauses [first, first + count) that admits, NULL if none does */
DECIDE_INLINE const struct clause *first_admitting(const struct tables *tables,
						   const struct principal *principal,
						   const struct endpoint *endpoint, __u32 first,
						   __u32 count)
{
	for (__u32 i = 0; i < MAX_CLAUSES && i < count; i++) {
		if (clause_admits(tables, principal, first + i, endpoint))
			return tables_clause(tables, first + i);
	}
	return (void *)0;
}

/*
 * decide_set() - the answer of one rule set
 * @set: index of the set; 0 is ungoverned
 * @decision: result; on entry anything
 */
DECIDE_INLINE void decide_set(const struct tables *tables, const struct principal *principal,
			      const struct endpoint *endpoint, __u32 set, struct decision *decision)
{
	const struct clause *clause = (void *)0;
	const struct rule_set *rules;
	struct rule nothing = { 0 };
	struct grant grant = { 0 };
	int known;

	decision->verdict = VERDICT_UNGOVERNED;
	decision->rule = nothing;
	if (set == 0)
		return;

	decision->verdict = VERDICT_REFUSED;
	known = find_grant(tables, set, principal_uid(principal), &grant);
	if (known && grant.clauses == 0) {
		decision->verdict = VERDICT_GRANTED;
		decision->rule.line = grant.at;
		decision->rule.file = grant.file;
		return;
	}
	rules = tables_set(tables, set);
	if (!rules)
		return;
	decision->rule = rules->rule;

	if (rules->flags & SET_ANYONE) {
		decision->verdict = VERDICT_GRANTED;
		decision->rule = rules->anyone;
		return;
	}
	if (known)
		clause = first_admitting(tables, principal, endpoint, grant.at, grant.clauses);
	if (!clause && rules->count)
		clause = first_admitting(tables, principal, endpoint, rules->first, rules->count);
	if (clause) {
		decision->verdict = VERDICT_GRANTED;
		decision->rule = clause->rule;
		return;
	}
	if (!(rules->flags & SET_ONLY) && principal_capable(principal))
		decision->verdict = VERDICT_CAPABLE;
}

/*
 * The other question: may this caller reach this listener (accept), may this service be reached
 * (connect)? The includer brings one function more:
 *
 *	int tables_member(const struct tables *, __u32 gid, __u32 uid);
 */

/* struct remote - who is at the other end, as far as it is proved */
struct remote {
	struct endpoint source; /* address and port of the other end */
	struct owner owner;     /* accept: of the listener; UID_NONE: not known */
	__u32 host;             /* HOST_NONE: nobody vouches */
	__u32 uid;              /* here; UID_NONE: not known, squashed */
	__u32 approved;         /* connect: a bind rule there approved the listener */
};

#define RESERVED_FIRST 512U  /* rcmd(3), IPPORT_RESERVED / 2 */
#define RESERVED_LAST  1023U /* IPPORT_RESERVED - 1 */

/* named_at() - whether a set names (host, uid); the rule into the decision */
DECIDE_INLINE int named_at(const struct tables *tables, __u32 set, __u32 host, __u32 uid,
			   struct decision *decision)
{
	struct grant grant = { 0 };

	if (!find_grant(tables, CALLER_SET(set, host), uid, &grant))
		return 0;
	decision->verdict = VERDICT_GRANTED;
	decision->rule.line = grant.at;
	decision->rule.file = grant.file;
	return 1;
}

/* named() - whether some statement names the caller's user or host */
DECIDE_INLINE int named(const struct tables *tables, const struct remote *remote, __u32 set,
			__u32 flags, struct decision *decision)
{
	if (remote->host == HOST_NONE || remote->host == HOST_EVERY || remote->host >= MAX_HOSTS)
		return 0;
	/* Neither of the two that mean something else in a key. */
	if (remote->uid < UID_APPROVED && (flags & SET_USERS) &&
	    named_at(tables, set, remote->host, remote->uid, decision))
		return 1;
	if (remote->uid < UID_APPROVED && (flags & SET_USERS_EVERY) &&
	    named_at(tables, set, HOST_EVERY, remote->uid, decision))
		return 1;
	if ((flags & SET_HOSTS) && named_at(tables, set, remote->host, UID_NONE, decision))
		return 1;
	if ((flags & SET_HOSTS_EVERY) && named_at(tables, set, HOST_EVERY, UID_NONE, decision))
		return 1;
	if (!(flags & SET_APPROVED) || !remote->approved)
		return 0;
	return named_at(tables, set, remote->host, UID_APPROVED, decision) ||
	       named_at(tables, set, HOST_EVERY, UID_APPROVED, decision);
}

/* clause_covers() - whether the caller's address lies in one of the clause's prefixes */
DECIDE_INLINE int clause_covers(const struct tables *tables, const struct remote *remote,
				const struct clause *clause)
{
	for (__u32 i = 0; i < MAX_PREFIXES && i < clause->count; i++) {
		if (prefix_covers(tables, clause->first + i, &remote->source) & COVERS)
			return 1;
	}
	return 0;
}

/* clause_meets() - whether one clause admits the caller */
DECIDE_INLINE int clause_meets(const struct tables *tables, const struct remote *remote,
			       const struct clause *clause)
{
	__u32 port = remote->source.port;

	switch (clause->conditions) {
	case CONDITION_OWNER:
		return remote->host != HOST_NONE && remote->uid != UID_NONE &&
		       remote->uid == remote->owner.uid;
	case CONDITION_OWNER_GROUP:
		return remote->host != HOST_NONE && remote->uid != UID_NONE &&
		       remote->owner.gid != UID_NONE &&
		       tables_member(tables, remote->owner.gid, remote->uid);
	case CONDITION_ADDRESS:
		return clause_covers(tables, remote, clause);
	case CONDITION_RESERVED:
		return port >= RESERVED_FIRST && port <= RESERVED_LAST &&
		       clause_covers(tables, remote, clause);
	default:
		return 0;
	}
}

/* remote_admitted() - the same of the policy's clause @index */
DECIDE_FUNCTION int remote_admitted(const struct tables *tables, const struct remote *remote,
				    __u32 index)
{
	const struct clause *clause;

	if (!tables || !remote)
		return 0;
	clause = tables_clause(tables, index);
	return clause && clause_meets(tables, remote, clause);
}

/*
 * decide_remote() - the answer of one accept or connect set
 * @set: index of the set; 0 is ungoverned
 *
 * Order: users, hosts, then the clauses. Nobody passes unnamed, local root included.
 */
DECIDE_INLINE void decide_remote(const struct tables *tables, const struct remote *remote,
				 __u32 set, struct decision *decision)
{
	const struct rule_set *rules = tables_set(tables, set);
	struct rule nothing = { 0 };

	decision->verdict = VERDICT_UNGOVERNED;
	decision->rule = nothing;
	if (set == 0)
		return;

	decision->verdict = VERDICT_REFUSED;
	if (!rules || set >= MAX_SETS)
		return;
	decision->rule = rules->rule;
	if (named(tables, remote, set, rules->flags, decision))
		return;
	for (__u32 i = 0; i < MAX_CLAUSES && i < rules->count; i++) {
		const struct clause *clause;

		if (!remote_admitted(tables, remote, rules->first + i))
			continue;
		clause = tables_clause(tables, rules->first + i);
		if (!clause)
			return;
		decision->verdict = VERDICT_GRANTED;
		decision->rule = clause->rule;
		return;
	}
}

#endif
