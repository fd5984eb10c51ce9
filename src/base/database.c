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

bool database_again(struct database_room *room)
{
	size_t size = room->size ? room->size * 4 : FIRST_ENTRY;
	char *buffer;

	if (room->size && room->error != ERANGE && room->error != EINTR)
		return false;
	buffer = size <= MAX_ENTRY ? realloc(room->buffer, size) : NULL;
	if (!buffer) {
		room->error = size <= MAX_ENTRY ? ENOMEM : ERANGE;
		return false;
	}
	room->buffer = buffer;
	room->size = size;
	return true;
}

void database_room_clear(struct database_room *room)
{
	free(room->buffer);
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
	_cleanup_(database_room_clear) struct database_room room = { 0 };
	struct passwd entry, *found = NULL;

	while (database_again(&room))
		room.error = getpwnam_r(name, &entry, room.buffer, room.size, &found);
	if (!found)
		return database_error(room.error);
	*ret_uid = found->pw_uid;
	return 0;
}

int database_group(const char *name, uint32_t *ret_gid)
{
	_cleanup_(database_room_clear) struct database_room room = { 0 };
	struct group entry, *found = NULL;

	while (database_again(&room))
		room.error = getgrnam_r(name, &entry, room.buffer, room.size, &found);
	if (!found)
		return database_error(room.error);
	*ret_gid = found->gr_gid;
	return 0;
}

int database_user_name(uint32_t uid, char **ret_name)
{
	_cleanup_(database_room_clear) struct database_room room = { 0 };
	struct passwd entry, *found = NULL;
	char *name;

	while (database_again(&room))
		room.error = getpwuid_r(uid, &entry, room.buffer, room.size, &found);
	if (!found)
		return database_error(room.error);
	name = strdup(found->pw_name);
	if (!name)
		return -ENOMEM;
	*ret_name = name;
	return 0;
}
