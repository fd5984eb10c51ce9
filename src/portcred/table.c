/* SPDX-License-Identifier: MIT */
#include "portcred/table.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "portcred/text.h"

#define GAP 2U /* blanks between two columns */

/* struct cell - the text is owned, and safe to print */
struct cell {
	char *text;
	size_t width;
	enum style style;
};

void table_begin(struct table *table, const struct column *columns, size_t n_columns)
{
	*table = (struct table){ .columns = columns, .n_columns = n_columns };
}

void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	*table = (struct table){ 0 };
}

void table_add(struct table *table, enum style style, const char *text)
{
	char *shown = text_show(text && *text ? text : "-");

	if (!shown || GROW(table->cells, table->n_allocated, table->n_cells) < 0) {
		free(shown);
		table->failed = true;
		return;
	}
	table->cells[table->n_cells++] = (struct cell){ shown, text_width(shown), style };
}

void table_addf(struct table *table, enum style style, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (r < 0) {
		text = NULL;
		table->failed = true;
		return;
	}
	table_add(table, style, text);
}

static void natural_widths(const struct table *table, size_t widths[static MAX_COLUMNS])
{
	for (size_t i = 0; i < table->n_columns; i++)
		widths[i] = text_width(table->columns[i].title);
	for (size_t i = 0; table->n_columns && i < table->n_cells; i++) {
		size_t *width = &widths[i % table->n_columns];

		if (table->cells[i].width > *width)
			*width = table->cells[i].width;
	}
}

/* total_width() - of all columns that are there (width 0: left out) and the gaps between them */
static size_t total_width(const struct table *table, const size_t widths[static MAX_COLUMNS])
{
	size_t total = 0;

	for (size_t i = 0; i < table->n_columns; i++)
		total += widths[i] ? widths[i] + (total ? GAP : 0) : 0;
	return total;
}

/* shrink() - make the columns of one turn narrower, down to their least */
static void shrink(const struct table *table, size_t widths[static MAX_COLUMNS], unsigned turn,
		   size_t limit)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		size_t total = total_width(table, widths), spare;

		if (column->gives_way != turn || total <= limit || widths[i] <= column->least)
			continue;
		spare = widths[i] - column->least;
		widths[i] -= total - limit < spare ? total - limit : spare;
	}
}

/* fit() - columns of the first turns go, until the others fit at their least */
static void fit(const struct table *table, size_t limit, size_t widths[static MAX_COLUMNS])
{
	for (unsigned gone = 0; gone <= table->n_columns; gone++) {
		natural_widths(table, widths);
		for (size_t i = 0; i < table->n_columns; i++) {
			if (table->columns[i].gives_way && table->columns[i].gives_way <= gone)
				widths[i] = 0;
		}
		if (limit == 0)
			return;
		for (unsigned turn = 1; turn <= table->n_columns; turn++)
			shrink(table, widths, turn, limit);
		if (total_width(table, widths) <= limit)
			return;
	}
}

static void print_blanks(size_t n, FILE *out)
{
	for (; n > 0; n--)
		fputc(' ', out);
}

/* print_cell() - padded to @width, @last: not behind the text */
static void print_cell(const struct program *program, const struct column *column,
		       const struct cell *cell, size_t width, bool last)
{
	const char *ellipsis = program->utf8 ? "\xe2\x80\xa6" : "~";
	bool cut = cell->width > width;
	FILE *out = program->out;
	size_t shown, bytes = text_fit(cell->text, cut ? width - 1 : width, &shown);

	shown += cut;
	if (column->right && shown < width)
		print_blanks(width - shown, out);
	if (cell->style != STYLE_PLAIN)
		fputs(program_style(program->colour, cell->style), out);
	fwrite(cell->text, 1, bytes, out);
	if (cut)
		fputs(ellipsis, out);
	if (cell->style != STYLE_PLAIN)
		fputs(program_style(program->colour, STYLE_PLAIN), out);
	if (!column->right && !last && shown < width)
		print_blanks(width - shown, out);
}

static void print_row(const struct table *table, const struct program *program,
		      const struct cell *cells, const size_t widths[static MAX_COLUMNS])
{
	size_t last = table->n_columns;

	while (last > 0 && widths[last - 1] == 0)
		last--;
	for (size_t i = 0, printed = 0; i < last; i++) {
		if (widths[i] == 0)
			continue;
		if (printed++)
			print_blanks(GAP, program->out);
		print_cell(program, &table->columns[i], &cells[i], widths[i], i + 1 == last);
	}
	fputc('\n', program->out);
}

int table_print(const struct table *table, struct program *program)
{
	struct cell titles[MAX_COLUMNS] = { 0 };
	size_t widths[MAX_COLUMNS] = { 0 };

	if (table->failed)
		return program_no_memory(program);
	if (table->n_cells == 0)
		return EXIT_YES;
	fit(table, program->width, widths);
	for (size_t i = 0; i < table->n_columns; i++) {
		titles[i].text = (char *)(uintptr_t)table->columns[i].title;
		titles[i].width = text_width(titles[i].text);
		titles[i].style = STYLE_BOLD;
	}
	print_row(table, program, titles, widths);
	for (size_t i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns)
		print_row(table, program, &table->cells[i], widths);
	return EXIT_YES;
}
