/* SPDX-License-Identifier: MIT */
#include "portcredd/file_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void file_list_clear(struct file_list *files)
{
	for (size_t i = 0; i < files->n_names; i++)
		free(files->names[i]);
	free(files->names);
	*files = (struct file_list){ 0 };
}

int file_list_fill(struct file_list *ret_files, const struct sources *sources)
{
	struct file_list files = { .names = calloc(sources->n_files + 1, sizeof(*files.names)) };

	if (!files.names)
		return -ENOMEM;
	for (; files.n_names < sources->n_files; files.n_names++) {
		files.names[files.n_names] = strdup(sources->files[files.n_names].name);
		if (!files.names[files.n_names]) {
			file_list_clear(&files);
			return -ENOMEM;
		}
	}
	*ret_files = files;
	return 0;
}
