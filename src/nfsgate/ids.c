/* SPDX-License-Identifier: MIT */
#include "nfsgate/ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/argument.h"
#include "base/cleanup.h"

/* Words of a line, with "=": KIND RANGE = TARGET. */
#define WORDS 4U

/* Digits of two ids, and the dash. */
#define RANGE_TEXT_MAX 21U

/* struct text - characters, with no NUL behind them */
struct text {
	const char *at;
	size_t n;
};

static bool is(const struct text *text, const char *word)
{
	return text->n == strlen(word) && memcmp(text->at, word, text->n) == 0;
}

int id_range_parse(const char *text, size_t size, struct id_range *ret_range)
{
	char copy[RANGE_TEXT_MAX + 1];
	struct id_range range;
	char *dash;

	if (size > RANGE_TEXT_MAX || memchr(text, '\0', size))
		return -EINVAL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	dash = strchr(copy, '-');
	if (dash)
		*dash = '\0';
	if (argument_number(copy, 0, ID_MAX, &range.first) < 0)
		return -EINVAL;
	range.last = range.first;
	if (dash && argument_number(dash + 1, range.first, ID_MAX, &range.last) < 0)
		return -EINVAL;
	*ret_range = range;
	return 0;
}

int squash_parse(const char *text, struct squash *ret_squash)
{
	struct squash squash = { .n = 1 };

	if (strcmp(text, "none") == 0) {
		squash.n = 0;
	} else if (strcmp(text, "all") == 0) {
		squash.ranges[0].last = UINT32_MAX;
	} else if (strcmp(text, "root") != 0) {
		for (squash.n = 0;; text++) {
			size_t size = strcspn(text, ",");

			if (squash.n == MAX_SQUASHED ||
			    id_range_parse(text, size, &squash.ranges[squash.n++]) < 0)
				return -EINVAL;
			text += size;
			if (!*text)
				break;
		}
	}
	*ret_squash = squash;
	return 0;
}

bool squash_has(const struct squash *squash, uint32_t uid)
{
	for (size_t i = 0; i < squash->n; i++) {
		if (uid >= squash->ranges[i].first && uid <= squash->ranges[i].last)
			return true;
	}
	return false;
}

static bool ends_word(char c)
{
	return c == ' ' || c == '\t' || c == '=' || c == '#';
}

/* split() - a line into words; "=" is one by itself. Returns how many, WORDS + 1: more */
static size_t split(const struct text *line, struct text words[static WORDS + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < line->n && n <= WORDS; n++) {
		size_t start;

		while (i < line->n && (line->at[i] == ' ' || line->at[i] == '\t'))
			i++;
		if (i == line->n || line->at[i] == '#')
			break;
		start = i;
		if (line->at[i] == '=')
			i++;
		else
			while (i < line->n && !ends_word(line->at[i]))
				i++;
		words[n] = (struct text){ line->at + start, i - start };
	}
	return n;
}

/* read_target() - what stands behind "="; returns what is wrong, NULL */
static const char *read_target(const struct text *word, struct id_line *line)
{
	struct id_range to;

	line->nobody = is(word, "nobody");
	if (line->nobody)
		return NULL;
	if (id_range_parse(word->at, word->n, &to) < 0 || memchr(word->at, '-', word->n))
		return "expected a number behind '=', or 'nobody'";
	if (to.first > ID_MAX - (line->from.last - line->from.first))
		return "the last of these would be beyond all ids";
	line->to = to.first;
	return NULL;
}

/* read_line() - one that is not empty; returns what is wrong, NULL */
static const char *read_line(const struct text words[static WORDS], struct id_table *table)
{
	enum id_kind kind = is(&words[0], "gid") ? ID_GROUP : ID_USER;
	struct id_line line = { 0 };
	const char *wrong;

	if (kind == ID_USER && !is(&words[0], "uid"))
		return "expected 'uid' or 'gid'";
	if (!is(&words[2], "="))
		return "expected '=' in the third place";
	if (is(&words[1], "*")) {
		if (!is(&words[3], "nobody"))
			return "'*' can be 'nobody' alone";
		table->others_nobody[kind] = true;
		return NULL;
	}
	if (id_range_parse(words[1].at, words[1].n, &line.from) < 0)
		return "expected a number, a range such as 100-199, or '*'";
	wrong = read_target(&words[3], &line);
	if (!wrong)
		table->lines[kind][table->n[kind]++] = line;
	return wrong;
}

static int compare(const void *a, const void *b)
{
	const struct id_line *one = a, *other = b;

	return (one->from.first > other->from.first) - (one->from.first < other->from.first);
}

/* sort() - returns whether two lines are about the same id */
static bool sort(struct id_table *table)
{
	for (size_t kind = 0; kind < ID_KINDS; kind++) {
		struct id_line *lines = table->lines[kind];

		qsort(lines, table->n[kind], sizeof(*lines), compare);
		for (size_t i = 1; i < table->n[kind]; i++) {
			if (lines[i].from.first <= lines[i - 1].from.last)
				return true;
		}
	}
	return false;
}

/* read_lines() - returns what is wrong with line *ret_line, NULL */
static const char *read_lines(const char *text, size_t size, struct id_table *table,
			      unsigned *ret_line)
{
	const char *wrong = NULL;

	*ret_line = 0;
	while (size && !wrong) {
		const char *end = memchr(text, '\n', size);
		struct text line = { text, end ? (size_t)(end - text) : size };
		struct text words[WORDS + 1];
		size_t n = split(&line, words);

		++*ret_line;
		if (n && n != WORDS)
			wrong = "expected 'uid NUMBER = NUMBER', or the same with gid";
		else if (n && table->n[ID_USER] + table->n[ID_GROUP] == MAX_ID_LINES)
			wrong = "too many lines";
		else if (n)
			wrong = read_line(words, table);
		text += line.n + (end ? 1 : 0);
		size -= line.n + (end ? 1 : 0);
	}
	return wrong;
}

static void clear_table(struct id_table *table)
{
	ids_clear(table);
}

int ids_parse(const char *text, size_t size, struct id_table *ret_table, unsigned *ret_line,
	      const char **ret_why)
{
	_cleanup_(clear_table) struct id_table table = { 0 };
	const char *wrong;
	unsigned line;

	for (size_t kind = 0; kind < ID_KINDS; kind++) {
		table.lines[kind] = calloc(MAX_ID_LINES, sizeof(*table.lines[kind]));
		if (!table.lines[kind])
			return -ENOMEM;
	}
	wrong = read_lines(text, size, &table, &line);
	if (!wrong && sort(&table))
		wrong = "two lines are about the same number";
	if (wrong) {
		*ret_line = line;
		*ret_why = wrong;
		return -EINVAL;
	}
	*ret_table = table;
	table = (struct id_table){ 0 };
	return 0;
}

void ids_clear(struct id_table *table)
{
	for (size_t kind = 0; kind < ID_KINDS; kind++)
		free(table->lines[kind]);
	*table = (struct id_table){ 0 };
}

bool ids_map(const struct id_table *table, enum id_kind kind, uint32_t id, uint32_t *ret_id)
{
	size_t low = 0, high = table->n[kind];

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct id_line *line = &table->lines[kind][middle];

		if (id < line->from.first) {
			high = middle;
		} else if (id > line->from.last) {
			low = middle + 1;
		} else {
			*ret_id = line->to + (id - line->from.first);
			return !line->nobody;
		}
	}
	*ret_id = id;
	return !table->others_nobody[kind] && id <= ID_MAX;
}
