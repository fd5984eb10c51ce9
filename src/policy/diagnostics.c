/* SPDX-License-Identifier: MIT */
/*
 * diagnostics.c - collect errors and warnings, and show them beside the text they are about
 */
#include "policy/diagnostics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/utf8.h"

#define COLOUR_BOLD    "\033[1m"
#define COLOUR_ERROR   "\033[1;31m"
#define COLOUR_WARNING "\033[1;35m"
#define COLOUR_CARET   "\033[1;32m"
#define COLOUR_OFF     "\033[0m"

/* Characters of a long line that are shown before the caret, and in all. */
#define SHOWN_BEFORE 60U
#define SHOWN        160U

bool diagnostics_full(const struct diagnostics *diagnostics, enum severity severity)
{
	return (severity == SEVERITY_ERROR ? diagnostics->errors_kept
					   : diagnostics->warnings_kept) >= MAX_DIAGNOSTICS;
}

void diagnostics_add(struct diagnostics *diagnostics, enum severity severity, struct location where,
		     unsigned width, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int r;

	if (severity == SEVERITY_ERROR)
		diagnostics->errors++;
	else
		diagnostics->warnings++;
	if (diagnostics_full(diagnostics, severity))
		return;

	va_start(arguments, format);
	r = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (r < 0) {
		text = NULL;
		return;
	}
	if (GROW(diagnostics->items, diagnostics->n_allocated, diagnostics->n_items) < 0)
		return;
	diagnostics->items[diagnostics->n_items++] = (struct diagnostic){
		.where = where,
		.severity = severity,
		.width = width ? width : 1,
		.text = TAKE_PTR(text),
	};
	if (severity == SEVERITY_ERROR)
		diagnostics->errors_kept++;
	else
		diagnostics->warnings_kept++;
}

void diagnostics_clear(struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->n_items; i++)
		free(diagnostics->items[i].text);
	free(diagnostics->items);
	*diagnostics = (struct diagnostics){ 0 };
}

/* by_place() - the order in which they are shown; what was said first at one place stays first */
static int by_place(const void *a, const void *b)
{
	const struct diagnostic *left = *(const struct diagnostic *const *)a;
	const struct diagnostic *right = *(const struct diagnostic *const *)b;

	if (left->where.file != right->where.file)
		return left->where.file < right->where.file ? -1 : 1;
	if (left->where.line != right->where.line)
		return left->where.line < right->where.line ? -1 : 1;
	if (left->where.column != right->where.column)
		return left->where.column < right->where.column ? -1 : 1;
	return left < right ? -1 : left > right;
}

/* next_character() - decode for showing: an invalid byte is one character that cannot be printed */
static size_t next_character(const char *at, const char *end, uint32_t *ret_character)
{
	size_t bytes = utf8_decode(at, end, ret_character);

	if (bytes == 0) {
		*ret_character = 0;
		return 1;
	}
	return bytes;
}

/* print_text() - what may come from a file or its name, with nothing a terminal would obey */
static void print_text(const char *text, size_t length, FILE *out)
{
	const char *end = text + length;

	while (text < end) {
		uint32_t character;
		size_t bytes = next_character(text, end, &character);

		if (character == '\t' || utf8_is_printable(character))
			fwrite(text, 1, bytes, out);
		else
			fputc('?', out);
		text += bytes;
	}
}

/* struct cursor - a line of a source, so that the next one is found without starting over */
struct cursor {
	const struct source *source;
	const char *at; /* where the line begins */
	uint32_t line;
	size_t length;
};

/* seek_line() - move to a line at or behind the cursor's; false if there is none */
static bool seek_line(struct cursor *cursor, const struct source *source, uint32_t line)
{
	const char *end = source->text + source->size, *found;
	struct source rest = *source;

	if (line == 0)
		return false;
	if (cursor->source == source && cursor->line && line >= cursor->line) {
		rest.text += cursor->at - source->text;
		rest.size = (size_t)(end - cursor->at);
		line -= cursor->line - 1;
	} else {
		cursor->line = 1;
	}
	found = source_line(&rest, line, &cursor->length);
	if (!found) {
		cursor->line = 0;
		return false;
	}
	cursor->source = source;
	cursor->at = found;
	cursor->line += line - 1;
	return true;
}

