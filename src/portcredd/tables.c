/* SPDX-License-Identifier: MIT */
#include "portcredd/tables.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/slots.h"
#include "portcredd/vouching.h"

#include <errno.h>

static int collect_identities(const struct executables *executables, struct exe_key **ret_keys,
			      size_t *ret_n)
{
	struct exe_key *keys;
	size_t n = 0;

	for (size_t i = 0; i < executables->n_items; i++)
		n += executables->items[i].n_files;
	keys = calloc(n + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < executables->n_items; i++) {
		const struct executable_path *path = &executables->items[i];

		for (size_t j = 0; j < path->n_files; j++)
			keys[n++] = path->files[j].key;
	}
	*ret_keys = keys;
	*ret_n = n;
	return 0;
}

/*
 * find_hosts() - with their keys; where nothing is in force yet, without, rather than no policy at all
 *
 * Then no host vouches, and what only a vouch admits is refused, but who may bind what is decided.
 */
static int find_hosts(struct daemon *daemon, const struct compiled *compiled,
		      struct host_entry **ret_hosts, size_t *ret_n)
{
	const struct control *control = daemon->enforcer->control;
	char *reason = NULL;
	int r;

	r = vouching_hosts(compiled, daemon->options.host_key, &control->local_key, ret_hosts,
			   ret_n, &reason);
	if (reason)
		log_warnx("%s", reason);
	free(daemon->reason);
	daemon->reason = reason;
	daemon->in_force.keyless = r < 0 && !control->enabled;
	if (daemon->in_force.keyless)
		r = vouching_hosts(compiled, NULL, &control->local_key, ret_hosts, ret_n, NULL);
	return r;
}

int tables_put(struct daemon *daemon, const struct compiled *compiled,
	       const struct executables *executables)
{
	const struct settings settings = {
		.all_namespaces = compiled->all_namespaces,
		.observe_all = daemon->options.observe,
		.vouches = compiled->vouches,
		.peercred = compiled->peercred,
		.clock_offset = daemon->options.clock_offset,
	};
	_cleanup_free_ struct exe_key *keys = NULL;
	struct identities identities = { 0 };
	struct host_entry *hosts = NULL;
	struct vouching vouching = { 0 };
	int r;

	r = collect_identities(executables, &keys, &identities.n_keys);
	if (r < 0)
		return r;
	identities.keys = keys;
	r = find_hosts(daemon, compiled, &hosts, &vouching.n_hosts);
	if (r < 0)
		return r;
	vouching.hosts = hosts;
	r = slots_put(daemon->enforcer, compiled, &identities, &vouching, &settings);
	vouching_free(hosts, vouching.n_hosts);
	return r;
}
