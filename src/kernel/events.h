/* SPDX-License-Identifier: MIT */
/*
 * events.h - what the kernel half tells: the ring buffer, and what a flood kept back
 */
#ifndef PORTCRED_KERNEL_EVENTS_H
#define PORTCRED_KERNEL_EVENTS_H

#include "kernel/enforcer.h"

struct ring_buffer;

/* struct events_sink - who is told; pointers are valid during the call only */
struct events_sink {
	/* event(): one line of the audit */
	void (*event)(void *data, const struct event *event);
	/*
	 * held(): @n events were not told. key->kind is FLOOD_BUDGET where they were of several
	 * kinds, FLOOD_CONNECTION_BUDGET where of connections from several addresses; else verdict |
	 * observed << 7, with FLOOD_CONNECTION where of connections; port and protocol say which.
	 */
	void (*held)(void *data, const struct flood_key *key, uint32_t n);
	void *data;
};

struct events {
	struct ring_buffer *ring;
	struct events_sink sink;
	int floods_fd;
};

int events_open(const struct enforcer *enforcer, const struct events_sink *sink,
		struct events **ret_events);
void events_close(struct events *events);

/* events_fd() - becomes readable when there is something to read */
int events_fd(const struct events *events);

/* events_read() - tell the sink all that is there; returns how many, -errno */
int events_read(struct events *events);

/*
 * events_sweep() - tell the sink what floods kept back in windows that are over, and forget these
 *
 * Returns whether to sweep again in FLOOD_WINDOW_NS: windows are still open. So a daemon that hears
 * nothing never sweeps.
 */
int events_sweep(struct events *events, bool *ret_again);

/*
 * path_from_leaf() - "nginx/sbin/usr/" as "/usr/sbin/nginx"
 * "..." comes first where the walk was cut off at the root's side.
 */
void path_from_leaf(const struct path_text *path, char ret_path[static MAX_PATH_TEXT + 8]);

/*
 * path_to_leaf() - the other way round: an absolute path as the kernel half would tell it
 * Names are taken from the leaf up while there is room for one.
 */
void path_to_leaf(const char *path, struct path_text *ret_path);

#endif
