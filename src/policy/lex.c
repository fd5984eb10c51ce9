/* SPDX-License-Identifier: MIT */
/*
 * lex.c - one pass over the text, a table of bytes, no memory but the tokens of one line
 *
 * Lexical rules (doc/policy.ebnf has them as a grammar):
 *
 *	word       anything but blanks, ',', '"' and '#'; a '\' in it is an ordinary character
 *	"quoted"   on one line, without tabs; \" and \\ stand for " and \
 *	,          a token of its own, blanks around it or not
 *	# ...      to the end of the physical line; never inside quotes, never inside a word
 *	\          as the last byte of a physical line: the logical line goes on
 *
 * A line ends with LF or CR LF. Bytes that are no printable UTF-8 text are errors everywhere, in
 * comments too: what an editor does not show must not decide who may bind a port.
 */
#include "policy/lex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/utf8.h"

enum byte_class {
	BYTE_WORD,
	BYTE_HIGH, /* part of a longer character */
	BYTE_BACKSLASH,
	BYTE_BLANK,
	BYTE_COMMA,
	BYTE_QUOTE,
	BYTE_HASH,
	BYTE_NEWLINE,
	BYTE_RETURN,
	BYTE_CONTROL, /* also the NUL behind the text */
};

static const uint8_t classes[256] = {
	[0x00 ... 0x08] = BYTE_CONTROL,
	[0x0b ... 0x0c] = BYTE_CONTROL,
	[0x0e ... 0x1f] = BYTE_CONTROL,
	[0x7f] = BYTE_CONTROL,
	[0x80 ... 0xff] = BYTE_HIGH,
	['\t'] = BYTE_BLANK,
	[' '] = BYTE_BLANK,
	['\n'] = BYTE_NEWLINE,
	['\r'] = BYTE_RETURN,
	[','] = BYTE_COMMA,
	['"'] = BYTE_QUOTE,
	['#'] = BYTE_HASH,
	['\\'] = BYTE_BACKSLASH,
};

static enum byte_class class_of(const char *at)
{
	return classes[(unsigned char)*at];
}

void lexer_begin(struct lexer *lexer, const struct source *source, uint16_t file,
		 struct diagnostics *diagnostics)
{
	size_t length;

	lexer->end = source->text + source->size;
	/* The first line begins behind a byte order mark. */
	lexer->at = source_line(source, 1, &length);
	lexer->line_start = lexer->at;
	lexer->line = 1;
	lexer->file = file;
	lexer->diagnostics = diagnostics;
	lexer->counted_line = NULL;
}

void lexer_clear(struct lexer *lexer)
{
	free(lexer->tokens);
	*lexer = (struct lexer){ 0 };
}

struct location lexer_location(struct lexer *lexer, const struct token *token)
{
	if (token->line_start != lexer->counted_line || token->start < lexer->counted_at) {
		lexer->counted_line = token->line_start;
		lexer->counted_at = token->line_start;
		lexer->counted = 1;
	}
	lexer->counted += (uint32_t)utf8_length(lexer->counted_at,
						(size_t)(token->start - lexer->counted_at));
	lexer->counted_at = token->start;
	return (struct location){
		.line = token->line,
		.column = lexer->counted,
		.file = lexer->file,
	};
}

unsigned lexer_width(const struct token *token)
{
	return token->length ? (unsigned)utf8_length(token->start, token->length) : 1;
}

/* complain() - an error at [start, start + length) of the physical line at hand */
static void complain(struct lexer *lexer, const char *start, size_t length, const char *text)
{
	struct token token = {
		.start = start,
		.line_start = lexer->line_start,
		.length = (uint32_t)length,
		.line = lexer->line,
	};

	lexer->broken = true;
	diagnostics_add(lexer->diagnostics, SEVERITY_ERROR, lexer_location(lexer, &token),
			lexer_width(&token), "%s", text);
}

static bool too_long(const struct lexer *lexer)
{
	return lexer->at - lexer->logical_start > (ptrdiff_t)MAX_LINE_BYTES;
}

