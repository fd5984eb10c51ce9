/* SPDX-License-Identifier: MIT */
/*
 * compile.h - a checked policy as the tables that the kernel and user space decide from
 */
#ifndef PORTCRED_POLICY_COMPILE_H
#define PORTCRED_POLICY_COMPILE_H

#include "policy/policy.h"

/*
 * struct compiled - one policy's tables, laid out as the kernel's maps take them
 *
 * Element 0 of sets is unused (set 0 is "ungoverned"); the others are numbered as in struct ranges of
 * ranges.h. user_keys/grants are sorted by (set, uid), each key once. A grant with clauses > 0 points
 * at user clauses; rule_set.first/count at the set's general ones. All arrays are owned;
 * compiled_free() releases them.
 */
struct compiled {
	struct port_entry *ports; /* PROTOCOLS * PORTS */
	struct rule_set *sets;
	struct user_key *user_keys;
	struct grant *grants;
	struct clause *clauses;
	struct prefix *prefixes;
	struct unit_pattern *units;
	char **exes; /* paths, index = clause.exe */
	size_t n_sets, n_users, n_clauses, n_prefixes, n_units, n_exes;
	bool all_namespaces;
};

/*
 * policy_compile() - narrowest ranges, one set each, users hashed, the rest in lists
 *
 * Limits (MAX_CLAUSES) are errors in @diagnostics. Returns 0, -EINVAL if there are errors, -ENOMEM.
 */
int policy_compile(const struct policy *policy, struct diagnostics *diagnostics,
		   struct compiled **ret_compiled);

void compiled_free(struct compiled *compiled);

#endif
