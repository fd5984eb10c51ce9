/* SPDX-License-Identifier: MIT */
/*
 * diagnostics.h - errors and warnings of a policy, collected so that one run shows them all
 */
#ifndef PORTCRED_POLICY_DIAGNOSTICS_H
#define PORTCRED_POLICY_DIAGNOSTICS_H

#include <stdbool.h>
#include <stdio.h>

#include "policy/source.h"

/* More errors, or more warnings, than these are counted and not kept. */
#define MAX_DIAGNOSTICS 200U

enum severity {
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};

struct diagnostic {
	struct location where;
	enum severity severity;
	unsigned width; /* characters to underline from the column, at least 1 */
	char *text;     /* "what, and what was expected" */
};

struct diagnostics {
	struct diagnostic *items;
	size_t n_items, n_allocated;
	size_t errors, warnings;           /* all that were said, kept or not */
	size_t errors_kept, warnings_kept; /* those among the items */
};

/* diagnostics_add() - a printf-like text; memory shortage counts the error and keeps no text */
void diagnostics_add(struct diagnostics *diagnostics, enum severity severity, struct location where,
		     unsigned width, const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * diagnostics_full() - whether one more of this severity would only be counted
 * For whoever must search for the place or the words of it.
 */
bool diagnostics_full(const struct diagnostics *diagnostics, enum severity severity);

/*
 * diagnostics_print() - "FILE:LINE:COL: error: TEXT", the line, a caret; sorted by place
 * Control characters of the line are shown as '?'; tabs are kept so that the caret stands right.
 * Of a long line the part around the caret is shown. Line 0 is "FILE: error: TEXT" and nothing
 * more.
 */
void diagnostics_print(const struct diagnostics *diagnostics, const struct sources *sources,
		       bool colour, FILE *out);

/* diagnostics_clear() - forget all; also whoever has declared one as { 0 } ends with this */
void diagnostics_clear(struct diagnostics *diagnostics);

#endif