/* push() - a token that ends where the lexer is; a line that is too long collects no more */
static int push(struct lexer *lexer, enum token_kind kind, const char *start)
{
	size_t length = (size_t)(lexer->at - start);

	if (too_long(lexer))
		return 0;
	if (lexer->n_tokens == lexer->n_allocated &&
	    GROW(lexer->tokens, lexer->n_allocated, lexer->n_tokens) < 0)
		return -ENOMEM;
	lexer->tokens[lexer->n_tokens++] = (struct token){
		.start = start,
		.line_start = lexer->line_start,
		.length = (uint32_t)length,
		.line = lexer->line,
		.kind = (uint8_t)kind,
		.keyword = kind == TOKEN_WORD ? (uint8_t)keyword_find(start, length) : 0,
	};
	return 0;
}

/* newline() - behind the LF at which the lexer stands */
static void newline(struct lexer *lexer)
{
	lexer->at++;
	lexer->line_start = lexer->at;
	lexer->line++;
}

/* skip_physical_line() - to the LF, or the end of the file */
static void skip_physical_line(struct lexer *lexer)
{
	const char *found = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));

	lexer->at = found ? found : lexer->end;
}

/* skip_logical_line() - to its last LF: what continues a refused line is no statement of its own */
static void skip_logical_line(struct lexer *lexer)
{
	for (;;) {
		const char *last;

		skip_physical_line(lexer);
		last = lexer->at;
		if (last == lexer->end)
			return;
		while (last > lexer->line_start &&
		       (class_of(last - 1) == BYTE_BLANK || class_of(last - 1) == BYTE_RETURN))
			last--;
		/* Blanks behind the '\' are an error, but it was meant so. */
		if (last == lexer->line_start || last[-1] != '\\')
			return;
		newline(lexer);
	}
}

/*
 * refuse_byte() - say what is wrong with the bytes here, and pass over the rest of the line
 * One such error a line: a file that is no text would drown everything else.
 */
static void refuse_byte(struct lexer *lexer, bool in_comment)
{
	unsigned char byte = (unsigned char)*lexer->at;
	char text[80];
	uint32_t character;
	size_t bytes = utf8_decode(lexer->at, lexer->end, &character);

	if (byte == 0)
		snprintf(text, sizeof(text), "NUL byte, expected text");
	else if (bytes == 0)
		snprintf(text, sizeof(text), "invalid UTF-8 (byte 0x%02X), expected UTF-8 text",
			 byte);
	else if (character < 0xa0)
		snprintf(text, sizeof(text), "control character 0x%02X, expected printable text",
			 character);
	else
		snprintf(text, sizeof(text),
			 "character U+%04X, which hides or reorders text, expected printable text",
			 character);
	complain(lexer, lexer->at, bytes ? bytes : 1, text);
	if (in_comment)
		skip_physical_line(lexer);
	else
		skip_logical_line(lexer);
}

/* pass_high() - over a character of several bytes; false if it was refused */
static bool pass_high(struct lexer *lexer, bool in_comment)
{
	uint32_t character;
	size_t bytes = utf8_decode(lexer->at, lexer->end, &character);

	if (bytes == 0 || !utf8_is_printable(character)) {
		refuse_byte(lexer, in_comment);
		return false;
	}
	lexer->at += bytes;
	return true;
}

/* at_line_end() - whether LF or CR LF stands at @at; ret_bytes: how long it is */
static bool at_line_end(const struct lexer *lexer, const char *at, size_t *ret_bytes)
{
	if (class_of(at) == BYTE_NEWLINE) {
		*ret_bytes = 1;
		return true;
	}
	if (class_of(at) == BYTE_RETURN && at + 1 < lexer->end && at[1] == '\n') {
		*ret_bytes = 2;
		return true;
	}
	return false;
}

static void lex_comment(struct lexer *lexer)
{
	for (;;) {
		size_t bytes;

		switch (class_of(lexer->at)) {
		case BYTE_HIGH:
			if (!pass_high(lexer, true))
				return;
			break;
		case BYTE_NEWLINE:
			return;
		case BYTE_RETURN:
			if (at_line_end(lexer, lexer->at, &bytes))
				return;
			refuse_byte(lexer, true);
			return;
		case BYTE_CONTROL:
			if (lexer->at < lexer->end)
				refuse_byte(lexer, true);
			return;
		default:
			lexer->at++;
		}
	}
}

