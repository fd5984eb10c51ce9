/* SPDX-License-Identifier: MIT */
/*
 * paint.h - ports go to the first range that asks for them; nothing outside of src/policy includes this
 *
 * Ranges come narrowest first, so the first one that covers a port decides it. Each port points to the
 * next one that may be free, so that ranges inside of ranges cost no second walk over what is taken.
 */
#ifndef PORTCRED_POLICY_PAINT_H
#define PORTCRED_POLICY_PAINT_H

#include <stdint.h>

#include "bpf/abi.h"

/* struct paint - of one protocol; paint_begin() */
struct paint {
	uint32_t next[PORTS + 1]; /* itself: free */
};

static inline void paint_begin(struct paint *paint)
{
	for (uint32_t port = 0; port <= PORTS; port++)
		paint->next[port] = port;
}

/* paint_free() - the first free port from @port on, PORTS if there is none; shortens the way to it */
static inline uint32_t paint_free(struct paint *paint, uint32_t port)
{
	uint32_t *next = paint->next;

	while (next[port] != port) {
		next[port] = next[next[port]];
		port = next[port];
	}
	return port;
}

static inline void paint_take(struct paint *paint, uint32_t port)
{
	paint->next[port] = port + 1;
}

#endif
