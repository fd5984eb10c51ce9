/* SPDX-License-Identifier: MIT */
#include "portcredd/vouching.h"

#include "base/cleanup.h"
#include "base/why.h"
#include "vouch/keyfile.h"

#include <errno.h>
#include <string.h>

/* read_own_keys() - with a sentence that says what to do */
static int read_own_keys(const char *path, struct own_keys *ret_keys, char **ret_why)
{
	_cleanup_free_ char *culprit = NULL;
	int r = keyfile_read(path, ret_keys, &culprit);

	switch (r) {
	case 0:
		return 0;
	case -ENOENT:
		return why(ret_why, r,
			   "%s: there is no such file, and the policy has hosts: make this host's "
			   "key with 'portcred key generate'",
			   path);
	case -EPERM:
		return why(ret_why, r,
			   "%s: must be root's alone, to read and to change, with every directory "
			   "above it",
			   culprit ? culprit : path);
	case -EBADMSG:
		return why(ret_why, r, "%s: not a key file as 'portcred key generate' writes it",
			   path);
	default:
		return why(ret_why, r, "%s: %s", culprit ? culprit : path, strerror(-r));
	}
}

int vouching_public(const char *key_file, struct public_keys *ret_keys, char **ret_why)
{
	_cleanup_free_ char *culprit = NULL;
	struct public_keys keys = { 0 };
	int r = keyfile_read_public(key_file, &keys, &culprit);

	ret_keys->n = 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return why(ret_why, r,
			   "%s: cannot be read (%s): a host statement with this host's own key "
			   "would not be found",
			   culprit ? culprit : key_file, strerror(-r));
	*ret_keys = keys;
	return 0;
}

/*
 * derive_pairs() - each of our keys with each of theirs, ours that we stamp with first
 * Both ends may be rotating at a time: hence four.
 */
static int derive_pairs(const struct compiled_host *host, const struct own_keys *own,
			struct host_entry *entry)
{
	for (size_t i = 0; i < own->n; i++) {
		for (size_t k = 0; k < host->n_keys; k++) {
			int r = key_pair_derive(&own->items[i], host->keys[k],
						&entry->pair[entry->pairs]);

			if (r < 0)
				return r;
			entry->pairs++;
		}
	}
	return 0;
}

static int make_entry(const struct compiled_host *host, const struct own_keys *own,
		      struct host_entry *entry)
{
	entry->root_trusted = host->root_trusted;
	entry->first_range = host->first_range;
	entry->ranges = host->ranges;
	memcpy(entry->name, host->name, sizeof(entry->name));
	return derive_pairs(host, own, entry);
}

int vouching_hosts(const struct compiled *compiled, const char *key_file,
		   const struct vouch_key *local_key, struct host_entry **ret_hosts, size_t *ret_n,
		   char **ret_why)
{
	size_t n = compiled->vouches ? HOST_FIRST + compiled->n_hosts : 0;
	struct own_keys own = { 0 };
	struct host_entry *hosts;
	int r = 0;

	hosts = calloc(n + 1, sizeof(*hosts));
	if (!hosts)
		return -ENOMEM;
	if (n) {
		hosts[HOST_LOCAL].pairs = 1;
		hosts[HOST_LOCAL].pair[0] = (struct key_pair){ *local_key, *local_key };
		strcpy(hosts[HOST_LOCAL].name, "local");
	}
	if (compiled->n_hosts && key_file)
		r = read_own_keys(key_file, &own, ret_why);
	for (size_t i = 0; i < compiled->n_hosts && r == 0; i++) {
		r = make_entry(&compiled->hosts[i], &own, &hosts[HOST_FIRST + i]);
		if (r < 0)
			why(ret_why, r, "no key can be shared with host %s: %s",
			    compiled->hosts[i].name, strerror(-r));
	}
	own_keys_clear(&own);
	if (r < 0) {
		vouching_free(hosts, n);
		return r;
	}
	*ret_hosts = hosts;
	*ret_n = n;
	return 0;
}

void vouching_free(struct host_entry *hosts, size_t n)
{
	if (hosts)
		explicit_bzero(hosts, n * sizeof(*hosts));
	free(hosts);
}