/* word_goes_on() - whether something that belongs to a word follows its closing quote */
static bool word_goes_on(const struct lexer *lexer)
{
	size_t bytes;

	switch (class_of(lexer->at)) {
	case BYTE_WORD:
	case BYTE_HIGH:
	case BYTE_QUOTE:
	case BYTE_HASH:
		return true;
	case BYTE_BACKSLASH:
		return lexer->at + 1 < lexer->end && !at_line_end(lexer, lexer->at + 1, &bytes);
	default:
		return false;
	}
}

/* lex_quoted() - from the opening quote */
static int lex_quoted(struct lexer *lexer)
{
	const char *start = lexer->at++;

	for (;;) {
		size_t bytes;

		switch (class_of(lexer->at)) {
		case BYTE_QUOTE:
			lexer->at++;
			if (word_goes_on(lexer)) {
				complain(lexer, start, (size_t)(lexer->at - start),
					 "quotes around a part of a word, expected the whole word "
					 "in quotes");
				skip_logical_line(lexer);
				return 0;
			}
			return push(lexer, TOKEN_QUOTED, start);
		case BYTE_BACKSLASH:
			lexer->at++;
			if (*lexer->at != '"' && *lexer->at != '\\') {
				complain(lexer, lexer->at - 1, 1,
					 "'\\' inside quotes, expected \\\" or \\\\");
				skip_logical_line(lexer);
				return 0;
			}
			lexer->at++;
			break;
		case BYTE_HIGH:
			if (!pass_high(lexer, false))
				return 0;
			break;
		case BYTE_NEWLINE:
		case BYTE_RETURN:
		case BYTE_CONTROL:
			if (lexer->at < lexer->end && !at_line_end(lexer, lexer->at, &bytes)) {
				refuse_byte(lexer, false);
				return 0;
			}
			complain(lexer, start, (size_t)(lexer->at - start),
				 "unterminated quote, expected '\"' before the end of the line");
			return 0;
		case BYTE_BLANK:
			if (*lexer->at == '\t') {
				refuse_byte(lexer, false);
				return 0;
			}
			lexer->at++;
			break;
		default:
			lexer->at++;
		}
	}
}

/* refuse_in_word() - what stands in a word, or at its end, and may not */
static void refuse_in_word(struct lexer *lexer, const char *start, size_t length, const char *text)
{
	complain(lexer, start, length, text);
	skip_logical_line(lexer);
}

/* blank_to_line_end() - whether only blanks follow on the physical line */
static bool blank_to_line_end(const struct lexer *lexer, const char *at)
{
	size_t bytes;

	while (class_of(at) == BYTE_BLANK)
		at++;
	return at == lexer->end || at_line_end(lexer, at, &bytes);
}

/*
 * lex_word_end() - at something in a word that may be its end
 * Returns 1 if the word goes on, 0 if it ended or was refused, -ENOMEM.
 */
static int lex_word_end(struct lexer *lexer, const char *start)
{
	size_t bytes;

	switch (class_of(lexer->at)) {
	case BYTE_HIGH:
		return pass_high(lexer, false);
	case BYTE_QUOTE:
		refuse_in_word(lexer, start, (size_t)(lexer->at - start) + 1,
			       "quote in the middle of a word, expected the whole word in quotes");
		return 0;
	case BYTE_HASH:
		refuse_in_word(lexer, lexer->at, 1,
			       "'#' in the middle of a word, expected a blank before a comment, or "
			       "the word in quotes");
		return 0;
	case BYTE_BACKSLASH:
		if (at_line_end(lexer, lexer->at + 1, &bytes) || lexer->at + 1 == lexer->end)
			return push(lexer, TOKEN_WORD, start);
		if (class_of(lexer->at + 1) <= BYTE_BACKSLASH) {
			lexer->at++;
			return 1;
		}
		if (blank_to_line_end(lexer, lexer->at + 1))
			refuse_in_word(lexer, lexer->at, 1,
				       "blank behind '\\', expected the end of the line that it "
				       "continues");
		else
			refuse_in_word(lexer, lexer->at, 1,
				       "'\\' at the end of a word, expected the word in quotes");
		return 0;
	default:
		return push(lexer, TOKEN_WORD, start);
	}
}

