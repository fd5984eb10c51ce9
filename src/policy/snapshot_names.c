/* SPDX-License-Identifier: MIT */
#include "policy/snapshot_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

static void entry_groups_clear(struct entry_groups *groups)
{
	free(groups->items);
	free(groups->uids);
}

void snapshot_names_free(struct snapshot_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->n_entries; i++)
		free(names->entries[i].text);
	free(names->entries);
	entry_groups_clear(&names->members);
	entry_groups_clear(&names->memberships);
	free(names);
}

int entry_compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->text, b->text);
}

int snapshot_names_add(struct snapshot_names *names, const struct entry *entry, size_t length)
{
	struct entry copy = *entry;

	if (GROW(names->entries, names->n_allocated, names->n_entries) < 0)
		return -ENOMEM;
	copy.text = strndup(entry->text, length);
	if (!copy.text)
		return -ENOMEM;
	names->entries[names->n_entries++] = copy;
	return 0;
}

int entry_groups_add(struct entry_groups *groups, uint32_t gid, bool known)
{
	if (GROW(groups->items, groups->allocated, groups->n) < 0)
		return -ENOMEM;
	groups->items[groups->n++] = (struct entry_group){
		.gid = gid,
		.first = (uint32_t)groups->n_uids,
		.known = known,
	};
	return 0;
}

int entry_groups_add_uid(struct entry_groups *groups, uint32_t uid)
{
	if (GROW(groups->uids, groups->uids_allocated, groups->n_uids) < 0)
		return -ENOMEM;
	groups->uids[groups->n_uids++] = uid;
	groups->items[groups->n - 1].n++;
	return 0;
}

static int add_groups(struct entry_groups *groups, const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_groups; i++) {
		const struct named_group *group = &policy->groups[i];
		int r = entry_groups_add(groups, group->gid, group->known);

		for (uint32_t k = 0; k < group->n && r == 0; k++)
			r = entry_groups_add_uid(groups, policy->members[group->first + k]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_memberships(struct entry_groups *groups, const struct policy *policy)
{
	groups->unknown = policy->owner_groups && !policy->memberships_known;
	for (size_t i = 0; i < policy->n_memberships; i++) {
		const struct user_key *member = &policy->memberships[i];
		int r = 0;

		if (i == 0 || member->set != member[-1].set)
			r = entry_groups_add(groups, member->set, true);
		if (r == 0)
			r = entry_groups_add_uid(groups, member->uid);
		if (r < 0)
			return r;
	}
	return 0;
}

int snapshot_names_of(const struct policy *policy, struct snapshot_names **ret_names)
{
	_cleanup_(snapshot_names_freep) struct snapshot_names *names = NULL;
	int r;

	names = calloc(1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_names; i++) {
		const struct name *name = &policy->names[i];
		const struct entry entry = {
			.text = (char *)name->text,
			.id = name->resolved ? name->id : 0,
			.kind = name->kind,
			.resolved = name->resolved,
		};

		/* Names of hosts are no names of this machine's databases. */
		if (name->kind != NAME_USER && name->kind != NAME_GROUP)
			continue;
		r = snapshot_names_add(names, &entry, strlen(name->text));
		if (r < 0)
			return r;
	}
	if (names->n_entries)
		qsort(names->entries, names->n_entries, sizeof(*names->entries), entry_compare);
	r = add_groups(&names->members, policy);
	if (r == 0)
		r = add_memberships(&names->memberships, policy);
	if (r < 0)
		return r;
	*ret_names = TAKE_PTR(names);
	return 0;
}

static bool same_groups(const struct entry_groups *a, const struct entry_groups *b)
{
	if (a->n != b->n || a->n_uids != b->n_uids || a->unknown != b->unknown)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct entry_group *left = &a->items[i], *right = &b->items[i];

		if (left->gid != right->gid || left->n != right->n || left->known != right->known)
			return false;
	}
	return a->n_uids == 0 || memcmp(a->uids, b->uids, a->n_uids * sizeof(*a->uids)) == 0;
}

int snapshot_same_names(const struct snapshot_names *names, const struct policy *policy)
{
	_cleanup_(snapshot_names_freep) struct snapshot_names *now = NULL;
	int r = snapshot_names_of(policy, &now);

	if (r < 0)
		return r;
	if (now->n_entries != names->n_entries)
		return false;
	for (size_t i = 0; i < now->n_entries; i++) {
		const struct entry *a = &now->entries[i], *b = &names->entries[i];

		if (entry_compare(a, b) != 0 || a->resolved != b->resolved || a->id != b->id)
			return false;
	}
	return same_groups(&now->members, &names->members) &&
	       same_groups(&now->memberships, &names->memberships);
}

static int find_name(const struct snapshot_names *names, enum name_kind kind, const char *name,
		     uint32_t *ret_id)
{
	const struct entry key = { .text = (char *)name, .kind = (uint8_t)kind };
	const struct entry *entry;

	if (names->n_entries == 0)
		return -ENOENT;
	entry = bsearch(&key, names->entries, names->n_entries, sizeof(key), entry_compare);
	if (!entry || !entry->resolved)
		return -ENOENT;
	*ret_id = entry->id;
	return 0;
}

static int find_user(void *data, const char *name, uint32_t *ret_uid)
{
	return find_name(data, NAME_USER, name, ret_uid);
}

static int find_group(void *data, const char *name, uint32_t *ret_gid)
{
	return find_name(data, NAME_GROUP, name, ret_gid);
}

static int compare_gid(const void *key, const void *item)
{
	const uint32_t gid = *(const uint32_t *)key;
	const struct entry_group *group = item;

	return (gid > group->gid) - (gid < group->gid);
}

static int tell_group(const struct entry_groups *groups, const struct entry_group *group,
		      member_function *each, void *closure)
{
	int r = 0;

	for (uint32_t i = 0; i < group->n && r == 0; i++)
		r = each(closure, group->gid, groups->uids[group->first + i]);
	return r;
}

static int find_members(void *data, uint32_t gid, member_function *each, void *closure)
{
	const struct entry_groups *groups = &((const struct snapshot_names *)data)->members;
	const struct entry_group *group = NULL;

	if (groups->n)
		group = bsearch(&gid, groups->items, groups->n, sizeof(*group), compare_gid);
	if (!group || !group->known)
		return -ENODATA;
	return tell_group(groups, group, each, closure);
}

static int list_memberships(void *data, member_function *each, void *closure)
{
	const struct entry_groups *groups = &((const struct snapshot_names *)data)->memberships;
	int r = groups->unknown ? -ENODATA : 0;

	for (size_t i = 0; i < groups->n && r == 0; i++)
		r = tell_group(groups, &groups->items[i], each, closure);
	return r;
}

static int find_service(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
			uint8_t *ret_protocols)
{
	const struct snapshot_names *names = data;

	if (!names->machine)
		return -ENOENT;
	return names->machine->find_service(names->machine->data, name, ret_ports, ret_protocols);
}

static int check_executable(void *data, const char *path, char **ret_culprit)
{
	(void)data;
	(void)path;
	(void)ret_culprit;
	return 0;
}

struct policy_environment snapshot_environment(struct snapshot_names *names,
					       const struct policy_environment *machine)
{
	names->machine = machine;
	return (struct policy_environment){
		.find_user = find_user,
		.find_group = find_group,
		.find_members = find_members,
		.list_memberships = list_memberships,
		.find_service = find_service,
		.check_executable = check_executable,
		.data = names,
	};
}
