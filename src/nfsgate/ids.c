/* SPDX-License-Identifier: MIT */
#include "nfsgate/ids.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/argument.h"
#include "base/cleanup.h"
#include "base/grow.h"
#include "base/utf8.h"
#include "include/portcred/portcred.h"
#include "policy/diagnostics.h"

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

/* struct reading - the file, as far as it has been read */
struct reading {
	struct id_table *table;
	struct diagnostics *diagnostics;
	struct text line;
	uint32_t number; /* of the line */
};

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

static uint32_t column_of(const struct reading *reading, const struct text *word)
{
	const char *line = reading->line.at;

	return (uint32_t)utf8_length(line, (size_t)(word->at - line)) + 1;
}

/* wrong() - about a word; returns -EBADMSG */
__attribute__((format(printf, 3, 4))) static int
wrong(const struct reading *reading, const struct text *word, const char *format, ...)
{
	struct location where = { .line = reading->number, .column = column_of(reading, word) };
	char text[160];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	diagnostics_add(reading->diagnostics, SEVERITY_ERROR, where,
			(unsigned)utf8_length(word->at, word->n), "%s", text);
	return -EBADMSG;
}

/* take_name() - to be looked up, for the line that comes next of its kind */
static int take_name(const struct reading *reading, const struct text *word, enum id_kind kind,
		     bool there)
{
	struct id_table *table = reading->table;
	char *text;

	if (word->n > MAX_ID_NAME || memchr(word->at, '\0', word->n))
		return wrong(reading, word, "this can be no name");
	if (GROW(table->names, table->n_allocated, table->n_names) < 0)
		return -ENOMEM;
	text = strndup(word->at, word->n);
	if (!text)
		return -ENOMEM;
	table->names[table->n_names++] = (struct id_name){
		.text = text,
		.kind = kind,
		.index = table->n[kind],
		.there = there,
		.line = reading->number,
		.column = column_of(reading, word),
	};
	return 0;
}

static bool is_number(const struct text *word)
{
	return word->n && word->at[0] >= '0' && word->at[0] <= '9';
}

/* take_host() - behind the last "@" of @word, which is cut off; its number */
static int take_host(const struct reading *reading, struct text *word, uint16_t *ret_host)
{
	const char *sign = memrchr(word->at, '@', word->n);
	struct id_table *table = reading->table;
	char name[PORTCRED_RECORD_HOST];
	struct text host;

	*ret_host = 0;
	if (!sign)
		return 0;
	host = (struct text){ sign + 1, word->n - (size_t)(sign + 1 - word->at) };
	word->n = (size_t)(sign - word->at);
	if (host.n == 0 || host.n >= sizeof(name) || memchr(host.at, '\0', host.n))
		return wrong(reading, &host, "expected the name of a host statement behind '@'");
	memcpy(name, host.at, host.n);
	name[host.n] = '\0';
	*ret_host = ids_host(table, name);
	if (*ret_host)
		return 0;
	if (table->n_hosts == MAX_ID_HOSTS)
		return wrong(reading, &host, "no more than %u hosts", MAX_ID_HOSTS);
	table->hosts[table->n_hosts + 1] = strdup(name);
	if (!table->hosts[table->n_hosts + 1])
		return -ENOMEM;
	*ret_host = (uint16_t)++table->n_hosts;
	table->host_at[*ret_host] = (struct id_place){ reading->number, column_of(reading, &host) };
	return 0;
}

/* read_target() - what stands behind "=" */
static int read_target(const struct reading *reading, const struct text *word, enum id_kind kind,
		       struct id_line *line)
{
	struct id_range to;

	line->nobody = is(word, "nobody");
	if (line->nobody)
		return 0;
	if (!is_number(word)) {
		if (line->from.first != line->from.last)
			return wrong(reading, word,
				     "a range, expected a number behind '=', or 'nobody'");
		return take_name(reading, word, kind, false);
	}
	if (id_range_parse(word->at, word->n, &to) < 0 || memchr(word->at, '-', word->n))
		return wrong(reading, word, "expected a number behind '=', a name or 'nobody'");
	if (to.first > ID_MAX - (line->from.last - line->from.first))
		return wrong(reading, word, "the last of these would be beyond all ids");
	line->to = to.first;
	return 0;
}

