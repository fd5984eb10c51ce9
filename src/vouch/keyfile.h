/* SPDX-License-Identifier: MIT */
/*
 * keyfile.h - where a host keeps its key pairs
 *
 * The file holds the text of own_keys.h. It is root's, or the caller's own, who else can only be a
 * test; nobody else may read it, and nobody else may change it or a directory above it. Beside it lies
 * FILE.pub with the public keys, which everyone may read. Readers see the old file or the new one,
 * whole, also after a crash; the secrets come first, so FILE.pub never tells of a key that is lost.
 *
 * All functions return 0 or -errno, and with most errors *ret_culprit, the path that it is about
 * (caller frees; begin with NULL):
 *
 *	-ENOENT   there is no such file, or directory
 *	-EPERM    someone else can change it, or, of the file with the secrets, read it
 *	-EBADMSG  the file's text is not as it is written here
 *	-ELOOP    the file is a symbolic link; of the directories above it, links may be some
 *	-EISDIR, -EINVAL  a directory, another thing that is no regular file
 *	-EBUSY    another process is writing the file
 */
#ifndef PORTCRED_VOUCH_KEYFILE_H
#define PORTCRED_VOUCH_KEYFILE_H

#include "vouch/own_keys.h"

#define DEFAULT_HOST_KEY PORTCRED_SYSCONFDIR "/portcred/host.key"

/* keyfile_read() - the key pairs of this host; own_keys_clear() */
int keyfile_read(const char *path, struct own_keys *ret_keys, char **ret_culprit);

/*
 * keyfile_read_public() - of FILE.pub, for callers who may not read the file
 * @path: of FILE
 */
int keyfile_read_public(const char *path, struct public_keys *ret_keys, char **ret_culprit);

/* keyfile_create() - both files; -EEXIST where there is a file with secrets already */
int keyfile_create(const char *path, const struct own_keys *keys, char **ret_culprit);

/*
 * keyfile_change() - read the file, change what it holds, write both again
 * @change: 0, or -errno to leave the files as they are, which is then returned
 */
int keyfile_change(const char *path, int (*change)(struct own_keys *keys, void *data), void *data,
		   char **ret_culprit);

#endif
