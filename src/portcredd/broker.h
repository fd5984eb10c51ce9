/* SPDX-License-Identifier: MIT */
/*
 * broker.h - bind for others: who asks gets a bound socket, if the policy lets him have the port
 */
#ifndef PORTCRED_PORTCREDD_BROKER_H
#define PORTCRED_PORTCREDD_BROKER_H

#include <jansson.h>

#include "control/varlink.h"
#include "portcredd/daemon.h"

/* broker_begin() - before the first call; broker_end() after the last */
int broker_begin(struct daemon *daemon);
void broker_end(struct daemon *daemon);

/* broker_parameters, broker_serve() - the method io.portcred.Bind; userdata: struct daemon */
extern const struct varlink_parameter broker_parameters[];
int broker_serve(struct varlink_call *call, json_t *parameters, void *userdata);

/* broker_counters() - add what it has granted and refused */
void broker_counters(const struct daemon *daemon, uint64_t counters[static COUNTERS]);

/* broker_sweep() - tell what floods kept back; @ret_open: whether to come again in FLOOD_WINDOW_NS */
void broker_sweep(struct daemon *daemon, bool *ret_open);

#endif
