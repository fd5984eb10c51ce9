/* SPDX-License-Identifier: MIT */
/*
 * launch_user.h - the user that `portcred run` starts a program as
 *
 *	find ── act as, for each bind(2) ── act as root again ── become, for good
 *
 * Every change is read back: a call that did less than was asked for is an error, and then the
 * program must not be started.
 */
#ifndef PORTCRED_PORTCRED_LAUNCH_USER_H
#define PORTCRED_PORTCRED_LAUNCH_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* struct launch_user - what is in it is owned: launch_user_clear() */
struct launch_user {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary ones, as initgroups(3) sets them */
	size_t n_groups;
	char *name; /* in the user database; NULL: not there, nor are the next two */
	char *home;
	char *shell;
};

/*
 * launch_user_find() - USER or USER:GROUP, names or numbers
 * @ret_why: what is wrong, safe to print, the caller's to free
 *
 * GROUP takes the place of the login's; the supplementary groups are those of the login. Returns 0;
 * -ENOENT for a user or group that does not exist, or a number without a GROUP that has no login;
 * -EIO where the databases did not answer; -ENOMEM.
 */
int launch_user_find(const char *text, struct launch_user *ret_user, char **ret_why);

void launch_user_clear(struct launch_user *user);

/*
 * launch_user_act() - be this user in all that bind(2) asks for: effective ids and groups
 * @capable: with CAP_NET_BIND_SERVICE, and no other effective capability; else with none
 *
 * Of root's process; launch_user_act_root() is the way back. Both return 0, -errno.
 */
int launch_user_act(const struct launch_user *user, bool capable);
int launch_user_act_root(void);

/*
 * launch_user_become() - be this user for good, and have no privileges but those that are kept
 * @user: NULL: stay who the process is
 * @kept: a bit each, of launch_capabilities.h; 0 where the caller is not root
 * @ret_why: which step failed, the caller's to free
 *
 * Groups, gid, uid (real, effective and saved); then every set of capabilities, the bounding set where
 * the caller was root. Returns 0, -errno; -EPERM where what is read back is not what was asked for.
 */
int launch_user_become(const struct launch_user *user, uint64_t kept, char **ret_why);

#endif
