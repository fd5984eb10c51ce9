/* SPDX-License-Identifier: MIT */
/*
 * suggest_watch.h - what happens from now on, for `portcred suggest --for`
 *
 *	portcredd ── a child, which is `portcred watch --json` ── pipe ── lines, the same as of a file
 *	                 \─ ends after the time, or by a signal
 */
#ifndef PORTCRED_PORTCRED_SUGGEST_WATCH_H
#define PORTCRED_PORTCRED_SUGGEST_WATCH_H

#include "portcred/suggest_events.h"

#define MOST_WATCHED 31622400U /* seconds: a year */

/*
 * events_watch() - for so long, or until SIGINT or SIGTERM
 * @seconds: 1 to MOST_WATCHED
 *
 * On a terminal, standard error shows how far it is. Returns EXIT_YES; the status of a watch that
 * could not be begun, or ended before its time, after saying why: what was seen until then is in
 * @events all the same.
 */
int events_watch(struct program *program, unsigned seconds, struct events *events);

#endif
