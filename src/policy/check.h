/* SPDX-License-Identifier: MIT */
/*
 * check.h - the parts of policy_check(); nothing outside of src/policy includes this
 */
#ifndef PORTCRED_POLICY_CHECK_H
#define PORTCRED_POLICY_CHECK_H

#include "policy/policy.h"

/* check_overlaps() - ranges that overlap in part are errors. Returns 0, -ENOMEM. */
int check_overlaps(const struct policy *policy, struct diagnostics *diagnostics);

/*
 * check_hosts() - each name, key and address is one host's, no key is ours or weak, no address this
 * machine's own; hosts that callers name are there. Returns 0, -ENOMEM.
 */
int check_hosts(const struct policy *policy, const struct policy_environment *environment,
		struct diagnostics *diagnostics);

/*
 * check_redirects() - one target a port, at which calls end and a bind rule governs who listens.
 * Returns 0, -ENOMEM.
 */
int check_redirects(const struct policy *policy, struct diagnostics *diagnostics);

/* check_callers() - users whom a host cannot speak for are warned of. Returns 0, -ENOMEM. */
int check_callers(const struct policy *policy, struct diagnostics *diagnostics);

#endif
