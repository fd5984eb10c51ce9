/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the machine as a policy asks it
 *
 * Names come from NSS, which may load modules and wait for a network: the daemon calls this in a
 * child of its own, never in itself.
 */
#ifndef PORTCRED_POLICY_MACHINE_H
#define PORTCRED_POLICY_MACHINE_H

#include "policy/policy.h"

/*
 * machine_environment() - users, groups, services, executables and ephemeral ports of this machine
 *
 * It owns nothing and may be copied. The ephemeral range is read once, here, in the network
 * namespace of the caller; where it cannot be read it stays unknown and is not checked.
 */
struct policy_environment machine_environment(void);

/* machine_databases() - the same without the ephemeral ports, which are read from a file */
struct policy_environment machine_databases(void);

/* machine_find_user() and the others - policy_environment's; @data is not used */
int machine_find_user(void *data, const char *name, uint32_t *ret_uid);
int machine_find_members(void *data, uint32_t gid, member_function *each, void *closure);
int machine_list_memberships(void *data, member_function *each, void *closure);

/* machine_check_executable() - policy_environment.check_executable; @data is not used */
int machine_check_executable(void *data, const char *path, char **ret_culprit);

#endif
