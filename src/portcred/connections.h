/* SPDX-License-Identifier: MIT */
/*
 * connections.h - the TCP connections of this network namespace, and who is at their other ends
 */
#ifndef PORTCRED_PORTCRED_CONNECTIONS_H
#define PORTCRED_PORTCRED_CONNECTIONS_H

#include "portcred/program.h"

/*
 * connections_show() - all that are established, as a table or as JSON; portcredd is not asked
 *
 * Each socket is asked itself, by a duplicate of a process's descriptor for it. That takes the right
 * to trace the process: root's, or of the same user. What cannot be asked is listed all the same.
 * Returns what the program is to end with.
 */
int connections_show(struct program *program, bool json);

#endif
