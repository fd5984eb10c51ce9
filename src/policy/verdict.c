/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - bpf/decide.h over struct compiled
 *
 * The decision itself is the kernel's, to the line. Only what it reads through differs: arrays for
 * maps, a description for the current task.
 */
#include "policy/verdict.h"

#include <string.h>

/* The two types that decide.h leaves open. */
struct tables {
	const struct compiled *compiled;
};

struct principal {
	const struct subject *subject;
};

static const struct rule_set *tables_set(const struct tables *tables, __u32 set)
{
	return set < tables->compiled->n_sets ? &tables->compiled->sets[set] : NULL;
}

static int user_key_compare(const struct user_key *a, const struct user_key *b)
{
	if (a->set != b->set)
		return a->set < b->set ? -1 : 1;
	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	return 0;
}

/* find_key() - its index in a sorted list, n if it is not there */
static size_t find_key(const struct user_key *keys, size_t n, const struct user_key *key)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = user_key_compare(&keys[middle], key);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return n;
}

static const struct users_shape *tables_users(const struct tables *tables)
{
	return &tables->compiled->shape;
}

static const struct user_bucket *tables_bucket(const struct tables *tables, __u32 index)
{
	return index < tables->compiled->shape.buckets ? &tables->compiled->buckets[index] : NULL;
}

static int tables_member(const struct tables *tables, __u32 gid, __u32 uid)
{
	const struct compiled *compiled = tables->compiled;
	const struct user_key key = { .set = gid, .uid = uid };

	return find_key(compiled->members, compiled->n_members, &key) < compiled->n_members;
}

static const struct clause *tables_clause(const struct tables *tables, __u32 index)
{
	return index < tables->compiled->n_clauses ? &tables->compiled->clauses[index] : NULL;
}

static const struct prefix *tables_prefix(const struct tables *tables, __u32 index)
{
	return index < tables->compiled->n_prefixes ? &tables->compiled->prefixes[index] : NULL;
}

static __u32 principal_uid(const struct principal *principal)
{
	return principal->subject->uid;
}

static int principal_capable(const struct principal *principal)
{
	return principal->subject->capable;
}

static int principal_in_group(const struct principal *principal, __u32 gid)
{
	return subject_in_group(principal->subject, gid);
}

static int principal_runs(const struct tables *tables, const struct principal *principal, __u32 exe)
{
	return exe < tables->compiled->n_exes &&
	       subject_runs(principal->subject, tables->compiled->exes[exe]);
}

static int principal_in_unit(const struct tables *tables, const struct principal *principal,
			     __u32 unit)
{
	return unit < tables->compiled->n_units &&
	       subject_in_unit(principal->subject, &tables->compiled->units[unit]);
}

#include "bpf/decide.h"

bool subject_in_group(const struct subject *subject, uint32_t gid)
{
	if (subject->gid == gid)
		return true;
	for (size_t i = 0; i < subject->n_groups; i++) {
		if (subject->groups[i] == gid)
			return true;
	}
	return false;
}

bool subject_runs(const struct subject *subject, const char *path)
{
	return subject->exe && strcmp(subject->exe, path) == 0;
}

bool subject_in_unit(const struct subject *subject, const struct unit_pattern *pattern)
{
	const char *name = subject->unit;
	size_t length, fixed = (size_t)pattern->prefix + pattern->suffix;

	if (!name || fixed > sizeof(pattern->text))
		return false;
	length = strlen(name);
	if (length < fixed || (!pattern->wildcard && length != fixed))
		return false;
	return memcmp(name, pattern->text, pattern->prefix) == 0 &&
	       memcmp(name + length - pattern->suffix, pattern->text + pattern->prefix,
		      pattern->suffix) == 0;
}

static struct endpoint target_endpoint(const struct target *target)
{
	struct endpoint endpoint = {
		.family = target->family,
		.v6only = target->v6only,
		.protocol = target->protocol,
		.port = target->port,
	};

	memcpy(endpoint.address, target->address, sizeof(endpoint.address));
	return endpoint;
}

