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
 *	const struct grant *tables_grant(const struct tables *, const struct user_key *);
 *	const struct clause *tables_clause(const struct tables *, __u32 index);
 *	const struct prefix *tables_prefix(const struct tables *, __u32 index);
 *	__u32 principal_uid(const struct principal *);
 *	int principal_capable(const struct principal *);
 *	int principal_in_group(const struct principal *, __u32 gid);
 *	int principal_runs(const struct tables *, const struct principal *, __u32 exe);
 *	int principal_in_unit(const struct tables *, const struct principal *, __u32 unit);
 *
 * Order: anyone, then the statements that name the user, then the other statements, then the
 * capability, then refusal. Rules only ever grant, so the order decides which rule is named and
 * nothing else.
 */
#ifndef PORTCRED_DECIDE_H
#define PORTCRED_DECIDE_H

#include "abi.h"

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

/* endpoint_unspecified() - whether the address is 0.0.0.0 or :: */
DECIDE_INLINE int endpoint_unspecified(const struct endpoint *endpoint)
{
	if (endpoint->family == 4)
		return endpoint->address[3] == 0;
	return (endpoint->address[0] | endpoint->address[1] | endpoint->address[2] |
		endpoint->address[3]) == 0;
}

/* prefix_covers() - whether a specific address lies in the prefix; families never mix */
DECIDE_INLINE int prefix_covers(const struct prefix *prefix, const struct endpoint *endpoint)
{
	__u32 difference = 0;

	for (int i = 0; i < 4; i++)
		difference |= (endpoint->address[i] & prefix->mask[i]) ^ prefix->address[i];
	return prefix->family == endpoint->family && difference == 0;
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
	int unspecified, covered = 0, all4 = 0, all6 = 0;

	if (!tables || !clause || !endpoint)
		return 0;
	if (clause->count == 0)
		return 1;
	unspecified = endpoint_unspecified(endpoint);
	for (__u32 i = 0; i < MAX_PREFIXES && i < clause->count; i++) {
		const struct prefix *prefix = tables_prefix(tables, clause->first + i);

		if (!prefix)
			return 0;
		if (prefix->length == 0 && prefix->family == 4)
			all4 = 1;
		if (prefix->length == 0 && prefix->family == 6)
			all6 = 1;
		covered |= prefix_covers(prefix, endpoint);
	}
	if (!unspecified)
		return covered;
	if (endpoint->family == 4)
		return all4;
	return all6 && (endpoint->v6only || all4);
}

/* clause_admits() - whether every condition of one clause holds */
DECIDE_FUNCTION int clause_admits(const struct tables *tables, const struct principal *principal,
				  const struct clause *clause, const struct endpoint *endpoint)
{
	__u32 conditions;

	if (!tables || !principal || !clause || !endpoint)
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
		const struct clause *clause = tables_clause(tables, first + i);

		if (clause && clause_admits(tables, principal, clause, endpoint))
			return clause;
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
	struct user_key key = { .set = set, .uid = principal_uid(principal) };
	const struct rule_set *rules = tables_set(tables, set);
	const struct clause *clause = (void *)0;
	const struct grant *grant;
	struct rule nothing = { 0 };

	decision->verdict = VERDICT_UNGOVERNED;
	decision->rule = nothing;
	if (set == 0)
		return;

	decision->verdict = VERDICT_REFUSED;
	if (!rules)
		return;
	decision->rule = rules->rule;

	if (rules->flags & SET_ANYONE) {
		decision->verdict = VERDICT_GRANTED;
		decision->rule = rules->anyone;
		return;
	}
	grant = tables_grant(tables, &key);
	if (grant && grant->clauses == 0) {
		decision->verdict = VERDICT_GRANTED;
		decision->rule.line = grant->at;
		decision->rule.file = grant->file;
		return;
	}
	if (grant)
		clause = first_admitting(tables, principal, endpoint, grant->at, grant->clauses);
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

#endif
