/* SPDX-License-Identifier: MIT */
/*
 * snapshot_names.h - what the names of a policy meant; nothing outside of src/policy includes this
 */
#ifndef PORTCRED_POLICY_SNAPSHOT_NAMES_H
#define PORTCRED_POLICY_SNAPSHOT_NAMES_H

#include "base/cleanup.h"
#include "policy/snapshot.h"

/* struct entry - one name; text is owned */
struct entry {
	char *text;
	uint32_t id;
	uint8_t kind; /* enum name_kind */
	bool resolved;
};

/* struct entry_group - a group and its members: [first, first + n) of the uids */
struct entry_group {
	uint32_t gid;
	uint32_t first;
	uint32_t n;
	bool known;
};

/* struct entry_groups - some groups, by gid; each one's uids ascend */
struct entry_groups {
	struct entry_group *items;
	uint32_t *uids;
	size_t n, allocated, n_uids, uids_allocated;
	bool unknown; /* nothing was listed */
};

/* struct snapshot_names - entries are sorted by (kind, text), each once */
struct snapshot_names {
	struct entry *entries;
	size_t n_entries, n_allocated;
	struct entry_groups members;              /* of groups that callers name */
	struct entry_groups memberships;          /* of all groups, where a caller is the owner's */
	const struct policy_environment *machine; /* borrowed: of snapshot_environment() */
};

DEFINE_CLEANUP(struct snapshot_names *, snapshot_names_free)

int entry_compare(const void *left, const void *right);

/* entry_groups_add() - behind the last one; then its uids. 0, -ENOMEM. */
int entry_groups_add(struct entry_groups *groups, uint32_t gid, bool known);
int entry_groups_add_uid(struct entry_groups *groups, uint32_t uid);

/* snapshot_names_add() - a copy; @length: of its text. 0, -ENOMEM. */
int snapshot_names_add(struct snapshot_names *names, const struct entry *entry, size_t length);

/* snapshot_names_of() - the names of a resolved policy. 0, -ENOMEM. */
int snapshot_names_of(const struct policy *policy, struct snapshot_names **ret_names);

#endif