bool target_covered(const struct target *target, const struct prefix *prefixes, size_t n)
{
	/* Through the tables that decide.h reads, so that there is one reading of `on`. */
	const struct compiled only_prefixes = {
		.prefixes = (struct prefix *)prefixes,
		.n_prefixes = n,
	};
	const struct tables tables = { .compiled = &only_prefixes };
	const struct clause clause = { .count = (uint32_t)n };
	const struct endpoint endpoint = target_endpoint(target);

	return addresses_cover(&tables, &clause, &endpoint);
}

static struct answer verdict_of(const struct compiled *compiled, const struct subject *subject,
				const struct target *target, bool observed)
{
	const struct tables tables = { .compiled = compiled };
	const struct principal principal = { .subject = subject };
	const struct endpoint endpoint = target_endpoint(target);
	const struct port_entry *entry;
	struct decision decision;

	if (target->protocol >= PROTOCOLS)
		return (struct answer){ .verdict = VERDICT_REFUSED };
	entry = &compiled->ports[target->protocol * PORTS + target->port];
	decide_set(&tables, &principal, &endpoint, observed ? entry->observed : entry->enforced,
		   &decision);
	return (struct answer){ .verdict = decision.verdict, .rule = decision.rule };
}

struct answer verdict_enforced(const struct compiled *compiled, const struct subject *subject,
			       const struct target *target)
{
	return verdict_of(compiled, subject, target, false);
}

struct answer verdict_observed(const struct compiled *compiled, const struct subject *subject,
			       const struct target *target)
{
	return verdict_of(compiled, subject, target, true);
}

static struct remote remote_of(const struct other_end *end)
{
	struct remote remote = {
		.source = { .port = end->port, .protocol = PROTOCOL_TCP, .family = end->family },
		.owner = { .uid = end->owner_uid, .gid = end->owner_gid },
		.host = end->host,
		.uid = end->uid,
		.approved = end->approved,
	};

	memcpy(remote.source.address, end->address, sizeof(end->address));
	return remote;
}

static struct answer answer_of_set(const struct compiled *compiled, uint32_t set,
				   const struct other_end *end)
{
	const struct tables tables = { .compiled = compiled };
	const struct remote remote = remote_of(end);
	struct decision decision;

	decide_remote(&tables, &remote, set, &decision);
	return (struct answer){ .verdict = decision.verdict, .rule = decision.rule };
}

struct answer verdict_accept(const struct compiled *compiled, uint16_t port,
			     const struct other_end *end, bool observed)
{
	static const struct tcp_entry nothing;
	const struct tcp_entry *entry = compiled->tcp ? &compiled->tcp[port] : &nothing;

	return answer_of_set(compiled, observed ? entry->accept_observed : entry->accept, end);
}

struct answer verdict_connect(const struct compiled *compiled, uint16_t port,
			      const struct other_end *end, bool observed)
{
	static const struct tcp_entry nothing;
	const struct tcp_entry *entry = compiled->tcp ? &compiled->tcp[port] : &nothing;

	return answer_of_set(compiled, observed ? entry->connect_observed : entry->connect, end);
}

bool verdict_admitted(const struct compiled *compiled, const struct clause *clause,
		      const struct other_end *end)
{
	const struct tables tables = { .compiled = compiled };
	const struct remote remote = remote_of(end);

	return clause_meets(&tables, &remote, clause);
}

uint32_t verdict_map_uid(const struct compiled *compiled, uint32_t host, uint32_t uid)
{
	const struct compiled_host *is;

	if (host == HOST_LOCAL || uid == UID_NONE)
		return uid;
	if (host < HOST_FIRST || host - HOST_FIRST >= compiled->n_hosts)
		return UID_NONE;
	is = &compiled->hosts[host - HOST_FIRST];
	if (uid == 0)
		return is->root_trusted ? 0 : UID_NONE;
	for (uint32_t i = 0; i < is->ranges; i++) {
		const struct shared_ids *ids = &compiled->shared_ids[is->first_range + i];

		if (uid >= ids->first && uid <= ids->last)
			return uid;
	}
	return UID_NONE;
}

uint32_t verdict_find_host(const struct compiled *compiled, const char *name)
{
	if (strcmp(name, "local") == 0)
		return HOST_LOCAL;
	for (size_t i = 0; i < compiled->n_hosts; i++) {
		if (strcmp(compiled->hosts[i].name, name) == 0)
			return HOST_FIRST + (uint32_t)i;
	}
	return HOST_NONE;
}
