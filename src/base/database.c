/* SPDX-License-Identifier: MIT */
#include "base/database.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* An entry of a database, members of a group included, may take so many bytes. */
#define FIRST_ENTRY 4096U
#define MAX_ENTRY   (16U << 20)

int database_larger(char **buffer, size_t *size)
{
	size_t next = *size ? *size * 4 : FIRST_ENTRY;
	char *new;

	if (next > MAX_ENTRY)
		return -ERANGE;
	new = realloc(*buffer, next);
	if (!new)
		return -ENOMEM;
	*buffer = new;
	*size = next;
	return 0;
}

int database_error(int error)
{
	/* Some databases say these where it is only that the name is not there. */
	if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
		return -ENOENT;
	return -error;
}

int database_user(const char *name, uint32_t *ret_uid)
{
	_cleanup_free_ char *buffer = NULL;
	struct passwd entry, *found = NULL;
	size_t size = 0;
	int r, error;

	do {
		r = database_larger(&buffer, &size);
		if (r < 0)
			return r;
		error = getpwnam_r(name, &entry, buffer, size, &found);
	} while (error == ERANGE || error == EINTR);
	if (!found)
		return database_error(error);
	*ret_uid = found->pw_uid;
	return 0;
}

int database_group(const char *name, uint32_t *ret_gid)
{
	_cleanup_free_ char *buffer = NULL;
	struct group entry, *found = NULL;
	size_t size = 0;
	int r, error;

	do {
		r = database_larger(&buffer, &size);
		if (r < 0)
			return r;
		error = getgrnam_r(name, &entry, buffer, size, &found);
	} while (error == ERANGE || error == EINTR);
	if (!found)
		return database_error(error);
	*ret_gid = found->gr_gid;
	return 0;
}

int database_user_name(uint32_t uid, char **ret_name)
{
	_cleanup_free_ char *buffer = NULL;
	struct passwd entry, *found = NULL;
	size_t size = 0;
	char *name;
	int r, error;

	do {
		r = database_larger(&buffer, &size);
		if (r < 0)
			return r;
		error = getpwuid_r(uid, &entry, buffer, size, &found);
	} while (error == ERANGE || error == EINTR);
	if (!found)
		return database_error(error);
	name = strdup(found->pw_name);
	if (!name)
		return -ENOMEM;
	*ret_name = name;
	return 0;
}
