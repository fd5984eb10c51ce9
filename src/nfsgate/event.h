/* SPDX-License-Identifier: MIT */
/*
 * event.h - who was let in and who was not, told to people: the journal with a field for each thing, else
 * standard error; and who watches
 *
 * No more than EVENTS_OF_USER a second of one user, and EVENTS_OF_ALL together; the others are counted,
 * and their number told when the second is over.
 */
#ifndef PORTCRED_NFSGATE_EVENT_H
#define PORTCRED_NFSGATE_EVENT_H

#include "base/flood.h"
#include "nfsgate/account.h"
#include "nfsgate/options.h"

#define EVENTS_OF_USER 32U
#define EVENTS_OF_ALL  128U

struct gate;

enum event_kind {
	EVENT_OPENED,  /* a connection */
	EVENT_REFUSED, /* a connection */
	EVENT_DENIED,  /* a call, the first of its connection */
	EVENT_ENDED,   /* a connection, of which there is something to say */
};

/* struct event - everything in it is borrowed */
struct event {
	enum event_kind kind;
	enum port port;
	const struct caller *caller;
	enum reason reason;    /* REFUSED, DENIED */
	const uint32_t *named; /* DENIED: the user that the call names; NULL: none was read */
	const char *why; /* ENDED, and REFUSED by REASON_FAILURE; NULL: nothing is to be said */
	const struct account *account; /* ENDED */
};

/* struct event_floods - event_floods_init() */
struct event_floods {
	struct flood_table users; /* those of whom no uid is known are one */
	struct flood_table all;
	int64_t sweep; /* when event_sweep() is to be called; INT64_MAX: not at all */
};

void event_floods_init(struct event_floods *floods);

/* event_tell() - unless it is one of a flood; it counts nothing but that */
void event_tell(struct gate *gate, const struct event *event);

/* event_sweep() - tell what floods kept back */
void event_sweep(struct gate *gate);

#endif
