/* SPDX-License-Identifier: MIT */
/*
 * sort.h - numbers of 64 bits by their upper bits, in linear time
 *
 * A policy of a million statements is sorted twice on its way to the tables; comparing would cost a
 * third of the whole reload.
 */
#ifndef PORTCRED_POLICY_SORT_H
#define PORTCRED_POLICY_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most so many numbers are sorted without scratch space. */
#define SORT_IN_PLACE 64U

/*
 * sort_upper() - sort by bits @from..63, keeping the order of numbers that are equal in them
 * @scratch: room for @n numbers; may be NULL where @n <= SORT_IN_PLACE
 *
 * The result lies in @values; @scratch holds anything.
 */
void sort_upper(uint64_t *values, uint64_t *scratch, size_t n, unsigned from);

/* sort_is_sorted() - whether they already stand in that order */
bool sort_is_sorted(const uint64_t *values, size_t n, unsigned from);

#endif
