/* SPDX-License-Identifier: MIT */
/*
 * suggest.h - "did you mean": the known word that is nearest to a misspelled one
 */
#ifndef PORTCRED_POLICY_SUGGEST_H
#define PORTCRED_POLICY_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

/* Longer words are not compared, and not remembered. */
#define MAX_SUGGESTION 64U

/* struct suggestion - the nearest word so far; begin with suggestion_begin() */
struct suggestion {
	const char *word; /* borrowed */
	size_t length;
	unsigned distance; /* of the best; a larger one than allowed while there is none */
	char best[MAX_SUGGESTION + 1];
};

/* suggestion_begin() - for @word, which must stay while words are offered */
void suggestion_begin(struct suggestion *suggestion, const char *word, size_t length);

/*
 * suggestion_offer() - one known word
 *
 * The distance is that of Damerau and Levenshtein in its restricted form (optimal string
 * alignment): insertions, deletions, substitutions and swaps of neighbours, upper and lower case
 * alike. One in three letters of the word may be wrong, and at least one. Of equals the first wins.
 */
void suggestion_offer(struct suggestion *suggestion, const char *candidate);

/* suggestion_found() - the nearest word, NULL if none was near; lies in @suggestion */
const char *suggestion_found(const struct suggestion *suggestion);

/* suggest_distance() - between two words of at most MAX_SUGGESTION bytes */
unsigned suggest_distance(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
