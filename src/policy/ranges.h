/* SPDX-License-Identifier: MIT */
/*
 * ranges.h - which statements stand behind each distinct range of ports
 *
 * The narrowest range that covers a port decides alone, and rules with the same range add up. So
 * the unit of a decision is a range: all statements of one kind (bind, accept, connect) and policy
 * (enforcing or observing) that name exactly it. policy_compile() makes one rule set of each, explain.h tells about them; both
 * take the numbering from here.
 */
#ifndef PORTCRED_POLICY_RANGES_H
#define PORTCRED_POLICY_RANGES_H

#include "policy/policy.h"

/* Statements are numbered in 27 bits; each takes at least two bytes of its source, a newline's too. */
#define RANGES_STATEMENT_BITS 27U
_Static_assert(MAX_SOURCE_BYTES / 2 <= 1U << RANGES_STATEMENT_BITS,
	       "statements fit in a reference");

/*
 * struct range_set - one range with its statements: references [first_ref, first_ref + n_refs)
 *
 * A reference counts only if range_set_statement() gives a statement for it: where a range is named
 * by different statements for TCP and for UDP, two sets share the references.
 */
struct range_set {
	uint32_t first_ref;
	uint32_t n_refs;
	uint16_t first; /* port */
	uint16_t last;
	uint8_t protocols; /* bits */
	uint8_t kind;      /* enum statement_kind: bind, accept, connect */
	bool observed;     /* of the observing policy */
};

/*
 * struct ranges - all of them
 *
 * sets[0] is unused, so that an index here is the index of the rule set in struct compiled.
 * Sets of bind come first, then those of accept, then of connect; of each kind the enforcing before
 * the observing ones, of these the narrower before the wider, then by first port. range_set_layer()
 * says which of these six a set belongs to.
 */
struct ranges {
	const struct policy *policy; /* borrowed: must outlive this */
	uint64_t *refs;
	struct range_set *sets;
	size_t n_refs, n_sets;
};

/*
 * ranges_new() - collect them
 * Returns 0, -EINVAL for a range that policy_parse() would have refused, -ENOMEM.
 */
int ranges_new(const struct policy *policy, struct ranges **ret_ranges);
void ranges_free(struct ranges *ranges);

/*
 * range_set_statement() - the statement behind the @i-th reference of a set, i < n_refs
 * In the order of the sources; NULL: this one is not about the set's protocols.
 */
const struct statement *range_set_statement(const struct ranges *ranges,
					    const struct range_set *set, size_t i);

static inline unsigned range_set_layer(const struct range_set *set)
{
	return set->kind * 2U + set->observed;
}

/* range_set_covers() - whether it is of this kind and names this port of this protocol */
static inline bool range_set_covers(const struct range_set *set, enum statement_kind kind,
				    enum protocol protocol, uint16_t port)
{
	return set->kind == kind && port >= set->first && port <= set->last &&
	       (set->protocols & PROTOCOL_BIT(protocol));
}

/*
 * alternative_can_admit() - whether it admits anyone at all
 * Not if a name in it is not resolved, or an executable was missing; nor if it asks for nothing,
 * which must never come to mean anyone.
 */
static inline bool alternative_can_admit(const struct alternative *alternative)
{
	uint32_t never = CONDITION_NEVER | CONDITION_NAMED_USER | CONDITION_NAMED_GROUP;

	return alternative->conditions && !(alternative->conditions & never);
}

#endif
