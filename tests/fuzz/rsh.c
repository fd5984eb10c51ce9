/* SPDX-License-Identifier: MIT */
/*
 * rsh.c - libFuzzer target: what the clients read: ~/.netrc, what is typed, and a server's refusal
 *
 * The first byte chooses. An entry that is found can be written down and found again; what is typed
 * comes out the same however it is cut; what is shown of a server is printable, and says all of it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "rsh/escape.h"
#include "rsh/netrc.h"
#include "rsh/say.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* quote() - a word of a file, whatever is in it */
static char *quote(char *at, const char *word)
{
	*at++ = '"';
	for (; *word; word++) {
		*at++ = '\\';
		*at++ = *word;
	}
	*at++ = '"';
	return at;
}

static void read_netrc(const char *text, size_t size)
{
	static char again[4 * NETRC_MAX_WORD + 64];
	struct netrc_entry entry, other;
	char *at;

	if (netrc_find(text, size, "h", NULL, &entry) < 0)
		return;
	assert(strnlen(entry.user, sizeof(entry.user)) <= NETRC_MAX_WORD);
	assert(strnlen(entry.password, sizeof(entry.password)) <= NETRC_MAX_WORD);
	at = quote(stpcpy(again, "machine h login "), entry.user);
	at = quote(stpcpy(at, " password "), entry.password);
	assert(netrc_find(again, (size_t)(at - again), "h", NULL, &other) == 0);
	assert(strcmp(entry.user, other.user) == 0 && strcmp(entry.password, other.password) == 0);
}

/* feed() - in pieces of @piece bytes; returns what was passed on, *ret_taken what was read */
static size_t feed(const char *in, size_t size, size_t piece, char *out, size_t *ret_taken,
		   enum escape_action *ret_action)
{
	const struct escape_keys keys = { .end = 4, .suspend = 26, .interrupt = 3 };
	struct escape escape;
	size_t at = 0, n = 0;

	*ret_action = ESCAPE_GO_ON;
	escape_init(&escape, '~', &keys);
	while (at < size && *ret_action == ESCAPE_GO_ON) {
		size_t length = size - at < piece ? size - at : piece, more;
		size_t taken = escape_feed(&escape, in + at, length, out + n, &more, ret_action);

		assert(taken <= length && more <= 2 * length);
		assert(taken == length || *ret_action != ESCAPE_GO_ON);
		at += taken;
		n += more;
	}
	*ret_taken = at;
	return n;
}

static void read_typed(const char *in, size_t size)
{
	char *whole = malloc(2 * size + 1), *pieces = malloc(2 * size + 1);
	size_t taken[2], n[2];
	enum escape_action action[2];

	assert(whole && pieces);
	n[0] = feed(in, size, size ? size : 1, whole, &taken[0], &action[0]);
	n[1] = feed(in, size, 1, pieces, &taken[1], &action[1]);
	assert(n[0] == n[1] && taken[0] == taken[1] && action[0] == action[1]);
	assert(n[0] <= taken[0] + 1 && memcmp(whole, pieces, n[0]) == 0);
	free(whole);
	free(pieces);
}

static void show(const char *text, size_t size)
{
	char *shown = say_printable(text, size);
	const char *end;

	assert(shown);
	end = shown + strlen(shown);
	assert((size_t)(end - shown) >= size && (size_t)(end - shown) <= 4 * size);
	for (const char *at = shown; at < end;) {
		uint32_t character;
		size_t bytes = utf8_decode(at, end, &character);

		assert(bytes && utf8_is_printable(character));
		at += bytes;
	}
	free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *rest = (const char *)data + 1;

	if (size == 0)
		return 0;
	if (data[0] == 'n')
		read_netrc(rest, size - 1);
	else if (data[0] == 't')
		read_typed(rest, size - 1);
	else
		show(rest, size - 1);
	return 0;
}
