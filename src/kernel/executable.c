/* SPDX-License-Identifier: MIT */
#include "kernel/executable.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/mountinfo.h"

/* As the kernel's own MKDEV(): 12 bits of major above 20 of minor. */
#define KERNEL_MINOR_BITS 20

int executable_identity(const char *path, struct exe_key *ret_key, int *ret_fd)
{
	_cleanup_(mount_clear) struct mount mount = { 0 };
	_cleanup_close_ int fd = -EBADF;
	struct stat status;
	uint64_t inode;
	int error;

	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EACCES;
	error = mountinfo_of_fd(fd, &mount, &inode);
	if (error < 0)
		return error;
	*ret_key = (struct exe_key){
		.inode = inode,
		.device = mount.major << KERNEL_MINOR_BITS | mount.minor,
	};
	if (ret_fd)
		*ret_fd = TAKE_FD(fd);
	return 0;
}

static bool same_file(const struct exe_key *a, const struct exe_key *b)
{
	return a->inode == b->inode && a->device == b->device;
}

/* Shortages, as opposed to what is to be said about one path. */
static bool is_shortage(int error)
{
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

/* The newest of old files takes the first place, everything before it moves on. */
static void move_to_front(struct executable_path *item, size_t from)
{
	struct executable_file file = item->files[from];

	memmove(&item->files[1], &item->files[0], from * sizeof(item->files[0]));
	item->files[0] = file;
}

int executables_refresh(struct executables *executables, size_t index,
			struct executable_change *ret_change)
{
	struct executable_path *item = &executables->items[index];
	struct executable_change change = { .held = -EBADF };
	struct executable_file file = { .fd = -EBADF };
	int error = executable_identity(item->path, &file.key, &file.fd);
	size_t known = 0;

	if (is_shortage(error))
		return error;
	item->error = error;
	*ret_change = change;
	if (error < 0)
		return 0;
	file.key.exe = (__u32)index;
	while (known < item->n_files && !same_file(&item->files[known].key, &file.key))
		known++;
	if (known < item->n_files) {
		close(file.fd);
		move_to_front(item, known);
		return 0;
	}
	if (item->n_files == ELEMENTS(item->files)) {
		const struct executable_file *oldest = &item->files[--item->n_files];

		change.dropped = true;
		change.old = oldest->key;
		change.held = oldest->fd;
	}
	item->files[item->n_files] = file;
	move_to_front(item, item->n_files++);
	change.added = true;
	change.new = file.key;
	*ret_change = change;
	return 0;
}

/* What an earlier policy knew of the same path. */
static int inherit(struct executable_path *item, size_t index, const struct executables *previous)
{
	const struct executable_path *from = NULL;

	for (size_t i = 0; previous && !from && i < previous->n_items; i++)
		if (strcmp(previous->items[i].path, item->path) == 0)
			from = &previous->items[i];
	for (size_t i = 0; from && i < from->n_files; i++) {
		struct executable_file file = from->files[i];

		file.fd = fcntl(file.fd, F_DUPFD_CLOEXEC, 3);
		if (file.fd < 0)
			return -errno;
		file.key.exe = (__u32)index;
		item->files[item->n_files++] = file;
	}
	return 0;
}

int executables_new(const char *const *paths, size_t n_paths, const struct executables *previous,
		    struct executables **ret_executables)
{
	_cleanup_(executables_freep) struct executables *executables = NULL;

	if (n_paths > MAX_EXECUTABLES)
		return -E2BIG;
	executables = calloc(1, sizeof(*executables));
	if (!executables)
		return -ENOMEM;
	executables->items = calloc(n_paths + 1, sizeof(*executables->items));
	if (!executables->items)
		return -ENOMEM;
	for (size_t i = 0; i < n_paths; i++) {
		struct executable_path *item = &executables->items[i];
		struct executable_change change = { .held = -EBADF };
		int error;

		item->path = strdup(paths[i]);
		if (!item->path)
			return -ENOMEM;
		executables->n_items++;
		error = inherit(item, i, previous);
		if (error == 0)
			error = executables_refresh(executables, i, &change);
		if (error < 0)
			return error;
		cleanup_close(&change.held); /* the caller learns keys from the result */
	}
	*ret_executables = TAKE_PTR(executables);
	return 0;
}

void executables_free(struct executables *executables)
{
	if (!executables)
		return;
	for (size_t i = 0; i < executables->n_items; i++) {
		struct executable_path *item = &executables->items[i];

		for (size_t file = 0; file < item->n_files; file++)
			close(item->files[file].fd);
		free(item->path);
	}
	free(executables->items);
	free(executables);
}
