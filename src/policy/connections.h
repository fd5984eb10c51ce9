/* SPDX-License-Identifier: MIT */
/*
 * connections.h - the part of policy_compile() that is about the other end; nothing outside of
 * src/policy includes this
 */
#ifndef PORTCRED_POLICY_CONNECTIONS_H
#define PORTCRED_POLICY_CONNECTIONS_H

#include "policy/compile.h"
#include "policy/ranges.h"

/*
 * connections_compile() - add to the tables of bind what accept, connect and host say
 * @out: sets has room for all of @ranges, and those of bind are compiled
 *
 * Limits are errors in @diagnostics. Returns 0 also then, -ENOMEM.
 */
int connections_compile(const struct ranges *ranges, struct diagnostics *diagnostics,
			struct compiled *out);

/* connections_free() - what it added, the arrays that bind has too excepted */
void connections_free(struct compiled *compiled);

#endif
