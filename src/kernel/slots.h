/* SPDX-License-Identifier: MIT */
/*
 * slots.h - put a compiled policy in force: fill the idle slot, then one write
 */
#ifndef PORTCRED_KERNEL_SLOTS_H
#define PORTCRED_KERNEL_SLOTS_H

#include "kernel/enforcer.h"
#include "policy/compile.h"

/* struct identities - which files stand for the executables of a policy */
struct identities {
	struct exe_key *keys;
	size_t n_keys;
};

/* struct vouching - the hosts of a policy with their keys, by number (HOST_*); the caller's */
struct vouching {
	const struct host_entry *hosts;
	size_t n_hosts; /* 0: nobody vouches, this machine neither */
};

/* Room for executables that are replaced while the policy is in force: files an executable. */
#define SLOTS_EXE_ROOM 16

/*
 * slots_put() - fill the slot that is not in force, make it the one, empty the other
 * @settings: generation is filled in here (the last one plus 1), namespace and cgroup too
 *
 * Until the single write of control.active everything is as it was; after it every new decision is
 * the new policy's. Returns 0, -errno with the policy before still in force.
 */
int slots_put(struct enforcer *enforcer, const struct compiled *compiled,
	      const struct identities *identities, const struct vouching *vouching,
	      const struct settings *settings);

/*
 * slots_add_exe(), slots_remove_exe() - follow an executable in the slot in force
 * -EBADF before the first slots_put() of this process.
 */
int slots_add_exe(const struct enforcer *enforcer, const struct exe_key *key);
int slots_remove_exe(const struct enforcer *enforcer, const struct exe_key *key);

/*
 * slots_governing() - whether the policy in force governs a port, and the first statement that does
 * Returns 1 with the rule, 0 ungoverned, -EBADF before the first slots_put() of this process.
 */
int slots_governing(const struct enforcer *enforcer, enum protocol protocol, uint16_t port,
		    struct rule *ret_rule);

/* slots_settings() - of the policy in force, NULL if there is none */
const struct settings *slots_settings(const struct enforcer *enforcer);

#endif
