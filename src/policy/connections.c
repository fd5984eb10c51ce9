/* SPDX-License-Identifier: MIT */
/*
 * connections.c - accept, connect and host as tables
 *
 *	compile_hosts()   what each `host` says, and whose an address is
 *	compile_caller()  one caller: users and hosts into a list of names, the rest into clauses
 *	add_named()       that list, sorted, behind the users of bind
 *	paint()           the ports that a set decides
 *
 * Users, members of groups and hosts need one entry of the hash each, however many statements there
 * are. The others - the owner, his group, plain addresses - are a short list that is tried in turn.
 */
#include "policy/connections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/paint.h"
#include "policy/sort.h"

#define MAPPED_BITS 96U /* IPv4's addresses in an IPv6 one (RFC 4291, 2.5.5.2) */

/* Users, members of groups and hosts that the rules of connections name, each once a range. */
#define MAX_NAMED (1U << 22)

/* struct named - one key of the hash and the statement behind it */
struct named {
	uint32_t set; /* CALLER_SET() */
	uint32_t uid;
	struct rule rule;
};

/* struct connections - what connections_compile() needs on its way */
struct connections {
	const struct policy *policy;
	const struct ranges *ranges;
	struct diagnostics *diagnostics;
	struct compiled *out;
	uint32_t *host_numbers; /* by index of the name, HOST_NONE: not a host's */
	struct named *named;
	size_t n_named, named_allocated, clauses_allocated;
	bool too_many; /* names: said once */
	struct paint paint;
};

static void connections_done(struct connections *connections)
{
	free(connections->host_numbers);
	free(connections->named);
	free(connections);
}

static inline void connections_donep(struct connections **connections)
{
	if (*connections)
		connections_done(*connections);
}

static struct rule statement_rule(const struct statement *statement)
{
	return (struct rule){ .line = statement->line, .file = statement->file };
}

static struct location statement_place(const struct statement *statement)
{
	return (struct location){ .line = statement->line, .column = 1, .file = statement->file };
}

/* ---- Hosts. */

static void compile_host(const struct policy *policy, const struct host *host,
			 struct compiled_host *ret_host)
{
	const char *name = policy->names[host->name].text;

	*ret_host = (struct compiled_host){
		.n_keys = host->n_keys,
		.root_trusted = host->root_trusted,
		.first_range = host->first_id_range,
		.ranges = host->id_ranges,
	};
	memcpy(ret_host->name, name, strnlen(name, MAX_HOST_NAME - 1));
	for (uint32_t i = 0; i < host->n_keys; i++)
		memcpy(ret_host->keys[i], host->keys[i].bytes, HOST_KEY_BYTES);
}

/* struct address - one prefix and whose it is, while they are sorted */
struct address {
	struct host_prefix prefix;
	uint32_t host;
};

static int compare_addresses(const void *left, const void *right)
{
	const struct address *a = left, *b = right;

	return memcmp(&a->prefix, &b->prefix, sizeof(a->prefix));
}

/* compile_addresses() - those of all hosts, each prefix once */
static int compile_addresses(const struct policy *policy, struct compiled *out)
{
	_cleanup_free_ struct address *addresses = NULL;
	size_t n = 0, allocated = 0;

	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		if (statement->kind != STATEMENT_HOST)
			continue;
		for (size_t k = 0; k < statement->prefixes; k++, n++) {
			const struct prefix *prefix =
				&policy->prefixes[statement->first_prefix + k];

			if (GROW(addresses, allocated, n) < 0)
				return -ENOMEM;
			addresses[n].host = HOST_FIRST + statement->host;
			addresses[n].prefix.length =
				prefix->length + (prefix->family == 4 ? MAPPED_BITS : 0);
			memcpy(addresses[n].prefix.address, prefix->address,
			       sizeof(prefix->address));
		}
	}
	if (n)
		qsort(addresses, n, sizeof(*addresses), compare_addresses);
	out->addresses = calloc(n + 1, sizeof(*out->addresses));
	out->address_hosts = calloc(n + 1, sizeof(*out->address_hosts));
	if (!out->addresses || !out->address_hosts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		/* A host may name one of its addresses twice; two hosts cannot (check_hosts.c). */
		if (i > 0 && compare_addresses(&addresses[i - 1], &addresses[i]) == 0)
			continue;
		out->addresses[out->n_addresses] = addresses[i].prefix;
		out->address_hosts[out->n_addresses++] = addresses[i].host;
	}
	return 0;
}

