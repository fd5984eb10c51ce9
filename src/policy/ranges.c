/* SPDX-License-Identifier: MIT */
/*
 * ranges.c - sorting the ports of all statements
 *
 * A reference is "this statement names this range", in one number whose order is the order wanted:
 *
 *	 63..62   61         60..45         44..29       28..2        1..0
 *	 kind     observed   last - first   first port   statement    protocols
 *
 * References are collected in the order of the statements, so a stable sort by bits 29..63 is
 * enough: 8 bytes each, and as many again while sorting.
 */
#include "policy/ranges.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/sort.h"

#define KIND_SHIFT      62U
#define OBSERVED_SHIFT  61U
#define WIDTH_SHIFT     45U
#define FIRST_SHIFT     29U
#define STATEMENT_SHIFT 2U

DEFINE_CLEANUP(struct ranges *, ranges_free)

_Static_assert(STATEMENT_CONNECT < 1U << (64 - KIND_SHIFT), "kinds of ranges fit in a reference");

static uint64_t ref_make(const struct statement *statement, const struct port_range *range,
			 size_t index)
{
	bool observed = statement->flags & STATEMENT_OBSERVE;

	return (uint64_t)statement->kind << KIND_SHIFT | (uint64_t)observed << OBSERVED_SHIFT |
	       (uint64_t)(range->last - range->first) << WIDTH_SHIFT |
	       (uint64_t)range->first << FIRST_SHIFT | (uint64_t)index << STATEMENT_SHIFT |
	       (range->protocols & PROTOCOL_BITS_ALL);
}

static uint8_t ref_protocols(uint64_t ref)
{
	return ref & PROTOCOL_BITS_ALL;
}

static size_t ref_statement(uint64_t ref)
{
	return (ref >> STATEMENT_SHIFT) & ((1U << RANGES_STATEMENT_BITS) - 1);
}

static int ranges_collect(struct ranges *ranges)
{
	const struct policy *policy = ranges->policy;
	size_t n = 0;

	if (policy->n_statements >> RANGES_STATEMENT_BITS)
		return -EINVAL;
	for (size_t i = 0; i < policy->n_statements; i++) {
		if (statement_has_ranges(&policy->statements[i]))
			n += policy->statements[i].ports;
	}
	if (n > UINT32_MAX)
		return -EINVAL;
	ranges->refs = malloc((n + 1) * sizeof(*ranges->refs));
	if (!ranges->refs)
		return -ENOMEM;

	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		if (!statement_has_ranges(statement))
			continue;
		for (size_t k = 0; k < statement->ports; k++) {
			const struct port_range *range = &policy->ports[statement->first_port + k];

			if (range->first == 0 || range->last < range->first ||
			    !(range->protocols & PROTOCOL_BITS_ALL))
				return -EINVAL;
			ranges->refs[ranges->n_refs++] = ref_make(statement, range, i);
		}
	}
	return 0;
}

static int ranges_sort(struct ranges *ranges)
{
	_cleanup_free_ uint64_t *scratch = NULL;

	if (sort_is_sorted(ranges->refs, ranges->n_refs, FIRST_SHIFT))
		return 0;
	if (ranges->n_refs > SORT_IN_PLACE) {
		scratch = malloc(ranges->n_refs * sizeof(*scratch));
		if (!scratch)
			return -ENOMEM;
	}
	sort_upper(ranges->refs, scratch, ranges->n_refs, FIRST_SHIFT);
	return 0;
}

/* ranges_merge() - a statement that names one range twice (80/tcp, 80/udp) is one reference */
static void ranges_merge(struct ranges *ranges)
{
	uint64_t *refs = ranges->refs;
	size_t n = 0;

	for (size_t i = 0; i < ranges->n_refs; i++) {
		if (n > 0 && refs[n - 1] >> STATEMENT_SHIFT == refs[i] >> STATEMENT_SHIFT)
			refs[n - 1] |= ref_protocols(refs[i]);
		else
			refs[n++] = refs[i];
	}
	ranges->n_refs = n;
}

static int ranges_add_set(struct ranges *ranges, size_t *allocated, size_t from, size_t to,
			  uint8_t protocols)
{
	uint64_t ref = ranges->refs[from];
	uint16_t first = (uint16_t)(ref >> FIRST_SHIFT);

	if (grow(&ranges->sets, allocated, ranges->n_sets, 1, sizeof(*ranges->sets)) < 0)
		return -ENOMEM;
	ranges->sets[ranges->n_sets++] = (struct range_set){
		.first_ref = (uint32_t)from,
		.n_refs = (uint32_t)(to - from),
		.first = first,
		.last = (uint16_t)(first + (uint16_t)(ref >> WIDTH_SHIFT)),
		.protocols = protocols,
		.kind = (uint8_t)(ref >> KIND_SHIFT),
		.observed = ref >> OBSERVED_SHIFT & 1,
	};
	return 0;
}

/*
 * ranges_divide() - one set for each run of the same range
 * One for both protocols where all of its statements name the same; else one for each.
 */
static int ranges_divide(struct ranges *ranges)
{
	size_t allocated = 0, from = 0, to;
	const uint64_t *refs = ranges->refs;
	int r;

	if (GROW(ranges->sets, allocated, 0) < 0)
		return -ENOMEM;
	ranges->sets[0] = (struct range_set){ 0 };
	ranges->n_sets = 1;

	for (; from < ranges->n_refs; from = to) {
		uint8_t some = 0, all = PROTOCOL_BITS_ALL;

		for (to = from; to < ranges->n_refs; to++) {
			if (refs[to] >> FIRST_SHIFT != refs[from] >> FIRST_SHIFT)
				break;
			some |= ref_protocols(refs[to]);
			all &= ref_protocols(refs[to]);
		}
		if (some == all) {
			r = ranges_add_set(ranges, &allocated, from, to, some);
			if (r < 0)
				return r;
			continue;
		}
		for (unsigned protocol = 0; protocol < PROTOCOLS; protocol++) {
			if (!(some & PROTOCOL_BIT(protocol)))
				continue;
			r = ranges_add_set(ranges, &allocated, from, to, PROTOCOL_BIT(protocol));
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int ranges_new(const struct policy *policy, struct ranges **ret_ranges)
{
	_cleanup_(ranges_freep) struct ranges *ranges = NULL;
	int r;

	ranges = calloc(1, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	ranges->policy = policy;
	r = ranges_collect(ranges);
	if (r < 0)
		return r;
	r = ranges_sort(ranges);
	if (r < 0)
		return r;
	ranges_merge(ranges);
	r = ranges_divide(ranges);
	if (r < 0)
		return r;
	*ret_ranges = TAKE_PTR(ranges);
	return 0;
}

void ranges_free(struct ranges *ranges)
{
	if (!ranges)
		return;
	free(ranges->refs);
	free(ranges->sets);
	free(ranges);
}

const struct statement *range_set_statement(const struct ranges *ranges,
					    const struct range_set *set, size_t i)
{
	uint64_t ref = ranges->refs[set->first_ref + i];

	if (!(ref_protocols(ref) & set->protocols))
		return NULL;
	return &ranges->policy->statements[ref_statement(ref)];
}
