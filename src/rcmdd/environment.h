/* SPDX-License-Identifier: MIT */
/*
 * environment.h - what a session finds in its environment: built from nothing
 *
 * HOME, SHELL, USER, LOGNAME and PATH of the account, TERM of a login; and what modules of PAM have
 * set, the administrator's (pam_env(8)), which may name another PATH but none of the others. Nothing
 * of the network and nothing of the server's own gets in.
 */
#ifndef PORTCRED_RCMDD_ENVIRONMENT_H
#define PORTCRED_RCMDD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "rcmdd/account.h"

/* Of PAM's variables: how many, and bytes of each. */
#define ENVIRONMENT_MAX       128U
#define ENVIRONMENT_BYTES_MAX 4096U

/* struct environment - NULL-terminated, for execve(2); environment_clear() */
struct environment {
	char *items[ENVIRONMENT_MAX + 8U];
	size_t n;
};

/*
 * environment_make() - @terminal: empty or NULL: none; @pam: NULL-terminated, NULL: none
 * Variables of PAM's that have no name of letters, digits and "_", or are too long or too many, are
 * left out. Returns 0, -ENOMEM with nothing to clear.
 */
int environment_make(const struct account *account, const char *terminal, char *const *pam,
		     struct environment *ret_environment);
void environment_clear(struct environment *environment);

#endif
