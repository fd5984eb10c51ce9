/* SPDX-License-Identifier: MIT */
/*
 * reload.h - what the gate is told, read at the start and at SIGHUP
 *
 * What is wrong with it is said; what was in force then stays. The service manager is told when it begins
 * and when it has ended (sd_notify(3)).
 */
#ifndef PORTCRED_NFSGATE_RELOAD_H
#define PORTCRED_NFSGATE_RELOAD_H

#include "nfsgate/gate.h"

/* reload_first() - at the start, before anything is served; @options: taken over. Returns 0, -errno */
int reload_first(struct gate *gate, struct options *options);

/* reload_begin() - read all of it again, in place of one that has not come to its end */
void reload_begin(struct gate *gate);

/* reload_take() - when epoll says so; reload_late() - at gate->load_deadline */
void reload_take(struct gate *gate);
void reload_late(struct gate *gate);

/* reload_ask_hosts() - begin to warn of hosts that the rule in force names, and nobody knows (hosts.h) */
void reload_ask_hosts(struct gate *gate);

/* reload_take_hosts() - when epoll says so */
void reload_take_hosts(struct gate *gate);

#endif
