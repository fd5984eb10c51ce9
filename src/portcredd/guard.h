/* SPDX-License-Identifier: MIT */
/*
 * guard.h - nobody cuts off the connection over which he is logged in
 */
#ifndef PORTCRED_PORTCREDD_GUARD_H
#define PORTCRED_PORTCREDD_GUARD_H

#include <sys/types.h>

#include "policy/compile.h"

/*
 * guard_login() - whether under a policy the caller could log in again as he is logged in now: the
 * listener may have its port, and an accept rule lets him in
 * @attached: path of the governed cgroup, as in processes_scan()
 * @ret_port: -EBUSY: the port of the login
 * @ret_why: of other errors, in words; the caller's to free
 *
 * Returns 0, also where he came over no connection, or is not there any more; -EBUSY if he could not;
 * -errno where that cannot be found out, which is no reason to believe that he could.
 */
int guard_login(const struct compiled *compiled, const char *attached, pid_t caller,
		uint16_t *ret_port, char **ret_why);

#endif
