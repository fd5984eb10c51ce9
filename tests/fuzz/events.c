/* SPDX-License-Identifier: MIT */
/*
 * events.c - libFuzzer target: what others did, and called themselves, as lines that become a policy
 *
 * Whatever the lines: what comes out is comments and bind statements, a line each, in text that moves
 * no terminal.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "policy/writer.h"
#include "portcred/suggest_events.h"

#define MAX_PROGRAMS 4 /* each costs a policy of its own */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* require() - a crash, which libFuzzer keeps the input of */
static void require(bool condition)
{
	if (!condition)
		abort();
}

static void read_lines(const char *text, size_t size, struct sightings *sightings)
{
	const char *end = text + size, *next;
	struct told told;

	for (; text < end; text = next + 1) {
		next = memchr(text, '\n', (size_t)(end - text));
		if (!next)
			next = end;
		if (told_parse(text, (size_t)(next - text), &told) < 0)
			continue;
		require(told.kind != TOLD_BIND || (told.port && told.uid != UINT32_MAX));
		if (sightings->told < MAX_PROGRAMS)
			require(sightings_add(sightings, &told) == 0);
	}
}

static void check_line(const char *line, const char *end)
{
	require(*line == '#' || strncmp(line, "bind ", 5) == 0 || line == end);
	while (line < end) {
		uint32_t character;
		size_t bytes = utf8_decode(line, end, &character);

		require(bytes > 0 && utf8_is_printable(character));
		line += bytes;
	}
}

static void check_text(const char *text)
{
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		require(end != NULL);
		check_line(text, end);
	}
}

/* write_all() - as `portcred suggest` does, without its head */
static char *write_all(const struct events *events, const struct proposal *proposal)
{
	struct writer writer;
	char *text;

	require(writer_open(&writer) == 0);
	for (size_t i = 0; i < proposal->n; i++)
		fprintf(writer.out, "%s%s", proposal->items[i].comment,
			proposal->items[i].statement);
	events_write_missing(events, writer.out);
	require(writer_close(&writer, &text) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct proposal_style style = { .ephemeral_first = 32768, .ephemeral_last = 60999 };
	_cleanup_(proposal_clear) struct proposal proposal = { 0 };
	_cleanup_(known_words_clear) struct known_words known = { 0 };
	_cleanup_(findings_clear) struct findings findings = { 0 };
	_cleanup_(events_clear) struct events events = { 0 };
	_cleanup_free_ char *text = NULL;

	read_lines((const char *)data, size, &events.sightings);
	sightings_sort(&events.sightings);
	require(events_find(&events, &known, &findings) == 0);
	require(proposal_make(&findings, &style, &proposal) == 0);
	text = write_all(&events, &proposal);
	check_text(text);
	return 0;
}