static int compile_hosts(struct connections *connections)
{
	const struct policy *policy = connections->policy;
	struct compiled *out = connections->out;

	out->hosts = calloc(policy->n_hosts + 1, sizeof(*out->hosts));
	out->shared_ids = calloc(policy->n_id_ranges + 1, sizeof(*out->shared_ids));
	connections->host_numbers = calloc(policy->n_names + 1, sizeof(*connections->host_numbers));
	if (!out->hosts || !out->shared_ids || !connections->host_numbers)
		return -ENOMEM;
	for (; out->n_hosts < policy->n_hosts; out->n_hosts++) {
		const struct host *host = &policy->hosts[out->n_hosts];

		compile_host(policy, host, &out->hosts[out->n_hosts]);
		connections->host_numbers[host->name] = HOST_FIRST + (uint32_t)out->n_hosts;
	}
	for (; out->n_shared_ids < policy->n_id_ranges; out->n_shared_ids++)
		out->shared_ids[out->n_shared_ids] = (struct shared_ids){
			.first = policy->id_ranges[out->n_shared_ids].first,
			.last = policy->id_ranges[out->n_shared_ids].last,
		};
	return compile_addresses(policy, out);
}

/* ---- Callers. */

/* struct caller_set - the set at hand */
struct caller_set {
	const struct range_set *range;
	struct rule_set *rules;
	uint32_t index;
};

static void too_many_clauses(struct connections *connections, const struct caller_set *set,
			     const struct statement *statement)
{
	diagnostics_add(connections->diagnostics, SEVERITY_ERROR, statement_place(statement), 1,
			"too many callers for ports %u-%u: beside users, groups and hosts at most "
			"%u can be tried for one connection",
			set->range->first, set->range->last, MAX_CLAUSES);
}

static int add_name(struct connections *connections, uint32_t key_set, uint32_t uid,
		    const struct statement *statement)
{
	if (connections->n_named == MAX_NAMED) {
		if (!connections->too_many)
			diagnostics_add(
				connections->diagnostics, SEVERITY_ERROR,
				statement_place(statement), 1,
				"more than %u callers in all accept and connect rules, each "
				"member of a group and each range counted",
				MAX_NAMED);
		connections->too_many = true;
		return 0;
	}
	if (GROW(connections->named, connections->named_allocated, connections->n_named) < 0)
		return -ENOMEM;
	connections->named[connections->n_named++] = (struct named){
		.set = key_set,
		.uid = uid,
		.rule = statement_rule(statement),
	};
	return 0;
}

/* host_of() - whose vouch a caller asks for; HOST_NONE: a host that there is not */
static uint32_t host_of(const struct connections *connections, const struct caller *caller)
{
	switch (caller->host_kind) {
	case CALLER_HOST_LOCAL:
		return HOST_LOCAL;
	case CALLER_HOST_EVERY:
		return HOST_EVERY;
	default:
		return connections->host_numbers[caller->host];
	}
}

static int compile_group(struct connections *connections, uint32_t key_set,
			 const struct statement *statement, const struct caller *caller)
{
	const struct policy *policy = connections->policy;
	const struct named_group *group = policy_group(policy, caller->id);
	int r = 0;

	for (uint32_t i = 0; group && i < group->n && r == 0; i++)
		r = add_name(connections, key_set, policy->members[group->first + i], statement);
	return r;
}

/* compile_named() - user U@H, group G@H, anyone@H, approved@H */
static int compile_named(struct connections *connections, const struct caller_set *set,
			 const struct statement *statement, const struct caller *caller)
{
	uint32_t host = host_of(connections, caller);
	uint32_t key_set = CALLER_SET(set->index, host);
	bool every = host == HOST_EVERY;

	if (host == HOST_NONE || (caller->flags & (CALLER_NEVER | CALLER_NAMED)))
		return 0;
	switch (caller->kind) {
	case CALLER_USER:
		set->rules->flags |= every ? SET_USERS_EVERY : SET_USERS;
		return add_name(connections, key_set, caller->id, statement);
	case CALLER_GROUP:
		set->rules->flags |= every ? SET_USERS_EVERY : SET_USERS;
		return compile_group(connections, key_set, statement, caller);
	case CALLER_ANYONE:
		set->rules->flags |= every ? SET_HOSTS_EVERY : SET_HOSTS;
		return add_name(connections, key_set, UID_NONE, statement);
	default:
		set->rules->flags |= SET_APPROVED;
		return add_name(connections, key_set, UID_APPROVED, statement);
	}
}

