/* SPDX-License-Identifier: MIT */
/*
 * relay.h - from one host to another, through this machine
 *
 * The ancestors let the first host call the second: that one had to trust the first, and a user's name
 * was passed through two shells. Here each is called by the user himself, and what the first sends is
 * judged before the second hears of it.
 */
#ifndef PORTCRED_RCP_RELAY_H
#define PORTCRED_RCP_RELAY_H

#include "rcp/wanted.h"
#include "rcp/wire.h"

/*
 * relay_run() - pass on what @from sends, and what @to answers
 * Errors are said and counted in from->errors. Returns 0, or -errno where the copy ended early.
 */
int relay_run(struct wire *from, struct wire *to, bool recursive, struct wanted *wanted);

#endif
