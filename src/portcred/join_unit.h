/* SPDX-License-Identifier: MIT */
/*
 * join_unit.h - be in a unit, as `unit NAME` in a rule means it
 */
#ifndef PORTCRED_PORTCRED_JOIN_UNIT_H
#define PORTCRED_PORTCRED_JOIN_UNIT_H

#include "portcred/program.h"

/* join_unit_check() - a name that can be a unit's; what is wrong is *@ret_why. 0, -EINVAL, -ENOMEM */
int join_unit_check(const char *name, char **ret_why);

/*
 * join_unit() - move this process into cgroup @name, right below the one that portcredd is attached
 * to; where no daemon answers, below the one that it would be attached to
 *
 * The cgroup is made where it is not there, and stays, for the next. Why it cannot be is said.
 * Returns EXIT_YES, EXIT_NO.
 */
int join_unit(struct program *program, const char *name);

#endif
