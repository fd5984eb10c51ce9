/* SPDX-License-Identifier: MIT */
/*
 * identity.h - the process that `explain` is asked about
 */
#ifndef PORTCRED_PORTCRED_IDENTITY_H
#define PORTCRED_PORTCRED_IDENTITY_H

#include "policy/verdict.h"
#include "portcred/options.h"

/* struct identity_options - as they stand on the command line, each may be missing */
struct identity_options {
	const char *user; /* a name or a number; NULL: whoever calls */
	struct option_list groups;
	const char *exe; /* absolute */
	const char *unit;
};

/* struct identity - `subject` points into it; released by identity_clear() */
struct identity {
	struct subject subject;
	char *user; /* its name; NULL where it has none */
	uint32_t *groups;
	char *unit;
};

/*
 * identity_find() - who is meant
 * @attached: directory of the cgroup that units are sought below; NULL: that of the machine
 * @ret_why: what is wrong, safe to print, the caller's to free
 *
 * A named user has the groups that a login would give him; uid 0 has every capability. Without a
 * user it is the caller: his own user, groups, capability and unit. Nobody's executable is guessed.
 *
 * Returns 0; -ENOENT for a user or group that does not exist, -EIO where the databases did not
 * answer, -ENOMEM.
 */
int identity_find(const struct identity_options *options, const char *attached,
		  struct identity *ret_identity, char **ret_why);

void identity_clear(struct identity *identity);

/* struct identity_user - of the user database, or of a number alone */
struct identity_user {
	uint32_t uid;
	uint32_t gid; /* of a login; UINT32_MAX: not known */
	char *name;   /* the caller's to free; NULL: none */
};

/* identity_find_user(), identity_find_group() - by name or number; as identity_find() */
int identity_find_user(const char *text, struct identity_user *ret_user, char **ret_why);
int identity_find_group(const char *text, uint32_t *ret_gid, char **ret_why);

/* identity_user_name(), ..._group_name() - the caller's to free; the number where there is no name */
char *identity_user_name(uint32_t uid);
char *identity_group_name(uint32_t gid);

/*
 * identity_unit_root() - the path that cgroup_unit() wants, the caller's to free; NULL: none
 * @attached: as above; a directory that is not here (another mount namespace) is taken for the path
 */
char *identity_unit_root(const char *attached);

#endif
