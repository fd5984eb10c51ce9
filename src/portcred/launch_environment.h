/* SPDX-License-Identifier: MIT */
/*
 * launch_environment.h - the environment of a program that `portcred run` starts
 */
#ifndef PORTCRED_PORTCRED_LAUNCH_ENVIRONMENT_H
#define PORTCRED_PORTCRED_LAUNCH_ENVIRONMENT_H

#include "portcred/launch_user.h"
#include "portcred/options.h"

/*
 * launch_environment_check() - --env NAME=VALUE, NAME
 * @ret_why: what is wrong, safe to print, the caller's to free. Returns 0, -EINVAL, -ENOMEM.
 */
int launch_environment_check(const struct option_list *variables, char **ret_why);

/*
 * launch_environment_set() - replace the environment of this process
 * @user: NULL: nobody else, and nothing is left out but LISTEN_*
 * @keep: the same with a user
 * @service: what the service manager said is for this program: NOTIFY_SOCKET and the like stay
 * @variables: checked; NAME alone is the caller's value, where there is one
 *
 * Of another user: PATH, what says how to print (launch_environment.c lists them) and HOME, USER,
 * LOGNAME, SHELL, the user's own. Returns 0, -ENOMEM.
 */
int launch_environment_set(const struct launch_user *user, bool keep, bool service,
			   const struct option_list *variables);

#endif
