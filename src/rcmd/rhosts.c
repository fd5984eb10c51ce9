/* SPDX-License-Identifier: MIT */
/*
 * rhosts.c - the file is read twice: once for errors, of which a single one is enough, and once for
 * the line that decides. So a caller's host is never looked up for a file that does not count.
 */
#include "rcmd/rhosts.h"

#include <string.h>

#define TEXT_(value) #value
#define TEXT(value)  TEXT_(value)

struct text {
	const char *at;
	size_t length;
};

enum field_kind {
	FIELD_ABSENT,
	FIELD_ANY, /* "+" */
	FIELD_NAME,
	FIELD_NETGROUP,
};

struct field {
	enum field_kind kind;
	bool refuses;
	struct text name; /* without sign and "@"; it does not begin with any of them */
};

/* struct entry - a line, taken apart; an empty one has no host */
struct entry {
	struct field host;
	struct field user;
};

/* struct reader - the lines that are left of a file */
struct reader {
	struct text rest;
	unsigned line; /* number of the last one that was read */
};

static bool next_line(struct reader *reader, struct text *ret_line)
{
	struct text *rest = &reader->rest;
	const char *newline;
	size_t taken;

	if (rest->length == 0)
		return false;
	newline = memchr(rest->at, '\n', rest->length);
	ret_line->at = rest->at;
	ret_line->length = newline ? (size_t)(newline - rest->at) : rest->length;
	taken = ret_line->length + (newline ? 1 : 0);
	rest->at += taken;
	rest->length -= taken;
	reader->line++;
	return true;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* next_word() - what stands before the next blank; of nothing, and of a comment, it is empty */
static struct text next_word(struct text *rest)
{
	struct text word;

	while (rest->length > 0 && is_blank(rest->at[0])) {
		rest->at++;
		rest->length--;
	}
	word = (struct text){ .at = rest->at };
	if (rest->length > 0 && rest->at[0] == '#')
		rest->length = 0;
	while (word.length < rest->length && !is_blank(rest->at[word.length]))
		word.length++;
	rest->at += word.length;
	rest->length -= word.length;
	return word;
}

/* What follows: NULL, or what is wrong. */

static const char *parse_field(struct text word, struct field *ret_field)
{
	struct field field = { .kind = FIELD_NAME, .name = word };
	char sign = word.at[0];

	if (sign == '+' || sign == '-') {
		field.refuses = sign == '-';
		field.name.at++;
		field.name.length--;
		if (field.name.length == 0 && field.refuses)
			return "a '-' without a name";
		if (field.name.length == 0)
			field.kind = FIELD_ANY;
	}
	if (field.name.length > 0 && field.name.at[0] == '@') {
		field.kind = FIELD_NETGROUP;
		field.name.at++;
		field.name.length--;
		if (field.name.length == 0)
			return "an '@' without a netgroup";
	}
	if (field.name.length > 0 && strchr("+-@", field.name.at[0]))
		return "a name that begins with '+', '-' or '@'";
	*ret_field = field;
	return NULL;
}

static const char *check_bytes(struct text line)
{
	if (line.length > RHOSTS_MAX_LINE)
		return "a line of more than " TEXT(RHOSTS_MAX_LINE) " bytes";
	for (size_t i = 0; i < line.length; i++) {
		unsigned char byte = (unsigned char)line.at[i];

		if (byte == '\0')
			return "a NUL byte";
		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return "a control character";
	}
	return NULL;
}

static const char *parse_line(struct text line, struct entry *ret_entry)
{
	struct entry entry = { 0 };
	const char *problem;
	struct text word;

	if (line.length > 0 && line.at[line.length - 1] == '\r')
		line.length--;
	problem = check_bytes(line);
	word = next_word(&line);
	if (!problem && word.length > 0)
		problem = parse_field(word, &entry.host);
	word = next_word(&line);
	if (!problem && word.length > 0)
		problem = parse_field(word, &entry.user);
	if (!problem && next_word(&line).length > 0)
		problem = "more than a host and a user";
	if (!problem)
		*ret_entry = entry;
	return problem;
}

/* Matching. */

typedef int ask_function(void *data, const char *name);

/* ask() - a callback about a name, for which it wants an end */
static int ask(const struct rhosts_question *question, ask_function *function, struct text name)
{
	char text[RHOSTS_MAX_LINE + 1];

	memcpy(text, name.at, name.length);
	text[name.length] = '\0';
	return function(question->data, text);
}

static bool is_text(struct text name, const char *text)
{
	return strlen(text) == name.length && memcmp(name.at, text, name.length) == 0;
}

/* user_matches(), host_matches() - 1, 0, -errno */
static int user_matches(const struct rhosts_question *question, const struct entry *entry)
{
	const struct field *user = &entry->user;

	switch (user->kind) {
	case FIELD_ABSENT:
		return entry->host.refuses || strcmp(question->ruser, question->luser) == 0;
	case FIELD_ANY:
		return 1;
	case FIELD_NAME:
		return is_text(user->name, question->ruser);
	case FIELD_NETGROUP:
		return ask(question, question->has_user, user->name);
	}
	return 0;
}

static int host_matches(const struct rhosts_question *question, const struct field *host)
{
	switch (host->kind) {
	case FIELD_ABSENT:
		return 0;
	case FIELD_ANY:
		return 1;
	case FIELD_NAME:
		return ask(question, question->is_host, host->name);
	case FIELD_NETGROUP:
		return ask(question, question->has_host, host->name);
	}
	return 0;
}

static bool refuses(const struct entry *entry)
{
	return entry->host.refuses || entry->user.refuses;
}

static bool matches(const struct rhosts_question *question, const struct entry *entry)
{
	int user, host;

	if (entry->host.kind == FIELD_ABSENT)
		return false;
	user = user_matches(question, entry);
	host = user ? host_matches(question, &entry->host) : 0;
	if (user == 0 || host == 0)
		return false;
	/* Not to know is a match for who is to be kept out, and none for who is to be let in. */
	return (user > 0 && host > 0) || refuses(entry);
}

/* is_wide() - of an entry that admits */
static bool is_wide(const struct rhosts_question *question, const struct entry *entry)
{
	const struct field *user = &entry->user;

	if (user->kind == FIELD_ANY)
		return true;
	if (entry->host.kind != FIELD_ANY)
		return false;
	return question->luser_is_root || user->kind == FIELD_NETGROUP ||
	       (user->kind == FIELD_NAME && !is_text(user->name, question->luser));
}

static enum rhosts_answer answer_of(const struct rhosts_question *question,
				    const struct entry *entry)
{
	if (refuses(entry))
		return RHOSTS_REFUSES;
	return is_wide(question, entry) && !question->allow_wide ? RHOSTS_WIDE : RHOSTS_ADMITS;
}

/* check() - whether the file has an error */
static struct rhosts_finding check(struct reader reader)
{
	struct entry entry;
	struct text line;

	while (next_line(&reader, &line)) {
		const char *problem = parse_line(line, &entry);

		if (problem)
			return (struct rhosts_finding){ RHOSTS_INVALID, reader.line, problem };
	}
	return (struct rhosts_finding){ RHOSTS_SILENT, 0, NULL };
}

struct rhosts_finding rhosts_ask(const char *text, size_t size,
				 const struct rhosts_question *question)
{
	struct reader reader = { .rest = { text, size } };
	struct rhosts_finding finding;
	struct entry entry;
	struct text line;

	if (size > RHOSTS_MAX_BYTES)
		return (struct rhosts_finding){ RHOSTS_INVALID, 0,
						"more than " TEXT(RHOSTS_MAX_BYTES) " bytes" };
	finding = check(reader);
	while (finding.answer == RHOSTS_SILENT && next_line(&reader, &line)) {
		if (parse_line(line, &entry) || !matches(question, &entry))
			continue;
		finding.answer = answer_of(question, &entry);
		finding.line = reader.line;
	}
	return finding;
}
