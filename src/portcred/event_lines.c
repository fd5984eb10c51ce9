/* SPDX-License-Identifier: MIT */
#include "portcred/event_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_LINES 3U /* that cannot be read */

static void say_unreadable(const struct event_lines *lines)
{
	if ((*lines->unreadable)++ < SHOWN_LINES)
		program_say(lines->program,
			    "%s:%" PRIu64 ": no event, expected a line of 'portcred watch --json' "
			    "or 'journalctl -o json'",
			    lines->name, lines->number);
}

/* take_line() - a whole one */
static int take_line(struct event_lines *lines)
{
	struct told told;
	int r;

	lines->number++;
	if (lines->size == 0)
		return 0;
	r = lines->size < MAX_EVENT_LINE ? told_parse(lines->line, lines->size, &told) : -EBADMSG;
	lines->size = 0;
	if (r == 0)
		r = sightings_add(lines->sightings, &told);
	if (r == -EBADMSG)
		say_unreadable(lines);
	return r == -EBADMSG ? 0 : r;
}

int event_lines_take(struct event_lines *lines, const char *bytes, size_t size)
{
	const char *end = bytes + size;

	if (!lines->line)
		lines->line = malloc(MAX_EVENT_LINE);
	if (!lines->line)
		return -ENOMEM;
	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t length = (size_t)((newline ? newline : end) - bytes);
		size_t room = MAX_EVENT_LINE - lines->size;
		int r;

		memcpy(lines->line + lines->size, bytes, length < room ? length : room);
		lines->size += length < room ? length : room;
		if (!newline)
			return 0;
		r = take_line(lines);
		if (r < 0)
			return r;
		bytes = newline + 1;
	}
	return 0;
}

int event_lines_end(struct event_lines *lines)
{
	return lines->size ? take_line(lines) : 0;
}

void event_lines_say_more(struct program *program, uint64_t unreadable)
{
	if (unreadable > SHOWN_LINES)
		program_say(program, "%" PRIu64 " more lines like that", unreadable - SHOWN_LINES);
}

void event_lines_clear(struct event_lines *lines)
{
	free(lines->line);
}