/* lex_word() - from its first byte */
static int lex_word(struct lexer *lexer)
{
	const char *start = lexer->at;
	int r;

	do {
		while (class_of(lexer->at) == BYTE_WORD)
			lexer->at++;
		r = lex_word_end(lexer, start);
	} while (r > 0);
	return r;
}

/* lex_backslash() - a '\' that begins something: the line goes on, or a word begins with it */
static int lex_backslash(struct lexer *lexer)
{
	size_t bytes;

	if (at_line_end(lexer, lexer->at + 1, &bytes)) {
		lexer->at += bytes;
		newline(lexer);
		return 0;
	}
	if (lexer->at + 1 < lexer->end)
		return lex_word(lexer);
	complain(lexer, lexer->at, 1,
		 "'\\' at the end of the file, expected a line that continues this one");
	lexer->at++;
	return 0;
}

static void begin_logical_line(struct lexer *lexer)
{
	lexer->n_tokens = 0;
	lexer->broken = false;
	lexer->logical_start = lexer->at;
	lexer->logical_line = lexer->line;
}

/* refuse_length() - the whole logical line is one error, whatever else was said of it stands */
static void refuse_length(struct lexer *lexer)
{
	struct location where = { lexer->logical_line, 1, lexer->file };

	lexer->broken = true;
	diagnostics_add(lexer->diagnostics, SEVERITY_ERROR, where, 1,
			"line of %td bytes, expected at most %u with its continuations",
			lexer->at - lexer->logical_start, MAX_LINE_BYTES);
}

/* end_logical_line() - 1 if there is something in it, 0 if it was empty, -ENOMEM */
static int end_logical_line(struct lexer *lexer)
{
	const struct token *last;

	if (too_long(lexer))
		refuse_length(lexer);
	if (lexer->broken)
		return 1;
	if (lexer->n_tokens == 0)
		return 0;
	if (GROW(lexer->tokens, lexer->n_allocated, lexer->n_tokens) < 0)
		return -ENOMEM;
	last = &lexer->tokens[lexer->n_tokens - 1];
	lexer->tokens[lexer->n_tokens] = (struct token){
		.start = last->start + last->length,
		.line_start = last->line_start,
		.line = last->line,
		.kind = TOKEN_END,
	};
	lexer->n_tokens++;
	return 1;
}

/* lex_one() - whatever stands here, the ends of lines and of the file left out */
static int lex_one(struct lexer *lexer)
{
	const char *start = lexer->at;

	switch (class_of(lexer->at)) {
	case BYTE_BLANK:
		lexer->at++;
		return 0;
	case BYTE_WORD:
	case BYTE_HIGH:
		return lex_word(lexer);
	case BYTE_COMMA:
		lexer->at++;
		return push(lexer, TOKEN_COMMA, start);
	case BYTE_QUOTE:
		return lex_quoted(lexer);
	case BYTE_HASH:
		lex_comment(lexer);
		return 0;
	case BYTE_BACKSLASH:
		return lex_backslash(lexer);
	case BYTE_NEWLINE:
	case BYTE_RETURN:
	case BYTE_CONTROL:
		break;
	}
	refuse_byte(lexer, false);
	return 0;
}

int lexer_next(struct lexer *lexer)
{
	begin_logical_line(lexer);
	for (;;) {
		size_t bytes;
		int r;

		while (class_of(lexer->at) == BYTE_BLANK)
			lexer->at++;
		if (lexer->at >= lexer->end)
			return end_logical_line(lexer);
		if (at_line_end(lexer, lexer->at, &bytes)) {
			r = end_logical_line(lexer);
			lexer->at += bytes - 1;
			newline(lexer);
			if (r != 0)
				return r;
			begin_logical_line(lexer);
			continue;
		}
		r = lex_one(lexer);
		if (r < 0)
			return r;
	}
}
