/* SPDX-License-Identifier: MIT */
#include "portcred/launch_user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sanitized.h"
#include "base/why.h"
#include "portcred/identity.h"
#include "portcred/launch_capabilities.h"
#include "portcred/text.h"

#define NO_GID       UINT32_MAX
#define USUAL_GROUPS 64

static const cap_value_t bind_service = CAP_NET_BIND_SERVICE;

static void free_capabilities(cap_t *capabilities)
{
	if (*capabilities)
		cap_free(*capabilities);
}

/* Who it is */

/*
 * list_groups() - as initgroups(3) sets them
 * Each call asks all databases, a directory service perhaps: so it is one, unless there are very many.
 */
static int list_groups(const char *name, struct launch_user *user)
{
	int n = USUAL_GROUPS;

	for (int tries = 0; tries < 2; tries++) {
		gid_t *groups = reallocarray(user->groups, (size_t)n + 1, sizeof(*groups));

		if (!groups)
			return -ENOMEM;
		user->groups = groups;
		/* Where there is no room, @n says how many there are. */
		if (getgrouplist(name, user->gid, groups, &n) >= 0) {
			user->n_groups = (size_t)n;
			return 0;
		}
	}
	return -EIO;
}

/* find_login() - name, home, shell and groups of a user that the database has */
static int find_login(const char *name, struct launch_user *user)
{
	const struct passwd *entry = getpwnam(name);

	if (entry) {
		user->home = strdup(entry->pw_dir);
		user->shell = strdup(*entry->pw_shell ? entry->pw_shell : "/bin/sh");
		if (!user->home || !user->shell)
			return -ENOMEM;
	}
	return list_groups(name, user);
}

/* only_group() - of a number that nobody logs in with: its one group */
static int only_group(struct launch_user *user)
{
	user->groups = calloc(1, sizeof(*user->groups));
	if (!user->groups)
		return -ENOMEM;
	user->groups[0] = user->gid;
	user->n_groups = 1;
	return 0;
}

int launch_user_find(const char *text, struct launch_user *ret_user, char **ret_why)
{
	_cleanup_(launch_user_clear) struct launch_user user = { 0 };
	_cleanup_free_ char *copy = strdup(text);
	struct identity_user found = { 0 };
	uint32_t gid = NO_GID;
	char *group;
	int r;

	if (!copy)
		return -ENOMEM;
	group = strchr(copy, ':');
	if (group)
		*group++ = '\0';
	r = identity_find_user(copy, &found, ret_why);
	user.name = found.name;
	if (r == 0 && group)
		r = identity_find_group(group, &gid, ret_why);
	if (r < 0)
		return r;
	user.uid = found.uid;
	user.gid = group ? gid : found.gid;
	if (user.gid == NO_GID)
		return why(ret_why, -ENOENT,
			   "user %u is not in the user database, and so has no group: say "
			   "--user %u:GROUP",
			   user.uid, user.uid);
	r = user.name ? find_login(user.name, &user) : only_group(&user);
	if (r == -EIO)
		return why(ret_why, r, "cannot list the groups of user '%s'", copy);
	if (r < 0)
		return r;
	*ret_user = user;
	user = (struct launch_user){ 0 };
	return 0;
}

void launch_user_clear(struct launch_user *user)
{
	free(user->groups);
	free(user->name);
	free(user->home);
	free(user->shell);
	*user = (struct launch_user){ 0 };
}

/* For a bind(2) */

/* set_effective() - CAP_NET_BIND_SERVICE alone, or none; the permitted set stays */
static int set_effective(bool capable)
{
	_cleanup_(free_capabilities) cap_t wanted = cap_get_proc();

	if (!wanted || cap_clear_flag(wanted, CAP_EFFECTIVE) < 0)
		return -errno;
	if (capable && cap_set_flag(wanted, CAP_EFFECTIVE, 1, &bind_service, CAP_SET) < 0)
		return -errno;
	return cap_set_proc(wanted) < 0 ? -errno : 0;
}

int launch_user_act(const struct launch_user *user, bool capable)
{
	/* Root that acts as root keeps what makes it root: nothing to be narrowed down to. */
	if (setgroups(user->n_groups, user->groups) < 0 || setegid(user->gid) < 0 ||
	    seteuid(user->uid) < 0)
		return -errno;
	if (geteuid() != user->uid || getegid() != user->gid)
		return -EPERM;
	return user->uid == 0 ? 0 : set_effective(capable);
}

int launch_user_act_root(void)
{
	if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(0, NULL) < 0)
		return -errno;
	return geteuid() == 0 && getegid() == 0 ? 0 : -EPERM;
}

/* For good */

static bool has_group(const gid_t *groups, size_t n, gid_t gid)
{
	for (size_t i = 0; i < n; i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

/* same_groups() - the kernel keeps them sorted, and copies as they are */
static bool same_groups(const struct launch_user *user)
{
	_cleanup_free_ gid_t *now = NULL;
	int n = getgroups(0, NULL);

	if (n < 0 || (size_t)n != user->n_groups)
		return false;
	now = calloc((size_t)n + 1, sizeof(*now));
	if (!now || getgroups(n, now) != n)
		return false;
	for (int i = 0; i < n; i++) {
		if (!has_group(user->groups, user->n_groups, now[i]) ||
		    !has_group(now, (size_t)n, user->groups[i]))
			return false;
	}
	return true;
}

static int set_ids(const struct launch_user *user, char **ret_why)
{
	uid_t uid[3];
	gid_t gid[3];

	if (setgroups(user->n_groups, user->groups) < 0)
		return why(ret_why, -errno, "cannot set the groups: %s", strerror(errno));
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return why(ret_why, -errno, "cannot become group %u: %s", user->gid,
			   strerror(errno));
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return why(ret_why, -errno, "cannot become user %u: %s", user->uid,
			   strerror(errno));
	if (getresgid(&gid[0], &gid[1], &gid[2]) < 0 || getresuid(&uid[0], &uid[1], &uid[2]) < 0)
		return -errno;
	for (size_t i = 0; i < ELEMENTS(uid); i++) {
		if (uid[i] != user->uid || gid[i] != user->gid)
			return why(ret_why, -EPERM, "the kernel kept another user or group");
	}
	if (!same_groups(user))
		return why(ret_why, -EPERM, "the kernel kept other groups");
	return 0;
}

int launch_user_become(const struct launch_user *user, uint64_t kept, char **ret_why)
{
	const struct launch_capabilities wanted = {
		.kept = kept,
		.ambient = kept && (user ? user->uid : geteuid()) != 0,
		.bounded = geteuid() == 0,
	};
	int r = launch_capabilities_begin(&wanted, ret_why);

	if (r == 0 && user)
		r = set_ids(user, ret_why);
	if (r == 0)
		r = launch_capabilities_settle(&wanted, ret_why);
	if (r < 0)
		return r;
	/*
	 * Who changed his user cannot be traced by that user before he runs a program: so no program
	 * of --inetd takes the listener away. The search for leaks has to trace it.
	 */
	if (SANITIZED && prctl(PR_SET_DUMPABLE, 1UL, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
