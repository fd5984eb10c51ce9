/* SPDX-License-Identifier: MIT */
/*
 * file_list.h - names of a policy's files, for events that name one by its number
 */
#ifndef PORTCRED_PORTCREDD_FILE_LIST_H
#define PORTCRED_PORTCREDD_FILE_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "policy/source.h"

/* struct file_list - owned; file_list_clear() */
struct file_list {
	char **names;
	size_t n_names;
	uint32_t generation; /* of the policy they belong to */
};

/* file_list_fill() - the names of all sources; generation is left 0. Returns 0, -ENOMEM. */
int file_list_fill(struct file_list *ret_files, const struct sources *sources);
void file_list_clear(struct file_list *files);

#endif
