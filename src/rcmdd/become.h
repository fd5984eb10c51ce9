/* SPDX-License-Identifier: MIT */
/*
 * become.h - from root to the user whose session it is, for good
 */
#ifndef PORTCRED_RCMDD_BECOME_H
#define PORTCRED_RCMDD_BECOME_H

#include <stdbool.h>

#include "rcmdd/account.h"

/*
 * become_groups() - the groups of the user database, while still root: modules of PAM add to them
 * Returns 0, -errno.
 */
int become_groups(const struct account *account);

/*
 * become_user() - in a child of the monitor: group and user, real, effective and saved
 * All is read back, the groups of before too, and that there is no way back to root. Signals are as
 * execve(2) would hand them on: none ignored, none blocked.
 *
 * Returns 0, -errno; then exit.
 */
int become_user(const struct account *account);

/*
 * become_home() - the working directory, entered as the user: his home may be his alone
 * Returns 0; -errno: it cannot be entered, and the working directory is the root directory.
 */
int become_home(const struct account *account);

#endif
