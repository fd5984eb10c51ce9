/* SPDX-License-Identifier: MIT */
/*
 * event_lines.h - lines of `portcred watch --json` or `journalctl -o json`, as they come
 */
#ifndef PORTCRED_PORTCRED_EVENT_LINES_H
#define PORTCRED_PORTCRED_EVENT_LINES_H

#include "portcred/program.h"
#include "portcred/sightings.h"

/* A longer line is none of ours: an event has less than 2 kB. */
#define MAX_EVENT_LINE 65536U

/*
 * struct event_lines - one source, read in pieces of any size
 * Begins as all zeros but for the first four, which are borrowed; event_lines_clear()
 */
struct event_lines {
	struct program *program; /* says which lines are no events, the first few of all sources */
	const char *name;        /* of the source, safe to print */
	struct sightings *sightings;
	uint64_t *unreadable; /* lines of all sources */

	char *line;      /* what has come of this one */
	size_t size;     /* MAX_EVENT_LINE: it is longer */
	uint64_t number; /* of the line, from 1 */
};

/*
 * event_lines_take() - the next piece; a line that is no event is counted, said and passed over
 * Returns 0, -ENOMEM.
 */
int event_lines_take(struct event_lines *lines, const char *bytes, size_t size);

/* event_lines_end() - there is no more: the last line counts without a newline too; 0, -ENOMEM */
int event_lines_end(struct event_lines *lines);

/* event_lines_say_more() - how many are not an event beside those that were said */
void event_lines_say_more(struct program *program, uint64_t unreadable);

void event_lines_clear(struct event_lines *lines);

#endif
