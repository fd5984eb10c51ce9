/* SPDX-License-Identifier: MIT */
/*
 * in_force.h - the policy that decides now, as the daemon tells where it is
 */
#ifndef PORTCRED_PORTCRED_IN_FORCE_H
#define PORTCRED_PORTCRED_IN_FORCE_H

#include "portcred/client.h"
#include "portcred/reading.h"

/*
 * in_force_read() - ask for the status, and read the snapshot that it names
 * @reading: all zeros; with tables on success, empty ones where nothing is enforced
 * @ret_status: GetStatus' answer, the caller's to release
 *
 * Where the daemon enforces less than the policy says, that is said on standard error. Returns
 * EXIT_YES; EXIT_NO_DAEMON, EXIT_NO after saying why.
 */
int in_force_read(struct program *program, struct varlink_client *client, struct reading *reading,
		  json_t **ret_status);

/*
 * in_force_cgroup() - the directory of the cgroup that the daemon governs, where there is a daemon
 * in_force_name() - this host's name, as the daemon has it
 *
 * They say nothing. Return the caller's to free, NULL where nobody answers.
 */
char *in_force_cgroup(const struct program *program);
char *in_force_name(const struct program *program);

/*
 * in_force_place() - "policy.d/web.conf:3" of a rule {file, line} in an answer
 * @policy: the daemon's policy file: what lies in its directory is named from there. NULL: whole
 * Returns the caller's to free; NULL where @rule is no rule, or without memory.
 */
char *in_force_place(const json_t *rule, const char *policy);

#endif
