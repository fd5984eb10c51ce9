/* SPDX-License-Identifier: MIT */
/*
 * relay.h - a command's three streams and the signals, until all of them have ended
 *
 *	standard input ──> connection ──> standard output
 *	SIGINT, SIGQUIT, SIGTERM ──> second channel ──> (status.h) ──> standard error
 *
 * One step at a time, whatever poll(2) finds ready; a stream that cannot be written is not read, so the
 * far end waits too. No stream waits for another one.
 */
#ifndef PORTCRED_RSH_RELAY_H
#define PORTCRED_RSH_RELAY_H

#include <stdbool.h>

#include "rsh/session.h"

/*
 * relay_run() - the whole session
 * @input: whether standard input is to be read; else the command finds it at its end
 *
 * A signal that cannot be sent any more does what it would have done. Returns the exit status: that of
 * the command, or 128 and the signal that killed it, where the server tells; else RSH_DONE, or
 * RSH_FAILED, which was said.
 */
int relay_run(const char *program, const struct session *session, bool input);

#endif
