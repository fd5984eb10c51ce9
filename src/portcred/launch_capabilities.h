/* SPDX-License-Identifier: MIT */
/*
 * launch_capabilities.h - what `portcred run` leaves a program of root's privileges: mostly nothing
 *
 *	read the command line ── begin, still with all of them ── change the user ── settle, for good
 *
 * How capabilities come through execve(2) depends on who the program is, by capabilities(7):
 *
 *	root     it has what the bounding set has: that is cut down to what is kept. Ambient and
 *	         inheritable set stay empty, so that whoever root becomes has nothing of it
 *	others   it has what is ambient, and so must be permitted and inheritable as well
 *
 * no_new_privs is set unless CAP_SETUID is kept. Who may become anybody gains nothing by a set-user-ID
 * program, which the bounding set holds for too; but the users whom he becomes, as sshd does, would
 * be without sudo(8), passwd(1) and PAM's helpers.
 */
#ifndef PORTCRED_PORTCRED_LAUNCH_CAPABILITIES_H
#define PORTCRED_PORTCRED_LAUNCH_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/capability.h>

/* A set of capabilities is a word, with a bit each. */
#define CAPABILITY_BIT(capability) (UINT64_C(1) << (capability))

/* struct launch_capabilities - what a process is to have */
struct launch_capabilities {
	uint64_t kept;
	bool ambient; /* they come through execve(2) so: the program is not root */
	bool bounded; /* the bounding set too holds nothing else; takes CAP_SETPCAP */
};

/* launch_capabilities_had() - what this process may leave to another: permitted and not bounded away */
uint64_t launch_capabilities_had(void);

/*
 * launch_capabilities_parse() - "cap_kill,cap_setuid", "all"
 * @had: what can be left; "all" is that
 * @ret_why: what is wrong and what was expected, safe to print, the caller's to free
 *
 * Names are those of capabilities(7), in letters of either case. Returns 0; -EINVAL for a name that
 * does not exist; -EPERM for one that is not in @had; -ENOMEM.
 */
int launch_capabilities_parse(const char *text, uint64_t had, uint64_t *ret_kept, char **ret_why);

/*
 * launch_capabilities_begin() - what takes privileges that are about to go
 * What is kept stays permitted while the user changes. Returns 0, -errno with the step in @ret_why,
 * which is the caller's to free.
 */
int launch_capabilities_begin(const struct launch_capabilities *wanted, char **ret_why);

/*
 * launch_capabilities_settle() - as the user who it is to be: these and no others, for good
 * Everything is read back. Returns 0, -errno as above; -EPERM where the kernel has kept others.
 */
int launch_capabilities_settle(const struct launch_capabilities *wanted, char **ret_why);

#endif
