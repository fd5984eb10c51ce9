/* SPDX-License-Identifier: MIT */
/*
 * rhosts.c - libFuzzer target: anybody's ~/.rhosts
 *
 * The first byte says who would like to be whom, the rest is the file. What is answered, and for which
 * line, must be what a naive reading answers; nothing may be looked up for a file with an error, nor
 * more than two names for a line.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rcmd/rhosts.h"

#define WIDE  1U
#define ROOT  2U
#define OTHER 4U /* another user here than there */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* require() - a crash, which libFuzzer keeps the input of */
static void require(bool condition)
{
	if (!condition)
		abort();
}

/* found() - every name is known by its first letter */
static int found(const char *name)
{
	return name[0] == 'y' ? 1 : name[0] == 'u' ? -EIO : 0;
}

static int ask(void *data, const char *name)
{
	unsigned *asked = data;

	require(name[0] && !strchr("+-@", name[0]) && !strpbrk(name, " \t\n"));
	++*asked;
	return found(name);
}

/* read_name() - of a user or host without its sign: 1, 0, -EIO, or -EINVAL for no name at all */
static int read_name(const char *name, const char *self)
{
	bool netgroup = name[0] == '@';

	if (netgroup)
		name++;
	if (!name[0] || strchr("+-@", name[0]))
		return -EINVAL;
	return self && !netgroup ? strcmp(name, self) == 0 : found(name);
}

/* read_word() - the same with its sign */
static int read_word(const char *word, const char *self, bool *ret_refuses)
{
	*ret_refuses = word[0] == '-';
	if (strcmp(word, "+") == 0)
		return 1;
	return read_name(word + (word[0] == '+' || word[0] == '-'), self);
}

/* read_line() - of a line of printable text: its answer, by a reading of its own */
static enum rhosts_answer read_line(char *line, const struct rhosts_question *question)
{
	char *rest = line, *host = strtok_r(line, " \t", &rest);
	char *user = host && host[0] != '#' ? strtok_r(NULL, " \t", &rest) : NULL;
	char *more = user && user[0] != '#' ? strtok_r(NULL, " \t", &rest) : NULL;
	bool host_refuses, user_refuses = false, any = host && strcmp(host, "+") == 0, wide;
	int here, who;

	if (!host || host[0] == '#')
		return RHOSTS_SILENT;
	if (user && user[0] == '#')
		user = NULL;
	if (more && more[0] != '#')
		return RHOSTS_INVALID;
	here = read_word(host, NULL, &host_refuses);
	if (here == -EINVAL)
		return RHOSTS_INVALID;
	who = user ? read_word(user, question->ruser, &user_refuses)
		   : host_refuses || strcmp(question->ruser, question->luser) == 0;
	if (who == -EINVAL)
		return RHOSTS_INVALID;
	if (here == 0 || who == 0)
		return RHOSTS_SILENT;
	if (host_refuses || user_refuses)
		return RHOSTS_REFUSES;
	if (here < 0 || who < 0)
		return RHOSTS_SILENT;
	wide = user && strcmp(user, "+") == 0;
	if (any && (question->luser_is_root ||
		    (user && strcmp(user + (user[0] == '+'), question->luser) != 0)))
		wide = true;
	return wide && !question->allow_wide ? RHOSTS_WIDE : RHOSTS_ADMITS;
}

/* read_file() - the whole; @text is NUL-terminated, and changed */
static struct rhosts_finding read_file(char *text, size_t size,
				       const struct rhosts_question *question)
{
	struct rhosts_finding finding = { 0 };
	unsigned number = 0;

	if (size > RHOSTS_MAX_BYTES || strlen(text) != size)
		return (struct rhosts_finding){ .answer = RHOSTS_INVALID };
	for (char *line = text, *end; *line; line = end) {
		enum rhosts_answer answer;
		size_t length = strcspn(line, "\n");

		number++;
		end = line + length + (line[length] == '\n');
		line[length] = '\0';
		if (length > 0 && line[length - 1] == '\r')
			line[--length] = '\0';
		for (size_t i = 0; i < length; i++)
			if (line[i] == 0x7f || ((unsigned char)line[i] < ' ' && line[i] != '\t'))
				return (struct rhosts_finding){ .answer = RHOSTS_INVALID };
		answer = length > RHOSTS_MAX_LINE ? RHOSTS_INVALID : read_line(line, question);
		if (answer == RHOSTS_INVALID)
			return (struct rhosts_finding){ .answer = RHOSTS_INVALID };
		if (answer != RHOSTS_SILENT && finding.answer == RHOSTS_SILENT)
			finding = (struct rhosts_finding){ .answer = answer, .line = number };
	}
	return finding;
}

/* copy() - on a heap block of just its size and @more zeros, so that a byte too far is seen */
static char *copy(const uint8_t *data, size_t size, size_t more)
{
	char *text = calloc(1, size + more ? size + more : 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned asked = 0, who = size > 0 ? data[0] : 0;
	struct rhosts_question question = {
		.ruser = "alice",
		.luser = who & OTHER ? "bob" : "alice",
		.luser_is_root = who & ROOT,
		.allow_wide = who & WIDE,
		.is_host = ask,
		.has_host = ask,
		.has_user = ask,
		.data = &asked,
	};
	struct rhosts_finding finding, expected;
	unsigned lines = 1;
	char *text;

	if (size == 0)
		return 0;
	text = copy(data + 1, size - 1, 0);
	for (size_t i = 0; i < size - 1; i++)
		lines += text[i] == '\n';
	finding = rhosts_ask(text, size - 1, &question);
	require(finding.answer != RHOSTS_INVALID || asked == 0);
	require(asked <= 2 * lines && finding.line <= lines);
	require((finding.answer == RHOSTS_INVALID) == (finding.problem != NULL));

	free(text);
	text = copy(data + 1, size - 1, 1);
	expected = read_file(text, size - 1, &question);
	free(text);
	require(finding.answer == expected.answer);
	require(finding.answer == RHOSTS_INVALID || finding.line == expected.line);
	return 0;
}
