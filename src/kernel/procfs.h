/* SPDX-License-Identifier: MIT */
/*
 * procfs.h - read the small text files and links of /proc
 */
#ifndef PORTCRED_KERNEL_PROCFS_H
#define PORTCRED_KERNEL_PROCFS_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

/*
 * procfs_read() - a file to its end
 * @directory: descriptor that @path is relative to, or AT_FDCWD
 * @limit: more bytes than this are an error, never a silent cut
 * @ret_text: NUL-terminated, the caller frees it; @ret_size: its bytes without that NUL, may be NULL
 *
 * Returns 0; -EFBIG, -ENOMEM, or what open(2) and read(2) said (a process that has gone: -ENOENT or
 * -ESRCH).
 */
int procfs_read(int directory, const char *path, size_t limit, char **ret_text, size_t *ret_size);

/*
 * procfs_link() - where a symbolic link points
 * @ret_target: at most PATH_MAX bytes, the caller frees it
 */
int procfs_link(int directory, const char *path, char **ret_target);

/*
 * procfs_link_inode() - the inode number in a link such as "user:[4026531837]"
 * Links of /proc/PID/ns and of sockets ("socket:[INODE]") are written so; @type is what stands
 * before the colon. Returns 0, -EINVAL where @target is no such link.
 */
int procfs_link_inode(const char *target, const char *type, uint64_t *ret_inode);

/* procfs_list() - open a directory for readdir(3); the caller closes it, or _cleanup_(procfs_closep) */
int procfs_list(int directory, const char *path, DIR **ret_list);

static inline void procfs_closep(DIR **list)
{
	if (*list)
		closedir(*list);
}

#endif
