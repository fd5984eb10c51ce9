/* SPDX-License-Identifier: MIT */
/*
 * suggest_events.h - what `portcred suggest --from-events` reads, and says beside the rules
 */
#ifndef PORTCRED_PORTCRED_SUGGEST_EVENTS_H
#define PORTCRED_PORTCRED_SUGGEST_EVENTS_H

#include "portcred/options.h"
#include "portcred/principal.h"
#include "portcred/proposal.h"
#include "portcred/sightings.h"

/* struct events - begins as all zeros; events_clear() */
struct events {
	struct sightings sightings;
	uint64_t unreadable; /* lines */
};

/*
 * events_read() - all lines of these files; standard input for "-", and where there is no file
 *
 * A line that cannot be read is said, the first few one by one, and passed over: a file may end
 * within one. Returns EXIT_YES; EXIT_NO, which was said, where a file could not be read.
 */
int events_read(struct program *program, const struct operands *files, struct events *events);

/*
 * events_complete() - there are no more
 * Returns EXIT_YES; EXIT_NO, which was said, where nobody was seen binding anything.
 */
int events_complete(struct program *program, struct events *events);

/* events_find() - who was seen binding, as findings; 0 or -ENOMEM */
int events_find(const struct events *events, struct known_words *known, struct findings *findings);

/* events_write_source() - "14 binds from 2026-11-24 10:00 to 2026-11-25 09:12" */
void events_write_source(const struct events *events, FILE *out);

/* events_write_missing() - comments: what was refused, what is not known. Nothing where all is. */
void events_write_missing(const struct events *events, FILE *out);

/* events_json() - how many were read, and how many are missing; NULL without memory */
json_t *events_json(const struct events *events);

void events_clear(struct events *events);

#endif
