/* SPDX-License-Identifier: MIT */
/*
 * executable.h - the file behind a policy's `exe PATH`, as the kernel half recognises it
 *
 * A file's identity is the super block's device and the inode number as the kernel holds them. What
 * stat(2) says differs from that on btrfs subvolumes and overlayfs (another st_dev), and can on a
 * network file system (another st_ino).
 *
 * An identity is only good while its inode number cannot be given to another file. So a descriptor
 * is held on each, also on files that a package upgrade has replaced: what was started from them
 * runs on.
 */
#ifndef PORTCRED_KERNEL_EXECUTABLE_H
#define PORTCRED_KERNEL_EXECUTABLE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "bpf/abi.h"

#define MAX_EXECUTABLES     1024U /* paths of one policy: each takes up to nine descriptors */
#define MAX_OLD_EXECUTABLES 8U    /* replaced files remembered of one path */

/*
 * executable_identity() - the file that stands at a path now, symbolic links followed
 * @ret_key: its member exe is left 0
 * @ret_fd: an O_PATH descriptor that holds the identity, for the caller to close; may be NULL
 *
 * Returns 0; -EISDIR; -EACCES where it is no regular file; -ENODEV where its mount is not in this
 * mount namespace; what open(2) says.
 */
int executable_identity(const char *path, struct exe_key *ret_key, int *ret_fd);

/* struct executable_file - a file that stands at a path, or stood there */
struct executable_file {
	struct exe_key key; /* exe: index of the path */
	int fd;             /* O_PATH */
};

/* struct executable_path - newest file first */
struct executable_path {
	char *path;
	int error; /* 0, or why there is no file at the path now: -ENOENT and so on */
	struct executable_file files[1 + MAX_OLD_EXECUTABLES];
	size_t n_files; /* may be 0: nothing was ever found there */
};

/* struct executables - the paths of one policy, all owned: executables_free() */
struct executables {
	struct executable_path *items;
	size_t n_items;
};

/* struct executable_change - what executables_refresh() found */
struct executable_change {
	bool added; /* the kernel half has to learn `new` */
	struct exe_key new;
	bool dropped; /* and has to forget `old` */
	struct exe_key old;
	int held; /* keeps the inode number of `old` taken: to be closed when it has been forgotten */
};

/*
 * executables_new() - find the files at all paths
 * @previous: of the policy before: its files, old and new, are taken over for equal paths
 * (descriptors duplicated: both live on); NULL: none
 *
 * A path with no file is no error. Returns 0; -E2BIG above MAX_EXECUTABLES; -ENOMEM, -EMFILE.
 */
int executables_new(const char *const *paths, size_t n_paths, const struct executables *previous,
		    struct executables **ret_executables);

/*
 * executables_refresh() - look again at one path
 *
 * Returns 0, and nothing added or dropped where nothing changed; a file that is gone stays known.
 * -ENOMEM, -EMFILE.
 */
int executables_refresh(struct executables *executables, size_t index,
			struct executable_change *ret_change);

void executables_free(struct executables *executables);
DEFINE_CLEANUP(struct executables *, executables_free)

#endif
