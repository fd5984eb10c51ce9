/* SPDX-License-Identifier: MIT */
/*
 * keyfile.h - where a host keeps its key pairs
 *
 * The file is text: a line "portcred host key 1", then one base64 secret key a line, one or two of
 * them. We stamp with the first; both are good for what comes in. The file is root's (or the
 * caller's own, where a test is not root), mode 0600, and so must be every directory above it that
 * it cannot be exchanged. Beside it lies FILE.pub, which everyone may read: the same with public keys.
 */
#ifndef PORTCRED_VOUCH_KEYFILE_H
#define PORTCRED_VOUCH_KEYFILE_H

#include <stdbool.h>

#include "vouch/key.h"

#define MAX_OWN_KEYS 2U

#define DEFAULT_HOST_KEY PORTCRED_SYSCONFDIR "/portcred/host.key"

/* struct own_keys - what a key file holds; own_keys_clear() */
struct own_keys {
	struct own_key items[MAX_OWN_KEYS];
	size_t n;
};

void own_keys_clear(struct own_keys *keys);

/*
 * keyfile_read() - the key pairs of this host
 *
 * Returns 0; -ENOENT if there is no file; -EPERM with ret_culprit the path component that someone
 * else can read or change (caller frees); -EBADMSG for anything that keyfile_write() would not have
 * written; -errno.
 */
int keyfile_read(const char *path, struct own_keys *ret_keys, char **ret_culprit);

/*
 * keyfile_read_public() - of FILE.pub; as keyfile_read(), for callers who may not read the file
 * @ret_keys: MAX_OWN_KEYS of them
 */
int keyfile_read_public(const char *path, uint8_t ret_keys[static MAX_OWN_KEYS][KEY_BYTES],
			size_t *ret_n, char **ret_culprit);

/*
 * keyfile_write() - both files, each replaced whole by rename
 * @replace: false: -EEXIST where the file is there already
 */
int keyfile_write(const char *path, const struct own_keys *keys, bool replace, char **ret_culprit);

#endif
