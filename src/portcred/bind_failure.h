/* SPDX-License-Identifier: MIT */
/*
 * bind_failure.h - why a port could not be bound, and what to do about it
 */
#ifndef PORTCRED_PORTCRED_BIND_FAILURE_H
#define PORTCRED_PORTCRED_BIND_FAILURE_H

#include "portcred/listen_argument.h"
#include "portcred/program.h"

/*
 * bind_failure_say() - say it
 * @where: listen_argument_text() of @argument; @error: -errno of socket(2), bind(2) or listen(2)
 *
 * Who holds the port is looked for in /proc: processes of other users are seen by root. Which rule
 * refuses it is read from the policy in force, where portcredd answers. Returns EXIT_NO.
 */
int bind_failure_say(struct program *program, const struct listen_argument *argument,
		     const char *where, int error);

#endif
