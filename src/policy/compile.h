/* SPDX-License-Identifier: MIT */
/*
 * compile.h - a checked policy as the tables that the kernel and user space decide from
 */
#ifndef PORTCRED_POLICY_COMPILE_H
#define PORTCRED_POLICY_COMPILE_H

#include "policy/policy.h"

/*
 * struct compiled_host - what a `host` statement says, as the daemon makes a struct host_entry of it
 * Element i is host number HOST_FIRST + i.
 */
struct compiled_host {
	char name[MAX_HOST_NAME]; /* NUL-padded */
	/* Public keys; the first is the one to stamp for. */
	uint8_t keys[MAX_HOST_KEYS][HOST_KEY_BYTES];
	uint32_t n_keys;
	uint32_t root_trusted;
	uint32_t first_range, ranges; /* of `shared_ids` */
};

/* struct redirect - calls of the ports first..last are led to another one; for people */
struct redirect {
	uint16_t first;
	uint16_t last;
	uint16_t target;
	struct rule rule;
};

/*
 * struct compiled - one policy's tables, laid out as the kernel's maps take them
 *
 * Element 0 of sets is unused (set 0 is "ungoverned"); the others are numbered as in struct ranges of
 * ranges.h. user_keys/grants are sorted by (set, uid), each key once; buckets are the same as a hash,
 * in which alone the kernel and verdict.h look. A grant with clauses > 0 points at user clauses;
 * rule_set.first/count at the set's general ones. All arrays are owned; compiled_free() releases
 * them.
 */
struct compiled {
	struct port_entry *ports; /* PROTOCOLS * PORTS */
	struct rule_set *sets;
	struct user_key *user_keys;
	struct grant *grants;
	struct user_bucket *buckets; /* shape.buckets */
	struct users_shape shape;
	struct clause *clauses;
	struct prefix *prefixes;
	struct unit_pattern *units;
	char **exes; /* paths, index = clause.exe */
	size_t n_sets, n_users, n_clauses, n_prefixes, n_units, n_exes;
	bool all_namespaces;

	/* Connections. What accept and connect sets name lies in user_keys/grants too. */
	struct tcp_entry *tcp; /* PORTS; NULL: no accept, no connect and no redirect statement */
	struct compiled_host *hosts;   /* in the order of policy.hosts */
	struct host_prefix *addresses; /* of hosts, each prefix once */
	uint32_t *address_hosts;       /* the number of the host that has addresses[i] */
	struct shared_ids *shared_ids;
	struct user_key *members; /* set: gid, uid: a member of it; only with group-of-owner */
	size_t n_hosts, n_addresses, n_shared_ids, n_members;
	char *name; /* `set name`; NULL: the host's own */
	enum peercred peercred;
	bool accepts;  /* some port is accept-governed or observed */
	bool connects; /* the same of connect */
	bool vouches;  /* hosts, accepts, connects or `set peercred all` */

	struct redirect *redirects; /* in the order of the sources */
	size_t n_redirects;
};

/*
 * policy_compile() - narrowest ranges, one set each, users hashed, the rest in lists
 *
 * Limits (MAX_CLAUSES) are errors in @diagnostics. Returns 0, -EINVAL if there are errors, -ENOMEM.
 */
int policy_compile(const struct policy *policy, struct diagnostics *diagnostics,
		   struct compiled **ret_compiled);

/*
 * compiled_thin() - give back what only the kernel's tables are made from, or tell of connections
 * verdict_enforced() and verdict_observed() go on as before.
 */
void compiled_thin(struct compiled *compiled);

void compiled_free(struct compiled *compiled);

#endif
