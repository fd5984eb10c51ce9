/* SPDX-License-Identifier: MIT */
#include "portcred/identity.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/why.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"
#include "portcred/text.h"

#define FIRST_GROUPS 64
#define MOST_GROUPS  65536 /* NGROUPS_MAX */
#define NO_ID        UINT32_MAX

/* parse_id() - a number as an id; -1 is the kernel's word for "none" and no id */
static int parse_id(const char *text, uint32_t *ret_id)
{
	unsigned long long id;
	char *end;

	if (!*text || text[strspn(text, "0123456789")])
		return -EINVAL;
	id = strtoull(text, &end, 10);
	if (id >= NO_ID)
		return -EINVAL;
	*ret_id = (uint32_t)id;
	return 0;
}

static int unknown(char **ret_why, int error, const char *what, const char *text)
{
	_cleanup_free_ char *shown = text_show(text);

	if (!shown)
		return -ENOMEM;
	/* getpwnam(3) lists what "not found" may look like; the rest is the database's trouble. */
	if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
		return why(ret_why, -ENOENT, "no %s '%s'", what, shown);
	return why(ret_why, -EIO, "cannot look up %s '%s': %s", what, shown, strerror(error));
}

int identity_find_user(const char *text, struct identity_user *ret_user, char **ret_why)
{
	struct identity_user user = { .gid = NO_ID };
	struct passwd *entry;
	int error;

	errno = 0;
	entry = getpwnam(text);
	error = errno;
	if (!entry && parse_id(text, &user.uid) == 0)
		entry = getpwuid(user.uid);
	else if (!entry)
		return unknown(ret_why, error, "user", text);
	if (entry) {
		user.uid = entry->pw_uid;
		user.gid = entry->pw_gid;
		user.name = strdup(entry->pw_name);
		if (!user.name)
			return -ENOMEM;
	}
	*ret_user = user;
	return 0;
}

int identity_find_group(const char *text, uint32_t *ret_gid, char **ret_why)
{
	struct group *entry;

	errno = 0;
	entry = getgrnam(text);
	if (entry) {
		*ret_gid = entry->gr_gid;
		return 0;
	}
	if (parse_id(text, ret_gid) == 0)
		return 0;
	return unknown(ret_why, errno, "group", text);
}

/* login_groups() - those that initgroups(3) would set */
static int login_groups(const struct identity_user *user, struct identity *identity)
{
	int n = FIRST_GROUPS;

	if (!user->name || user->gid == NO_ID)
		return 0;
	for (;;) {
		int room = n;
		uint32_t *groups = reallocarray(identity->groups, (size_t)n, sizeof(*groups));

		if (!groups)
			return -ENOMEM;
		identity->groups = groups;
		if (getgrouplist(user->name, user->gid, groups, &n) >= 0) {
			identity->subject.n_groups = (size_t)n;
			return 0;
		}
		if (n <= room || n > MOST_GROUPS)
			return -E2BIG;
	}
}

static int add_group(const char *text, struct identity *identity, char **ret_why)
{
	size_t n = identity->subject.n_groups;
	uint32_t gid = 0, *groups;
	int r = identity_find_group(text, &gid, ret_why);

	if (r < 0)
		return r;
	groups = reallocarray(identity->groups, n + 1, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	groups[n] = gid;
	identity->groups = groups;
	identity->subject.n_groups = n + 1;
	return 0;
}

static int be_user(const char *text, struct identity *identity, char **ret_why)
{
	struct identity_user user = { 0 };
	int r = identity_find_user(text, &user, ret_why);

	if (r < 0)
		return r;
	identity->user = user.name;
	identity->subject.uid = user.uid;
	identity->subject.gid = user.gid;
	identity->subject.capable = user.uid == 0;
	r = login_groups(&user, identity);
	if (r == -E2BIG)
		return why(ret_why, -EIO, "cannot list the groups of user '%s'", text);
	return r;
}

static int be_caller(const char *attached, struct identity *identity, char **ret_why)
{
	_cleanup_free_ char *root = identity_unit_root(attached);
	_cleanup_close_ int directory = process_open(getpid());
	struct process self = { 0 };
	int r = directory < 0 ? directory : process_read(directory, getpid(), root, &self);

	if (r < 0)
		return why(ret_why, r, "cannot read /proc/self: %s", strerror(-r));
	identity->subject.uid = self.uid;
	identity->subject.gid = self.gid;
	identity->subject.capable = self.capable;
	identity->subject.n_groups = self.n_groups;
	identity->groups = TAKE_PTR(self.groups);
	identity->unit = TAKE_PTR(self.unit);
	process_clear(&self);
	identity->user = identity_user_name(identity->subject.uid);
	return identity->user ? 0 : -ENOMEM;
}

int identity_find(const struct identity_options *options, const char *attached,
		  struct identity *ret_identity, char **ret_why)
{
	_cleanup_(identity_clear) struct identity identity = { 0 };
	int r;

	if (options->user)
		r = be_user(options->user, &identity, ret_why);
	else
		r = be_caller(attached, &identity, ret_why);
	for (size_t i = 0; r == 0 && i < options->groups.n; i++)
		r = add_group(options->groups.items[i], &identity, ret_why);
	if (r < 0)
		return r;
	if (options->unit) {
		free(identity.unit);
		identity.unit = strdup(options->unit);
		if (!identity.unit)
			return -ENOMEM;
	}
	identity.subject.groups = identity.groups;
	identity.subject.unit = identity.unit;
	identity.subject.exe = options->exe;
	*ret_identity = identity;
	identity = (struct identity){ 0 };
	return 0;
}

void identity_clear(struct identity *identity)
{
	free(identity->user);
	free(identity->groups);
	free(identity->unit);
	*identity = (struct identity){ 0 };
}

/* name_or_number() - @name: NULL where there is none */
static char *name_or_number(const char *name, uint32_t id)
{
	char *text;

	if (name)
		return strdup(name);
	return asprintf(&text, "%" PRIu32, id) < 0 ? NULL : text;
}

char *identity_user_name(uint32_t uid)
{
	const struct passwd *entry = getpwuid(uid);

	return name_or_number(entry ? entry->pw_name : NULL, uid);
}

char *identity_group_name(uint32_t gid)
{
	const struct group *entry = getgrgid(gid);

	return name_or_number(entry ? entry->gr_name : NULL, gid);
}

char *identity_unit_root(const char *attached)
{
	_cleanup_free_ char *mounted = NULL;
	char *root = NULL;

	if (!attached && cgroup_mounted(&mounted) < 0)
		return NULL;
	if (cgroup_path(attached ? attached : mounted, &root) < 0)
		return attached ? strdup(attached) : NULL;
	return root;
}