/* read_others() - a line for "*" */
static int read_others(const struct reading *reading, const struct text *target, enum id_kind kind,
		       uint16_t host)
{
	if (!is(target, "nobody"))
		return wrong(reading, target, "'*' can be 'nobody' alone");
	reading->table->others_nobody[kind][host] = true;
	return 0;
}

/* read_line() - one that is not empty */
static int read_line(const struct reading *reading, struct text words[static WORDS])
{
	enum id_kind kind = is(&words[0], "gid") ? ID_GROUP : ID_USER;
	struct id_line line = { .line = reading->number };
	struct id_table *table = reading->table;
	int r;

	if (kind == ID_USER && !is(&words[0], "uid"))
		return wrong(reading, &words[0], "expected 'uid' or 'gid'");
	if (!is(&words[2], "="))
		return wrong(reading, &words[2], "expected '=' in the third place");
	r = take_host(reading, &words[1], &line.host);
	if (r < 0)
		return r;
	if (is(&words[1], "*"))
		return read_others(reading, &words[3], kind, line.host);
	if (words[1].n == 0 ||
	    (is_number(&words[1]) && id_range_parse(words[1].at, words[1].n, &line.from) < 0))
		return wrong(reading, &words[1],
			     "expected a number, a range such as 100-199, a name, or '*'");
	if (!is_number(&words[1]))
		r = take_name(reading, &words[1], kind, true);
	if (r == 0)
		r = read_target(reading, &words[3], kind, &line);
	if (r == 0)
		table->lines[kind][table->n[kind]++] = line;
	return r;
}

/* take_line() - what is wrong with it is said; -ENOMEM, -E2BIG: no more lines */
static int take_line(const struct reading *reading)
{
	const struct id_table *table = reading->table;
	struct text words[WORDS + 1];
	size_t n = split(&reading->line, words);
	int r = 0;

	if (n && table->n[ID_USER] + table->n[ID_GROUP] == MAX_ID_LINES) {
		wrong(reading, &words[0], "no more than %u lines", MAX_ID_LINES);
		return -E2BIG;
	}
	if (n && n != WORDS)
		r = wrong(reading, &words[0],
			  "expected 'uid NUMBER = NUMBER', or the same with gid, and names");
	else if (n)
		r = read_line(reading, words);
	return r == -ENOMEM ? r : 0;
}

static int read_lines(const char *text, size_t size, struct reading *reading)
{
	int r = 0;

	while (size && r == 0) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;

		reading->line = (struct text){ text, length };
		reading->number++;
		r = take_line(reading);
		length += end ? 1 : 0;
		text += length;
		size -= length;
	}
	return r == -ENOMEM ? r : 0;
}

int ids_parse(const char *text, size_t size, struct diagnostics *diagnostics,
	      struct id_table *ret_table)
{
	_cleanup_(ids_clear) struct id_table table = { 0 };
	struct reading reading = { .table = &table, .diagnostics = diagnostics };
	size_t before = diagnostics->errors;

	for (size_t kind = 0; kind < ID_KINDS; kind++) {
		table.lines[kind] = calloc(MAX_ID_LINES, sizeof(*table.lines[kind]));
		if (!table.lines[kind])
			return -ENOMEM;
	}
	if (read_lines(text, size, &reading) < 0)
		return -ENOMEM;
	if (diagnostics->errors > before)
		return -EBADMSG;
	*ret_table = table;
	table = (struct id_table){ 0 };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct id_line *one = a, *other = b;

	if (one->host != other->host)
		return one->host < other->host ? -1 : 1;
	return (one->from.first > other->from.first) - (one->from.first < other->from.first);
}

