/* SPDX-License-Identifier: MIT */
/*
 * vouching.h - the hosts of a policy with the keys that this host shares with each of them
 */
#ifndef PORTCRED_PORTCREDD_VOUCHING_H
#define PORTCRED_PORTCREDD_VOUCHING_H

#include "policy/compile.h"
#include "vouch/own_keys.h"

/*
 * vouching_hosts() - entries by number of host, this machine's among them; none where nobody vouches
 * @key_file: of this host; read only where a host is configured; NULL: no host can vouch
 * @local_key: what this machine vouches to itself with
 * @ret_hosts: the caller frees it with vouching_free()
 * @ret_why: on failure a sentence for the administrator (caller frees)
 *
 * Returns 0; -ENOENT without a key file; -EPERM, -EBADMSG for one that is not in order; -errno.
 */
int vouching_hosts(const struct compiled *compiled, const char *key_file,
		   const struct vouch_key *local_key, struct host_entry **ret_hosts, size_t *ret_n,
		   char **ret_why);

/*
 * vouching_public() - our own public keys, which a policy must not give to another host
 * @ret_keys: none where there is no file, and on failure
 * @ret_why: as above
 */
int vouching_public(const char *key_file, struct public_keys *ret_keys, char **ret_why);

/* vouching_free() - the keys are overwritten */
void vouching_free(struct host_entry *hosts, size_t n);

#endif