static uint32_t condition_of(const struct caller *caller)
{
	switch (caller->kind) {
	case CALLER_OWNER:
		return CONDITION_OWNER;
	case CALLER_OWNER_GROUP:
		return CONDITION_OWNER_GROUP;
	case CALLER_ADDRESS:
		return CONDITION_ADDRESS;
	default:
		return CONDITION_RESERVED;
	}
}

/*
 * joins() - whether a clause of the set says it already, or can say it too: addresses of one
 * statement share a clause; @n is not 0
 */
static bool joins(struct clause *clauses, size_t n, const struct statement *statement,
		  const struct caller *caller)
{
	uint32_t condition = condition_of(caller);
	struct clause *last = &clauses[n - 1];

	if (condition == CONDITION_OWNER || condition == CONDITION_OWNER_GROUP) {
		for (size_t i = 0; i < n; i++) {
			if (clauses[i].conditions == condition)
				return true;
		}
		return false;
	}
	if (last->conditions != condition || last->rule.line != statement->line ||
	    last->rule.file != statement->file || last->count == MAX_PREFIXES ||
	    last->first + last->count != caller->prefix)
		return false;
	last->count++;
	return true;
}

/* compile_clause() - owner, group-of-owner, address, reserved */
static int compile_clause(struct connections *connections, const struct caller_set *set,
			  const struct statement *statement, const struct caller *caller)
{
	struct compiled *out = connections->out;
	struct rule_set *rules = set->rules;
	bool addresses = caller->kind == CALLER_ADDRESS || caller->kind == CALLER_RESERVED;

	if (rules->count > MAX_CLAUSES)
		return 0; /* said already */
	if (rules->count && joins(&out->clauses[rules->first], rules->count, statement, caller))
		return 0;
	if (rules->count == MAX_CLAUSES) {
		too_many_clauses(connections, set, statement);
		rules->count++;
		return 0;
	}
	if (GROW(out->clauses, connections->clauses_allocated, out->n_clauses) < 0)
		return -ENOMEM;
	out->clauses[out->n_clauses++] = (struct clause){
		.rule = statement_rule(statement),
		.conditions = condition_of(caller),
		.first = addresses ? caller->prefix : 0,
		.count = addresses,
	};
	rules->count++;
	return 0;
}