/* sort() - and say which lines are about one number */
static void sort(struct id_table *table, struct diagnostics *diagnostics)
{
	for (size_t kind = 0; kind < ID_KINDS; kind++) {
		struct id_line *lines = table->lines[kind];

		if (table->n[kind])
			qsort(lines, table->n[kind], sizeof(*lines), compare);
		for (size_t i = 1; i < table->n[kind]; i++) {
			const struct id_line *one = &lines[i - 1], *other = &lines[i];
			bool later = other->line > one->line;

			if (other->host == one->host && other->from.first <= one->from.last)
				diagnostics_add(
					diagnostics, SEVERITY_ERROR,
					(struct location){ .line = later ? other->line : one->line,
							   .column = 1 },
					1, "line %u is about %s %u too",
					later ? one->line : other->line,
					kind == ID_USER ? "user" : "group", other->from.first);
		}
	}
}

static void settle_name(struct id_table *table, const struct id_name *name,
			const struct id_found *found, struct diagnostics *diagnostics)
{
	struct location where = { .line = name->line, .column = name->column };
	unsigned width = (unsigned)utf8_length(name->text, strlen(name->text));
	struct id_line *line = &table->lines[name->kind][name->index];
	const char *what = name->kind == ID_USER ? "user" : "group";

	if (found->error == 0 && found->id <= ID_MAX) {
		if (name->there)
			line->from = (struct id_range){ found->id, found->id };
		else
			line->to = found->id;
	} else if (found->error == 0 || found->error == -ENOENT) {
		diagnostics_add(diagnostics, SEVERITY_ERROR, where, width,
				"this machine has no %s '%s'", what, name->text);
	} else {
		diagnostics_add(diagnostics, SEVERITY_ERROR, where, width,
				"%s '%s' cannot be looked up: %s", what, name->text,
				strerror(-found->error));
	}
}

int ids_settle(struct id_table *table, const struct id_found *found,
	       struct diagnostics *diagnostics)
{
	size_t before = diagnostics->errors;

	for (size_t i = 0; i < table->n_names; i++)
		settle_name(table, &table->names[i], &found[i], diagnostics);
	if (diagnostics->errors == before)
		sort(table, diagnostics);
	return diagnostics->errors == before ? 0 : -EBADMSG;
}

void ids_clear(struct id_table *table)
{
	for (size_t kind = 0; kind < ID_KINDS; kind++)
		free(table->lines[kind]);
	for (size_t i = 0; i < table->n_names; i++)
		free(table->names[i].text);
	free(table->names);
	for (size_t i = 1; i <= table->n_hosts; i++)
		free(table->hosts[i]);
	*table = (struct id_table){ 0 };
}

uint16_t ids_host(const struct id_table *table, const char *name)
{
	for (size_t i = 1; i <= table->n_hosts; i++) {
		if (strcmp(table->hosts[i], name) == 0)
			return (uint16_t)i;
	}
	return 0;
}

/* find() - the line about an id of a host, by its number; NULL */
static const struct id_line *find(const struct id_table *table, enum id_kind kind, uint16_t host,
				  uint32_t id)
{
	size_t low = 0, high = table->n[kind];

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct id_line *line = &table->lines[kind][middle];

		if (host < line->host || (host == line->host && id < line->from.first))
			high = middle;
		else if (host > line->host || id > line->from.last)
			low = middle + 1;
		else
			return line;
	}
	return NULL;
}

bool ids_map(const struct id_table *table, enum id_kind kind, uint16_t host, uint32_t id,
	     uint32_t *ret_id)
{
	const struct id_line *line = find(table, kind, host, id);

	*ret_id = id;
	if (!line && table->others_nobody[kind][host])
		return false;
	if (!line && host)
		line = find(table, kind, 0, id);
	if (!line)
		return !table->others_nobody[kind][0] && id <= ID_MAX;
	*ret_id = line->to + (id - line->from.first);
	return !line->nobody;
}
