/* SPDX-License-Identifier: MIT */
/*
 * overlap.c - ranges of one policy, kind and protocol lie inside one another or apart
 *
 * A range is written as one number: its group, its first port, the complement of its last one, and
 * which range it is. Sorted, a range comes before all that lie inside of it, so one stack of the
 * ranges that are open shows whoever begins inside of one and ends outside. Single ports cannot
 * overlap in part and are left out, which leaves nothing at all of most policies.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/check.h"
#include "policy/parse.h"
#include "policy/sort.h"

/* A number, from above: group (4 bits), first (16), complement of last (16), index (28). */
#define INDEX_BITS  28U
#define INDEX_MASK  ((1U << INDEX_BITS) - 1)
#define LAST_SHIFT  INDEX_BITS
#define FIRST_SHIFT (LAST_SHIFT + 16)
#define GROUP_SHIFT (FIRST_SHIFT + 16)
_Static_assert(MAX_SOURCE_BYTES / 4 <= INDEX_MASK, "a range takes four bytes, as in `1-2,`");

/* struct wide - a range of more than one port: which one */
struct wide {
	uint32_t statement;
	uint32_t index; /* among the statement's ports */
};

/* struct overlaps - what check_overlaps() works with */
struct overlaps {
	const struct policy *policy;
	struct diagnostics *diagnostics;
	struct wide *wides; /* in the order of the sources */
	uint64_t *numbers;
	size_t n_wides, n_numbers, wides_allocated, numbers_allocated;
};

static void overlaps_clear(struct overlaps *overlaps)
{
	free(overlaps->wides);
	free(overlaps->numbers);
}

static uint16_t first_of(uint64_t number)
{
	return (uint16_t)(number >> FIRST_SHIFT);
}

static uint16_t last_of(uint64_t number)
{
	return (uint16_t) ~(number >> LAST_SHIFT);
}

static uint64_t group_of(uint64_t number)
{
	return number >> GROUP_SHIFT;
}

static size_t index_of(uint64_t number)
{
	return number & INDEX_MASK;
}

/* group() - ranges of two groups have nothing to do with each other */
static uint64_t group(const struct statement *statement, unsigned protocol)
{
	unsigned observe = statement->flags & STATEMENT_OBSERVE ? 1 : 0;

	_Static_assert((STATEMENT_CONNECT * 2 + 1) * PROTOCOLS + PROTOCOLS - 1 < 16, "4 bits");
	return (statement->kind * 2U + observe) * PROTOCOLS + protocol;
}

static const struct port_range *range_of(const struct policy *policy, const struct wide *wide)
{
	return &policy->ports[policy->statements[wide->statement].first_port + wide->index];
}

/* add_wide() - a range, once for each protocol */
static int add_wide(struct overlaps *overlaps, struct wide wide)
{
	const struct statement *statement = &overlaps->policy->statements[wide.statement];
	const struct port_range *range = range_of(overlaps->policy, &wide);

	for (unsigned protocol = 0; protocol < PROTOCOLS; protocol++) {
		if (!(range->protocols & PROTOCOL_BIT(protocol)))
			continue;
		if (GROW(overlaps->numbers, overlaps->numbers_allocated, overlaps->n_numbers) < 0)
			return -ENOMEM;
		overlaps->numbers[overlaps->n_numbers++] =
			group(statement, protocol) << GROUP_SHIFT |
			(uint64_t)range->first << FIRST_SHIFT |
			(uint64_t)(uint16_t)~range->last << LAST_SHIFT | overlaps->n_wides;
	}
	if (GROW(overlaps->wides, overlaps->wides_allocated, overlaps->n_wides) < 0)
		return -ENOMEM;
	overlaps->wides[overlaps->n_wides++] = wide;
	return 0;
}

static int collect(struct overlaps *overlaps)
{
	const struct policy *policy = overlaps->policy;

	for (uint32_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		if (!statement_has_ranges(statement))
			continue;
		for (uint32_t k = 0; k < statement->ports; k++) {
			const struct port_range *range = &policy->ports[statement->first_port + k];

			if (range->first != range->last &&
			    add_wide(overlaps, (struct wide){ i, k }) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* say_overlap() - at the later of the two, naming the place of the other */
static int say_overlap(struct overlaps *overlaps, uint64_t one, uint64_t other)
{
	const struct policy *policy = overlaps->policy;
	size_t later = index_of(one) > index_of(other) ? index_of(one) : index_of(other);
	size_t earlier = index_of(one) > index_of(other) ? index_of(other) : index_of(one);
	const struct wide *here = &overlaps->wides[later], *there = &overlaps->wides[earlier];
	const struct port_range *ours = range_of(policy, here), *theirs = range_of(policy, there);
	struct location where = { .line = policy->statements[here->statement].line, .column = 1 };
	struct location first;
	_cleanup_free_ char *place = NULL;
	unsigned width = 1;
	int r;

	/* Two ranges that have both protocols meet twice. */
	if ((group_of(one) % PROTOCOLS) != PROTOCOL_TCP &&
	    (ours->protocols & theirs->protocols & PROTOCOL_BIT(PROTOCOL_TCP)))
		return 0;
	/* Places cost a search each: only for those that will be shown. */
	if (!diagnostics_full(overlaps->diagnostics, SEVERITY_ERROR)) {
		r = port_place(policy, &policy->statements[there->statement], there->index, &first,
			       &width);
		if (r == 0)
			r = port_place(policy, &policy->statements[here->statement], here->index,
				       &where, &width);
		if (r < 0)
			return r;
		place = location_text(policy->sources, first);
		if (!place)
			return -ENOMEM;
	}
	diagnostics_add(overlaps->diagnostics, SEVERITY_ERROR, where, width,
			"range %u-%u partly overlaps %u-%u at %s, expected one inside the other or "
			"apart",
			ours->first, ours->last, theirs->first, theirs->last, place ? place : "");
	return 0;
}

/* sweep() - over the sorted numbers; @open is room for as many */
static int sweep(struct overlaps *overlaps, uint64_t *open)
{
	size_t n_open = 0;

	for (size_t i = 0; i < overlaps->n_numbers; i++) {
		uint64_t number = overlaps->numbers[i];
		int r;

		while (n_open && (group_of(open[n_open - 1]) != group_of(number) ||
				  last_of(open[n_open - 1]) < first_of(number)))
			n_open--;
		if (n_open && last_of(open[n_open - 1]) < last_of(number)) {
			r = say_overlap(overlaps, number, open[n_open - 1]);
			if (r < 0)
				return r;
			continue;
		}
		open[n_open++] = number;
	}
	return 0;
}

int check_overlaps(const struct policy *policy, struct diagnostics *diagnostics)
{
	_cleanup_(overlaps_clear) struct overlaps overlaps = {
		.policy = policy,
		.diagnostics = diagnostics,
	};
	_cleanup_free_ uint64_t *room = NULL;

	if (collect(&overlaps) < 0)
		return -ENOMEM;
	if (overlaps.n_numbers == 0)
		return 0;
	room = calloc(overlaps.n_numbers, sizeof(*room));
	if (!room)
		return -ENOMEM;
	sort_upper(overlaps.numbers, room, overlaps.n_numbers, LAST_SHIFT);
	return sweep(&overlaps, room);
}
