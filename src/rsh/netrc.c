/* SPDX-License-Identifier: MIT */
#include "rsh/netrc.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* struct reader - what is left, and the word before it */
struct reader {
	const char *at, *end;
	char word[NETRC_MAX_WORD + 1];
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',';
}

static void skip_spaces(struct reader *reader)
{
	while (reader->at < reader->end && is_space(*reader->at))
		reader->at++;
}

/* next_word() - 0, -ENOENT: there is none; -EBADMSG */
static int next_word(struct reader *reader)
{
	bool quoted = false;
	size_t n = 0;

	skip_spaces(reader);
	if (reader->at == reader->end)
		return -ENOENT;
	while (reader->at < reader->end && (quoted || !is_space(*reader->at))) {
		char c = *reader->at++;

		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (c == '\\') {
			if (reader->at == reader->end)
				return -EBADMSG;
			c = *reader->at++;
		}
		if (c == '\0' || n == NETRC_MAX_WORD)
			return -EBADMSG;
		reader->word[n++] = c;
	}
	reader->word[n] = '\0';
	return quoted ? -EBADMSG : 0;
}

/* next_value() - the word that a keyword takes */
static int next_value(struct reader *reader)
{
	int r = next_word(reader);

	return r == -ENOENT ? -EBADMSG : r;
}

/* skip_macro() - its name, and all up to an empty line */
static int skip_macro(struct reader *reader)
{
	const char *end;
	int r = next_value(reader);

	if (r < 0)
		return r;
	end = memmem(reader->at, (size_t)(reader->end - reader->at), "\n\n", 2);
	reader->at = end ? end : reader->end;
	return 0;
}

static bool is_word(const struct reader *reader, const char *word)
{
	return strcmp(reader->word, word) == 0;
}

/* struct search - the entry that is read, if it is one for this host */
struct search {
	const char *host, *user;
	bool is_hosts;
	struct netrc_entry entry;
};

static bool is_found(const struct search *search)
{
	return search->is_hosts && (!search->user || !search->entry.user[0] ||
				    strcmp(search->entry.user, search->user) == 0);
}

/* begin_entry() - `machine` or `default` has been read */
static int begin_entry(struct reader *reader, struct search *search)
{
	bool any = is_word(reader, "default");
	int r = any ? 0 : next_value(reader);

	search->is_hosts = r == 0 && (any || strcasecmp(reader->word, search->host) == 0);
	explicit_bzero(&search->entry, sizeof(search->entry));
	return r;
}

/* read_field() - any other keyword, with its word */
static int read_field(struct reader *reader, struct search *search)
{
	char *field = NULL;
	int r;

	if (is_word(reader, "macdef"))
		return skip_macro(reader);
	if (is_word(reader, "login"))
		field = search->entry.user;
	else if (is_word(reader, "password"))
		field = search->entry.password;
	else if (!is_word(reader, "account"))
		return -EBADMSG;
	r = next_value(reader);
	if (r == 0 && field)
		memcpy(field, reader->word, sizeof(reader->word));
	return r;
}

static int search_all(struct reader *reader, struct search *search)
{
	int r;

	while ((r = next_word(reader)) == 0) {
		bool begins = is_word(reader, "machine") || is_word(reader, "default");

		if (begins && is_found(search))
			return 0;
		r = begins ? begin_entry(reader, search) : read_field(reader, search);
		if (r < 0)
			return r;
	}
	return r == -ENOENT && is_found(search) ? 0 : r;
}

int netrc_find(const char *text, size_t size, const char *host, const char *user,
	       struct netrc_entry *ret_entry)
{
	struct search search = { .host = host, .user = user };
	struct reader reader = { text, text + size, "" };
	int r = search_all(&reader, &search);

	if (r == 0)
		*ret_entry = search.entry;
	explicit_bzero(&search, sizeof(search));
	explicit_bzero(&reader, sizeof(reader));
	return r;
}
