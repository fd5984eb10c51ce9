/* SPDX-License-Identifier: MIT */
/*
 * lead.h - what listens already, when redirects come into force
 */
#ifndef PORTCRED_PORTCREDD_LEAD_H
#define PORTCRED_PORTCREDD_LEAD_H

#include "portcredd/daemon.h"

/*
 * lead_take() - remember the redirects of a policy that has come into force
 * They move out of @compiled, which keeps its tables.
 */
void lead_take(struct daemon *daemon, struct compiled *compiled);

/*
 * lead_listeners() - have calls led to listeners that are there already, and find those at ports from
 * which calls are led away
 *
 * Behind the policy's tables: whoever listens from then on, the kernel half enters. Sockets that the
 * policy refuses (in_force.approvals) are left out. Returns 0, -errno.
 */
int lead_listeners(struct daemon *daemon, const struct compiled *compiled);

/* lead_serves() - whether one of these sockets takes the calls of a redirect */
bool lead_serves(const struct daemon *daemon, const struct redirect *redirect,
		 const struct socket_list *sockets);

#endif
