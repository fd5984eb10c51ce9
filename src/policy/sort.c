/* SPDX-License-Identifier: MIT */
#include "policy/sort.h"

#include <stdbool.h>
#include <string.h>

/* Three passes of 11 bits take the 33 bits of a range, or the 32 of a uid; 16 KiB of counters. */
#define DIGIT_BITS 11U
#define DIGITS     (1U << DIGIT_BITS)

bool sort_is_sorted(const uint64_t *values, size_t n, unsigned from)
{
	for (size_t i = 1; i < n; i++) {
		if (values[i - 1] >> from > values[i] >> from)
			return false;
	}
	return true;
}

static void sort_few(uint64_t *values, size_t n, unsigned from)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t value = values[i];
		size_t at = i;

		for (; at > 0 && values[at - 1] >> from > value >> from; at--)
			values[at] = values[at - 1];
		values[at] = value;
	}
}

/* sort_digit() - one stable pass; false where all numbers share the digit and nothing was moved */
static bool sort_digit(const uint64_t *values, uint64_t *sorted, size_t n, unsigned shift)
{
	size_t places[DIGITS] = { 0 };
	size_t place = 0;

	for (size_t i = 0; i < n; i++)
		places[(values[i] >> shift) % DIGITS]++;
	if (places[(values[0] >> shift) % DIGITS] == n)
		return false;
	for (unsigned digit = 0; digit < DIGITS; digit++) {
		size_t count = places[digit];

		places[digit] = place;
		place += count;
	}
	for (size_t i = 0; i < n; i++)
		sorted[places[(values[i] >> shift) % DIGITS]++] = values[i];
	return true;
}

void sort_upper(uint64_t *values, uint64_t *scratch, size_t n, unsigned from)
{
	uint64_t *here = values, *there = scratch;

	if (n <= SORT_IN_PLACE) {
		sort_few(values, n, from);
		return;
	}
	for (unsigned shift = from; shift < 64; shift += DIGIT_BITS) {
		if (sort_digit(here, there, n, shift)) {
			uint64_t *swap = here;

			here = there;
			there = swap;
		}
	}
	if (here != values)
		memcpy(values, here, n * sizeof(*values));
}
