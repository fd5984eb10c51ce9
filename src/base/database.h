/* SPDX-License-Identifier: MIT */
/*
 * database.h - the databases of users and groups, as the C library has them (getpwnam(3), nsswitch.conf(5))
 *
 * Whatever answers there may be slow, or somebody's program: ask where that does no harm.
 */
#ifndef PORTCRED_BASE_DATABASE_H
#define PORTCRED_BASE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* database_user(), database_group() - the number of a name; 0, -ENOENT, -ENOMEM, -ERANGE, -errno */
int database_user(const char *name, uint32_t *ret_uid);
int database_group(const char *name, uint32_t *ret_gid);

/* database_user_name() - the first name of a number; the caller frees it. Errors as above. */
int database_user_name(uint32_t uid, char **ret_name);

/* struct database_room - of an entry of any database; all zero to begin with */
struct database_room {
	char *buffer;
	size_t size;
	int error; /* of the last call */
};

/*
 * database_again() - whether getpwnam_r(3) and its like are to be called (again), with this room
 * They are while it is too small, up to a limit, and once at the least. Else room->error says why, ENOMEM
 * and ERANGE for want of room.
 */
bool database_again(struct database_room *room);
void database_room_clear(struct database_room *room);

/* database_error() - what getpwnam_r(3) and its like mean by @error where they found nothing: negative */
int database_error(int error);

#endif
