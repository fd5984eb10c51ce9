/* SPDX-License-Identifier: MIT */
#include "policy/suggest.h"

#include <ctype.h>
#include <string.h>

void suggestion_begin(struct suggestion *suggestion, const char *word, size_t length)
{
	unsigned allowed = length / 3 ? (unsigned)(length / 3) : 1;

	*suggestion = (struct suggestion){
		.word = word,
		.length = length,
		.distance = allowed + 1,
	};
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned suggest_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	/* Row i % 3 holds the distances of the first i letters of a to all beginnings of b. */
	unsigned rows[3][MAX_SUGGESTION + 1];

	for (size_t i = 0; i <= a_length; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			if (i == 0) {
				row[j] = (unsigned)j;
				continue;
			}
			row[j] = least(above[j], row[j - 1]) + 1;
			row[j] = least(row[j], above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

void suggestion_offer(struct suggestion *suggestion, const char *candidate)
{
	size_t length = strlen(candidate);
	size_t apart = length > suggestion->length ? length - suggestion->length
						   : suggestion->length - length;
	unsigned distance;

	if (length > MAX_SUGGESTION || suggestion->length > MAX_SUGGESTION ||
	    apart >= suggestion->distance)
		return;
	distance = suggest_distance(suggestion->word, suggestion->length, candidate, length);
	/* Nothing in common is no likeness: "x" is not nearly "y". */
	if (distance >= suggestion->distance || distance >= length)
		return;
	suggestion->distance = distance;
	memcpy(suggestion->best, candidate, length + 1);
}

const char *suggestion_found(const struct suggestion *suggestion)
{
	return suggestion->best[0] ? suggestion->best : NULL;
}
