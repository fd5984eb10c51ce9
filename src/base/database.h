/* SPDX-License-Identifier: MIT */
/*
 * database.h - the databases of users and groups, as the C library has them (getpwnam(3), nsswitch.conf(5))
 *
 * Whatever answers there may be slow, or somebody's program: ask where that does no harm.
 */
#ifndef PORTCRED_BASE_DATABASE_H
#define PORTCRED_BASE_DATABASE_H

#include <stddef.h>
#include <stdint.h>

/* database_user(), database_group() - the number of a name; 0, -ENOENT, -ENOMEM, -ERANGE, -errno */
int database_user(const char *name, uint32_t *ret_uid);
int database_group(const char *name, uint32_t *ret_gid);

/* database_user_name() - the first name of a number; the caller frees it. Errors as above. */
int database_user_name(uint32_t uid, char **ret_name);

/*
 * database_larger() - a buffer for getpwnam_r(3) and its like, which begin with NULL and 0 and come
 * back while it is too small. Returns 0, -ENOMEM, -ERANGE if it was the largest already.
 */
int database_larger(char **buffer, size_t *size);

/* database_error() - what getpwnam_r(3) and its like mean by @error where they found nothing: negative */
int database_error(int error);

#endif
