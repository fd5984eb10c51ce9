/* SPDX-License-Identifier: MIT */
#include "rcp/wanted.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "rcp/bounds.h"

/* struct reader - one word as it is read: a pattern of its last component so far */
struct reader {
	const char *at;
	char pattern[2 * RCP_MAX_OPERAND + 1];
	size_t n;
	bool several;
	bool begun; /* there is a word, be it "" */
	bool slash; /* the last thing read was a slash: not a new component yet */
	const char *why;
};

void wanted_clear(struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->n; i++)
		free(wanted->words[i].pattern);
	free(wanted->words);
	*wanted = (struct wanted){ 0 };
}

static void put(struct reader *reader, char c, bool literal)
{
	reader->begun = true;
	if (c == '/') {
		reader->slash = true; /* "dir/" names dir, as "dir" does */
		return;
	}
	if (reader->slash) {
		reader->slash = false;
		reader->several = false;
		reader->n = 0;
	}
	if (literal && strchr("*?[]\\", c))
		reader->pattern[reader->n++] = '\\';
	reader->several |= !literal;
	reader->pattern[reader->n++] = c;
}

/* read_quoted() - up to the closing quote; in double quotes a backslash and a $ keep their meaning */
static bool read_quoted(struct reader *reader, char quote)
{
	reader->begun = true;
	for (; *reader->at != quote; reader->at++) {
		if (!*reader->at) {
			reader->why = "a quote is not closed";
			return false;
		}
		if (quote == '"' && (*reader->at == '$' || *reader->at == '`'))
			return false;
		if (quote == '"' && *reader->at == '\\' && reader->at[1] &&
		    strchr("\\\"$`", reader->at[1]))
			reader->at++;
		put(reader, *reader->at, true);
	}
	reader->at++;
	return true;
}

/* read_word() - false with reader->why, or where only the shell there knows what it means */
static bool read_word(struct reader *reader)
{
	while (*reader->at && !strchr(" \t", *reader->at)) {
		char c = *reader->at++;

		switch (c) {
		case '\'':
		case '"':
			if (!read_quoted(reader, c))
				return false;
			break;
		case '\\':
			if (!*reader->at) {
				reader->why = "nothing follows the backslash";
				return false;
			}
			put(reader, *reader->at++, true);
			break;
		case '*':
		case '?':
		case '[':
		case ']':
			put(reader, c, false);
			break;
		case '~':
			/* A home directory's own name is unknown; what lies in it is not. */
			if (!reader->begun && !strchr(reader->at, '/'))
				return false;
			put(reader, c, true);
			break;
		default:
			if (strchr("$`{};&|<>()", c) || (c == '#' && !reader->begun))
				return false;
			put(reader, c, true);
		}
	}
	return true;
}

static int add_word(struct wanted *wanted, size_t *allocated, struct reader *reader)
{
	struct wanted_word word = { .several = reader->several };
	int r;

	if (wanted->n == RCP_MAX_WORDS) {
		reader->why = "it has too many words";
		return -EINVAL;
	}
	reader->pattern[reader->n] = '\0';
	word.contents = strcmp(reader->pattern, ".") == 0;
	if (reader->n == 0 || strcmp(reader->pattern, "..") == 0) {
		reader->why = "its last component names no entry of a directory";
		return -EINVAL;
	}
	r = grow(&wanted->words, allocated, wanted->n, 1, sizeof(word));
	if (r < 0)
		return r;
	word.pattern = strdup(reader->pattern);
	if (!word.pattern)
		return -ENOMEM;
	wanted->words[wanted->n++] = word;
	return 0;
}

int wanted_parse(const char *path, bool any, struct wanted *ret_wanted, const char **ret_why)
{
	_cleanup_(wanted_clear) struct wanted wanted = { .any = any };
	struct reader reader = { .at = path };
	size_t allocated = 0;
	int r = 0;

	*ret_why = "the name is too long";
	if (strlen(path) > RCP_MAX_OPERAND)
		return -EINVAL;
	while (!any && r == 0) {
		reader.at += strspn(reader.at, " \t");
		if (!*reader.at)
			break;
		reader.n = 0;
		reader.several = reader.begun = reader.slash = false;
		if (read_word(&reader)) {
			r = add_word(&wanted, &allocated, &reader);
			continue;
		}
		if (!reader.why)
			reader.why =
				"what the shell there makes of it cannot be foretold: quote it, "
				"or take any name with --any-name";
		r = -EINVAL;
	}
	if (r == 0 && !any && wanted.n == 0) {
		reader.why = "it names nothing";
		r = -EINVAL;
	}
	if (r < 0) {
		*ret_why = reader.why;
		return r;
	}
	*ret_wanted = wanted;
	wanted = (struct wanted){ 0 };
	return 0;
}

bool wanted_take(struct wanted *wanted, const char *name)
{
	if (wanted->any)
		return true;
	for (size_t i = 0; i < wanted->n; i++) {
		struct wanted_word *word = &wanted->words[i];

		if (word->taken || fnmatch(word->pattern, name, FNM_PERIOD) != 0)
			continue;
		word->taken = !word->several;
		return true;
	}
	return false;
}

bool wanted_is_contents(const struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (wanted->words[i].contents)
			return true;
	}
	return false;
}