static int compile_set(struct connections *connections, uint32_t index)
{
	const struct ranges *ranges = connections->ranges;
	const struct caller_set set = {
		.range = &ranges->sets[index],
		.rules = &connections->out->sets[index],
		.index = index,
	};

	set.rules->first = (uint32_t)connections->out->n_clauses;
	for (size_t i = 0; i < set.range->n_refs; i++) {
		const struct statement *statement = range_set_statement(ranges, set.range, i);
		const struct caller *callers;

		if (!statement)
			continue;
		if (set.rules->rule.line == 0)
			set.rules->rule = statement_rule(statement);
		callers = &connections->policy->callers[statement->first_caller];
		for (size_t k = 0; k < statement->callers; k++) {
			int r = callers[k].kind <= CALLER_APPROVED
					? compile_named(connections, &set, statement, &callers[k])
					: compile_clause(connections, &set, statement, &callers[k]);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- All together. */

/*
 * add_named() - the names behind the keys of bind, each once: of equal ones the first statement's
 *
 * Any set of bind is below MAX_SETS here and so below every CALLER_SET(): all keys ascend. Sorted
 * twice, by uid and then by set, keeping the order of what is equal.
 */
static int add_named(struct connections *connections)
{
	const struct named *named = connections->named;
	struct compiled *out = connections->out;
	size_t n = connections->n_named, total = out->n_users + n;
	_cleanup_free_ uint64_t *order = calloc(n + 1, sizeof(*order));
	_cleanup_free_ uint64_t *scratch = calloc(n + 1, sizeof(*scratch));
	struct user_key *keys;
	struct grant *grants;

	if (!order || !scratch)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = (uint64_t)named[i].uid << 32 | i;
	sort_upper(order, scratch, n, 32);
	for (size_t i = 0; i < n; i++)
		order[i] = (uint64_t)named[(uint32_t)order[i]].set << 32 | (uint32_t)order[i];
	sort_upper(order, scratch, n, 32);

	keys = reallocarray(out->user_keys, total + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	out->user_keys = keys;
	grants = reallocarray(out->grants, total + 1, sizeof(*grants));
	if (!grants)
		return -ENOMEM;
	out->grants = grants;
	for (size_t i = 0; i < n; i++) {
		const struct named *is = &named[(uint32_t)order[i]];
		const struct user_key key = { .set = is->set, .uid = is->uid };

		if (out->n_users && keys[out->n_users - 1].set == key.set &&
		    keys[out->n_users - 1].uid == key.uid)
			continue;
		keys[out->n_users] = key;
		grants[out->n_users++] = (struct grant){
			.at = is->rule.line,
			.file = is->rule.file,
		};
	}
	return 0;
}

/* decider() - the word of a port's entry that says which set of this layer decides */
static uint32_t *decider(struct tcp_entry *entry, const struct range_set *range)
{
	if (range->kind == STATEMENT_ACCEPT)
		return range->observed ? &entry->accept_observed : &entry->accept;
	return range->observed ? &entry->connect_observed : &entry->connect;
}

static void paint(struct connections *connections, uint32_t index)
{
	const struct range_set *range = &connections->ranges->sets[index];
	uint32_t port;

	while ((port = paint_free(&connections->paint, range->first)) <= range->last) {
		*decider(&connections->out->tcp[port], range) = index;
		paint_take(&connections->paint, port);
	}
}

/* too_many_sets() - a key of the hash has no room for more; true: an error was said */
static bool too_many_sets(struct connections *connections)
{
	const struct ranges *ranges = connections->ranges;
	const struct statement *statement = NULL;

	if (ranges->n_sets <= MAX_SETS)
		return false;
	for (size_t i = 0; !statement; i++)
		statement = range_set_statement(ranges, &ranges->sets[ranges->n_sets - 1], i);
	diagnostics_add(
		connections->diagnostics, SEVERITY_ERROR, statement_place(statement), 1,
		"more than %u ranges of ports in a policy that has accept or connect rules, "
		"those of bind counted",
		MAX_SETS - 1);
	return true;
}

static int compile_sets(struct connections *connections)
{
	const struct ranges *ranges = connections->ranges;
	struct compiled *out = connections->out;
	uint32_t first = 1;
	int r;

	while (first < ranges->n_sets && ranges->sets[first].kind == STATEMENT_BIND)
		first++;
	if (first == ranges->n_sets || too_many_sets(connections))
		return 0;
	out->tcp = calloc(PORTS, sizeof(*out->tcp));
	if (!out->tcp)
		return -ENOMEM;
	connections->clauses_allocated = out->n_clauses;
	for (uint32_t index = first; index < ranges->n_sets; index++) {
		const struct range_set *range = &ranges->sets[index];

		if (index == first || range_set_layer(range) != range_set_layer(range - 1))
			paint_begin(&connections->paint);
		out->accepts |= range->kind == STATEMENT_ACCEPT;
		out->connects |= range->kind == STATEMENT_CONNECT;
		r = compile_set(connections, index);
		if (r < 0)
			return r;
		paint(connections, index);
	}
	return add_named(connections);
}

static int copy_options(const struct policy *policy, struct compiled *out)
{
	if (policy->name) {
		out->name = strdup(policy->name);
		if (!out->name)
			return -ENOMEM;
	}
	out->peercred = policy->peercred;
	out->members = calloc(policy->n_memberships + 1, sizeof(*out->members));
	if (!out->members)
		return -ENOMEM;
	if (policy->n_memberships)
		memcpy(out->members, policy->memberships,
		       policy->n_memberships * sizeof(*out->members));
	out->n_members = policy->n_memberships;
	return 0;
}

int connections_compile(const struct ranges *ranges, struct diagnostics *diagnostics,
			struct compiled *out)
{
	_cleanup_(connections_donep) struct connections *connections =
		calloc(1, sizeof(*connections));
	int r;

	if (!connections)
		return -ENOMEM;
	connections->policy = ranges->policy;
	connections->ranges = ranges;
	connections->diagnostics = diagnostics;
	connections->out = out;
	r = compile_hosts(connections);
	if (r == 0)
		r = copy_options(ranges->policy, out);
	if (r == 0)
		r = compile_sets(connections);
	out->vouches =
		out->n_hosts > 0 || out->accepts || out->connects || out->peercred == PEERCRED_ALL;
	return r;
}

void connections_free(struct compiled *compiled)
{
	free(compiled->tcp);
	free(compiled->hosts);
	free(compiled->addresses);
	free(compiled->address_hosts);
	free(compiled->shared_ids);
	free(compiled->members);
	free(compiled->name);
}
