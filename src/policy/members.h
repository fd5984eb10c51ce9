/* SPDX-License-Identifier: MIT */
/*
 * members.h - who is in the groups that callers name; nothing outside of src/policy includes this
 */
#ifndef PORTCRED_POLICY_MEMBERS_H
#define PORTCRED_POLICY_MEMBERS_H

#include "policy/policy.h"

/*
 * resolve_members() - the part of policy_resolve() behind the names: policy.groups, members and
 * memberships, all asked anew. Returns 0 also when there are errors, -ENOMEM.
 */
int resolve_members(struct policy *policy, const struct policy_environment *environment,
		    bool lenient, struct diagnostics *diagnostics);

#endif
