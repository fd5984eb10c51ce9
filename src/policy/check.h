/* SPDX-License-Identifier: MIT */
/*
 * check.h - the parts of policy_check(); nothing outside of src/policy includes this
 */
#ifndef PORTCRED_POLICY_CHECK_H
#define PORTCRED_POLICY_CHECK_H

#include "policy/policy.h"

/* check_overlaps() - ranges that overlap in part are errors. Returns 0, -ENOMEM. */
int check_overlaps(const struct policy *policy, struct diagnostics *diagnostics);

#endif
