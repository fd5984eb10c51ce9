/* SPDX-License-Identifier: MIT */
/*
 * lex.h - logical lines of a policy as tokens
 *
 * A token points into the source. Everything that the text itself can get wrong is said here: bytes
 * that are no text, quotes that do not end, lines that are too long.
 */
#ifndef PORTCRED_POLICY_LEX_H
#define PORTCRED_POLICY_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/diagnostics.h"
#include "policy/keyword.h"
#include "policy/source.h"

enum token_kind {
	TOKEN_END, /* of the logical line: always the last one, just behind the last word */
	TOKEN_COMMA,
	TOKEN_WORD,
	TOKEN_QUOTED, /* in quotes: never a keyword */
};

/* struct token - as it is written, the quotes included */
struct token {
	const char *start;
	const char *line_start; /* of its physical line */
	uint32_t length;        /* bytes */
	uint32_t line;          /* physical, from 1 */
	uint8_t kind;           /* enum token_kind */
	uint8_t keyword;        /* enum keyword */
};

/* struct lexer - what is being read; released by lexer_clear() */
struct lexer {
	const char *at, *end;
	const char *line_start; /* of the physical line at hand */
	uint32_t line;
	uint16_t file;
	bool broken; /* the tokens are not all of the line: an error was said */
	struct diagnostics *diagnostics;
	struct token *tokens;
	size_t n_tokens, n_allocated;

	/* The last place that was counted: columns of one line are asked for in order. */
	const char *counted_line, *counted_at;
	uint32_t counted;

	const char *logical_start;
	uint32_t logical_line;
};

/* lexer_begin() - at the start of a file; tokens of an earlier one keep their memory */
void lexer_begin(struct lexer *lexer, const struct source *source, uint16_t file,
		 struct diagnostics *diagnostics);

/*
 * lexer_next() - the tokens of the next logical line that has any or is broken
 * Returns 1 with tokens (or broken), 0 at the end of the file, -ENOMEM.
 */
int lexer_next(struct lexer *lexer);

void lexer_clear(struct lexer *lexer);

/* lexer_location(), lexer_width() - where a token stands and its characters, for diagnostics */
struct location lexer_location(struct lexer *lexer, const struct token *token);
unsigned lexer_width(const struct token *token);

#endif
