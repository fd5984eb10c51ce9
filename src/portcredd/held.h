/* SPDX-License-Identifier: MIT */
/*
 * held.h - telling how many events a flood kept back, to whom the events would have been told
 */
#ifndef PORTCRED_PORTCREDD_HELD_H
#define PORTCRED_PORTCREDD_HELD_H

#include "portcredd/daemon.h"

/* held_tell() - @n events of a kind that were not told one by one; struct events_sink */
void held_tell(struct daemon *daemon, const struct flood_key *key, uint32_t n);

#endif
