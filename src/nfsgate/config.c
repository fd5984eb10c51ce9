/* SPDX-License-Identifier: MIT */
#include "nfsgate/config.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/suggest.h"

/* More settings than there are names. */
#define SETTINGS_MAX 64U

/* struct reading - the file, as far as it has been read */
struct reading {
	struct options *options;
	struct diagnostics *diagnostics;
	uint32_t line;
	uint32_t seen[SETTINGS_MAX]; /* of each setting the line that has it; 0: none so far */
};

/* struct word - of a line; NUL-terminated, where it was cut out */
struct word {
	char *text;
	uint32_t column;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* next_word() - cut it out; false: there is no more on this line */
static bool next_word(const char *line, char **rest, struct word *ret_word)
{
	char *begin = *rest, *end;

	while (is_blank(*begin))
		begin++;
	if (!*begin || *begin == '#')
		return false;
	for (end = begin; *end && !is_blank(*end) && *end != '#'; end++)
		;
	*rest = is_blank(*end) ? end + 1 : end; /* where a comment began, nothing is left */
	*end = '\0';
	*ret_word = (struct word){ begin, (uint32_t)utf8_length(line, (size_t)(begin - line)) + 1 };
	return true;
}

static struct location at(const struct reading *reading, uint32_t column)
{
	return (struct location){ .line = reading->line, .column = column };
}

static unsigned width(const char *text)
{
	unsigned n = (unsigned)utf8_length(text, strlen(text));

	return n ? n : 1;
}

#define WRONG(reading, word, ...)                                                                  \
	diagnostics_add((reading)->diagnostics, SEVERITY_ERROR, at(reading, (word)->column),       \
			width((word)->text), __VA_ARGS__)

static void unknown(const struct reading *reading, const struct word *name)
{
	struct suggestion suggestion;
	const char *meant;

	suggestion_begin(&suggestion, name->text, strlen(name->text));
	for (size_t i = 0; i < n_settings; i++)
		suggestion_offer(&suggestion, settings[i].name);
	meant = suggestion_found(&suggestion);
	WRONG(reading, name, "unknown setting '%s'%s%s%s", name->text,
	      meant ? ", did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

/* take() - one line's setting; @value: its text is NULL where the line has none */
static void take(struct reading *reading, const struct word *name, const struct word *value)
{
	const struct setting *setting = setting_find(name->text);
	struct setting_place place = { .setting = setting,
				       .value = value->text,
				       .diagnostics = reading->diagnostics,
				       .where = at(reading, value->column) };
	uint32_t *seen = setting ? &reading->seen[setting - settings] : NULL;

	if (!setting)
		unknown(reading, name);
	else if (setting->value && !value->text)
		WRONG(reading, name, "'%s', expected a value behind it", name->text);
	else if (!setting->value && value->text)
		WRONG(reading, value, "'%s', but %s has no value", value->text, name->text);
	else if (*seen && !setting->several)
		WRONG(reading, name, "'%s' is given twice, first in line %u", name->text, *seen);
	else
		setting_take(&place, reading->options);
	if (seen && !*seen)
		*seen = reading->line;
}

/* read_line() - NUL-terminated, of @size bytes */
static void read_line(struct reading *reading, char *line, size_t size)
{
	struct word name, value = { 0 }, more;
	char *rest = line;

	if (strlen(line) != size) {
		more.column = (uint32_t)utf8_length(line, strlen(line)) + 1;
		diagnostics_add(reading->diagnostics, SEVERITY_ERROR, at(reading, more.column), 1,
				"a NUL byte, expected text");
	} else if (next_word(line, &rest, &name)) {
		if (next_word(line, &rest, &value) && next_word(line, &rest, &more))
			WRONG(reading, &more, "'%s', expected one value and no more", more.text);
		else
			take(reading, &name, &value);
	}
}

void config_parse(char *words, size_t size, struct options *options,
		  struct diagnostics *diagnostics)
{
	struct reading reading = { .options = options, .diagnostics = diagnostics };
	char *end = words + size;

	while (words < end) {
		char *newline = memchr(words, '\n', (size_t)(end - words));
		size_t length = (size_t)((newline ? newline : end) - words);

		words[length] = '\0';
		reading.line++;
		read_line(&reading, words, length);
		words += length + 1;
	}
}
