/* SPDX-License-Identifier: MIT */
/*
 * user_names.h - users that were looked up: a directory service is slow, and most rows repeat
 */
#ifndef PORTCRED_PORTCRED_USER_NAMES_H
#define PORTCRED_PORTCRED_USER_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct user_name;

/* struct user_names - begins as all zeros; user_names_clear() releases it and every name */
struct user_names {
	struct user_name *items;
	size_t n, n_allocated;
};

/* user_names_text() - what to show: the name, or the number where it has none; NULL: no memory */
const char *user_names_text(struct user_names *names, uint32_t uid);

/* user_names_find() - the name; NULL where it has none, or no memory */
const char *user_names_find(struct user_names *names, uint32_t uid);

void user_names_clear(struct user_names *names);

#endif
