/* SPDX-License-Identifier: MIT */
/*
 * trust.h - whether only root can change what stands at a path
 *
 * The path is walked from the root directory, one component after the other, by descriptors that
 * follow nothing (O_PATH | O_NOFOLLOW); a symbolic link is read and walked in its place. Every
 * directory passed, every link and what stands at the end must belong to root and be writable by
 * nobody else. A sticky directory such as /tmp does not do: anyone may put the first file there.
 *
 * An access control list needs no look of its own: the group bits of the mode are its mask
 * (acl(5)), so an entry grants writing only where they do. What a file system claims about its
 * files is believed: who mounts one, a FUSE one too, is trusted with it.
 */
#ifndef PORTCRED_BASE_TRUST_H
#define PORTCRED_BASE_TRUST_H

#include <sys/types.h>

/* As many links as path_resolution(7) allows. */
#define TRUST_MAX_LINKS 40

/*
 * trust_path() - 0 if only root can change what stands at @path
 * @path: absolute, or relative to the working directory, which is then walked too
 *
 * Returns -EPERM with *ret_culprit the first path that someone else can change; what openat(2) says
 * (-ENOENT, -EACCES, -ENOTDIR, ...) with the path it says it of; -ELOOP, -ENAMETOOLONG, -ENOMEM.
 * The caller frees *ret_culprit.
 */
int trust_path(const char *path, char **ret_culprit);

/* trust_open() - the same, and an O_PATH descriptor of what was found there, no link */
int trust_open(const char *path, int *ret_fd, char **ret_culprit);

/*
 * trust_open_own() - the same for what is the caller's own: all of it may belong to root or to the
 * effective user. For root there is no difference.
 */
int trust_open_own(const char *path, int *ret_fd, char **ret_culprit);

/*
 * trust_open_in() - the same where @root is the root directory and @owner the trusted user
 * @path must be absolute.
 */
int trust_open_in(int root, uid_t owner, const char *path, int *ret_fd, char **ret_culprit);

#endif
