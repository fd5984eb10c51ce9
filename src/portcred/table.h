/* SPDX-License-Identifier: MIT */
/*
 * table.h - columns that fit the terminal
 *
 * Where a table is wider than the terminal, columns give way in the order that they name, each down
 * to its least width, cut with an ellipsis; after that whole columns are left out in the same
 * order. Where there is no width (a pipe, a file) nothing is cut.
 */
#ifndef PORTCRED_PORTCRED_TABLE_H
#define PORTCRED_PORTCRED_TABLE_H

#include "portcred/program.h"

/* struct column - one of a table's columns */
struct column {
	const char *title;
	unsigned gives_way; /* 1: the first; 0: never, it stays whole */
	unsigned least;     /* columns of the terminal that it keeps while it is there at all */
	bool right;         /* aligned to the right */
};

#define MAX_COLUMNS 12U

struct cell;

/* struct table - begins with table_begin(), ends with table_clear() */
struct table {
	const struct column *columns; /* borrowed */
	size_t n_columns;             /* <= MAX_COLUMNS */
	struct cell *cells;           /* row after row */
	size_t n_cells, n_allocated;
	bool failed; /* no memory for one of them */
};

void table_begin(struct table *table, const struct column *columns, size_t n_columns);

/* table_add() - the next cell; text_show() is applied to it; NULL or "" becomes "-" */
void table_add(struct table *table, enum style style, const char *text);
void table_addf(struct table *table, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * table_print() - the titles and all rows; nothing where there are no rows
 * Returns EXIT_YES, or EXIT_NO after saying that there was no memory.
 */
int table_print(const struct table *table, struct program *program);

void table_clear(struct table *table);

#endif