/* print_padding() - as wide as the character above it */
static void print_padding(uint32_t character, FILE *out)
{
	unsigned width = 1;

	if (character == '\t') {
		fputc('\t', out);
		return;
	}
	if (utf8_is_printable(character))
		width = utf8_width(character);
	for (unsigned i = 0; i < width; i++)
		fputc(' ', out);
}

static void print_mark(const char *at, const char *end, unsigned width, FILE *out)
{
	for (unsigned i = 0; i < width; i++) {
		uint32_t character = ' ';
		unsigned columns = 1;

		/* Beyond the end of the line there is one column to point at. */
		if (i > 0 && at >= end)
			return;
		if (at < end)
			at += next_character(at, end, &character);
		if (utf8_is_printable(character))
			columns = utf8_width(character);
		for (unsigned k = 0; k < columns; k++)
			fputc(i == 0 && k == 0 ? '^' : '~', out);
	}
}

/* print_excerpt() - the line, or of a long one what lies around the column, and the caret */
static void print_excerpt(const char *line, size_t length, const struct diagnostic *diagnostic,
			  bool colour, FILE *out)
{
	const char *end = line + length, *from = line, *to, *at;
	uint32_t column = diagnostic->where.column ? diagnostic->where.column : 1;
	uint32_t first = 1, character;
	unsigned shown = 0;

	if (column > SHOWN_BEFORE && utf8_length(line, length) > SHOWN) {
		for (; first < column - SHOWN_BEFORE / 2 && from < end; first++)
			from += next_character(from, end, &character);
	}
	for (to = from; to < end && shown < SHOWN; shown++)
		to += next_character(to, end, &character);

	fputs(first > 1 ? "... " : "", out);
	print_text(from, (size_t)(to - from), out);
	fputs(to < end ? " ...\n" : "\n", out);

	fputs(first > 1 ? "    " : "", out);
	for (at = from; first < column && at < to; first++) {
		at += next_character(at, to, &character);
		print_padding(character, out);
	}
	fputs(colour ? COLOUR_CARET : "", out);
	print_mark(at, to, diagnostic->width, out);
	fputs(colour ? COLOUR_OFF "\n" : "\n", out);
}

static void print_one(const struct diagnostic *diagnostic, const struct sources *sources,
		      struct cursor *cursor, bool colour, FILE *out)
{
	bool error = diagnostic->severity == SEVERITY_ERROR;
	const struct source *source = NULL;

	if (diagnostic->where.file < sources->n_files)
		source = &sources->files[diagnostic->where.file];
	fputs(colour ? COLOUR_BOLD : "", out);
	if (source)
		print_text(source->name, strlen(source->name), out);
	if (diagnostic->where.line)
		fprintf(out, ":%u:%u", diagnostic->where.line, diagnostic->where.column);
	fputs(": ", out);
	if (colour)
		fputs(error ? COLOUR_ERROR : COLOUR_WARNING, out);
	fputs(error ? "error: " : "warning: ", out);
	fputs(colour ? COLOUR_OFF : "", out);
	print_text(diagnostic->text, strlen(diagnostic->text), out);
	fputc('\n', out);
	if (source && seek_line(cursor, source, diagnostic->where.line))
		print_excerpt(cursor->at, cursor->length, diagnostic, colour, out);
}

void diagnostics_print(const struct diagnostics *diagnostics, const struct sources *sources,
		       bool colour, FILE *out)
{
	const struct diagnostic *sorted[2 * MAX_DIAGNOSTICS];
	struct cursor cursor = { 0 };
	size_t n = diagnostics->n_items;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &diagnostics->items[i];
	if (n)
		qsort(sorted, n, sizeof(sorted[0]), by_place);
	for (size_t i = 0; i < n; i++)
		print_one(sorted[i], sources, &cursor, colour, out);
	if (diagnostics->errors > diagnostics->errors_kept)
		fprintf(out, "and %zu more errors\n",
			diagnostics->errors - diagnostics->errors_kept);
	if (diagnostics->warnings > diagnostics->warnings_kept)
		fprintf(out, "and %zu more warnings\n",
			diagnostics->warnings - diagnostics->warnings_kept);
}
