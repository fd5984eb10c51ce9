/* SPDX-License-Identifier: MIT */
/*
 * compile.c - from statements to tables
 *
 *	ranges_new()        the sets: which statements decide together (ranges.h)
 *	compile_set()       one rule set, its general clauses, its users
 *	compile_users()     the users of a set: one entry of the hash for each uid
 *	paint_set()         the ports that the set decides
 *	connections.c       the sets of accept and connect, and the hosts
 *	redirects.c         which ports are led to which
 *
 * Sets come narrowest first, so a port belongs to the first set that paints it.
 *
 * A uid that some alternative admits without further conditions needs one entry and nothing else.
 * Where all of its alternatives ask for more, they become a list of clauses behind its entry. What
 * does not begin with a user goes into the general list, which is tried for everyone: that is why
 * both lists have a limit.
 */
#include "policy/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/connections.h"
#include "policy/paint.h"
#include "policy/redirects.h"
#include "policy/sort.h"
#include "policy/users.h"

#define CONDITIONS (CONDITION_USER | CONDITION_GROUP | CONDITION_EXE | CONDITION_UNIT)

/* struct place - the alternative from which a user came */
struct place {
	uint32_t statement;
	uint32_t alternative;
};

/* struct compiler - what policy_compile() needs on its way */
struct compiler {
	const struct policy *policy;
	struct diagnostics *diagnostics;
	struct ranges *ranges;
	struct compiled *out;
	size_t keys_allocated, grants_allocated, clauses_allocated;

	/* Users of the set at hand: uid << 32 | index into places, in the order of the sources. */
	uint64_t *users, *scratch;
	struct place *places;
	size_t n_users, users_allocated, places_allocated, scratch_allocated;

	struct paint paint[PROTOCOLS];
};

static void compiler_free(struct compiler *compiler)
{
	ranges_free(compiler->ranges);
	compiled_free(compiler->out);
	free(compiler->users);
	free(compiler->scratch);
	free(compiler->places);
	free(compiler);
}

DEFINE_CLEANUP(struct compiler *, compiler_free)

static struct compiler *compiler_new(const struct policy *policy, struct diagnostics *diagnostics)
{
	struct compiler *compiler = calloc(1, sizeof(*compiler));
	struct compiled *out = calloc(1, sizeof(*out));

	if (!compiler || !out) {
		free(compiler);
		free(out);
		return NULL;
	}
	compiler->policy = policy;
	compiler->diagnostics = diagnostics;
	compiler->out = out;
	return compiler;
}

static struct rule statement_rule(const struct statement *statement)
{
	return (struct rule){ .line = statement->line, .file = statement->file };
}

static void too_many_clauses(struct compiler *compiler, const struct statement *statement,
			     const struct range_set *set, const char *what)
{
	struct location where = { .line = statement->line, .column = 1, .file = statement->file };

	diagnostics_add(compiler->diagnostics, SEVERITY_ERROR, where, 1,
			"too many principals for ports %u-%u: %s, and at most %u can be tried for "
			"one bind",
			set->first, set->last, what, MAX_CLAUSES);
}

static int add_clause(struct compiler *compiler, const struct statement *statement,
		      const struct alternative *alternative)
{
	struct compiled *out = compiler->out;

	if (GROW(out->clauses, compiler->clauses_allocated, out->n_clauses) < 0)
		return -ENOMEM;
	out->clauses[out->n_clauses++] = (struct clause){
		.rule = statement_rule(statement),
		.conditions = alternative->conditions & CONDITIONS,
		.uid = alternative->uid,
		.gid = alternative->gid,
		.exe = alternative->exe,
		.unit = alternative->unit,
		.first = statement->prefixes ? statement->first_prefix : 0,
		.count = statement->prefixes,
	};
	return 0;
}

static int add_user(struct compiler *compiler, const struct statement *statement,
		    const struct alternative *alternative)
{
	const struct policy *policy = compiler->policy;
	size_t n = compiler->n_users;

	if (GROW(compiler->users, compiler->users_allocated, n) < 0 ||
	    GROW(compiler->places, compiler->places_allocated, n) < 0)
		return -ENOMEM;
	compiler->users[n] = (uint64_t)alternative->uid << 32 | (uint32_t)n;
	compiler->places[n] = (struct place){
		.statement = (uint32_t)(statement - policy->statements),
		.alternative = (uint32_t)(alternative - policy->alternatives),
	};
	compiler->n_users++;
	return 0;
}

/* compile_alternative() - one principal of a statement, into the set, its general list or its users
 */
static int compile_alternative(struct compiler *compiler, const struct range_set *range,
			       struct rule_set *set, const struct statement *statement,
			       const struct alternative *alternative)
{
	uint32_t conditions = alternative->conditions;

	if (!alternative_can_admit(alternative))
		return 0;
	if (conditions & CONDITION_USER)
		return add_user(compiler, statement, alternative);
	if ((conditions & CONDITION_ANYONE) && statement->prefixes == 0) {
		if (!(set->flags & SET_ANYONE))
			set->anyone = statement_rule(statement);
		set->flags |= SET_ANYONE;
		return 0;
	}
	if (set->count > MAX_CLAUSES)
		return 0; /* said already */
	if (set->count == MAX_CLAUSES) {
		too_many_clauses(compiler, statement, range, "these do not begin with a user");
		set->count++;
		return 0;
	}
	set->count++;
	return add_clause(compiler, statement, alternative);
}

static bool user_unconditional(const struct statement *statement,
			       const struct alternative *alternative)
{
	return statement->prefixes == 0 && (alternative->conditions & CONDITIONS) == CONDITION_USER;
}

/* compile_user() - the entry of one uid, from users[from .. to - 1], all of this uid */
static int compile_user(struct compiler *compiler, const struct range_set *range, size_t from,
			size_t to, struct grant *grant)
{
	const struct policy *policy = compiler->policy;
	size_t at = compiler->out->n_clauses;

	for (size_t i = from; i < to; i++) {
		const struct place *place = &compiler->places[(uint32_t)compiler->users[i]];
		const struct statement *statement = &policy->statements[place->statement];

		if (!user_unconditional(statement, &policy->alternatives[place->alternative]))
			continue;
		*grant = (struct grant){ .at = statement->line, .file = statement->file };
		return 0;
	}
	for (size_t i = from; i < to; i++) {
		const struct place *place = &compiler->places[(uint32_t)compiler->users[i]];
		const struct statement *statement = &policy->statements[place->statement];

		if (i - from == MAX_CLAUSES) {
			too_many_clauses(compiler, statement, range, "these name the same user");
			break;
		}
		if (add_clause(compiler, statement, &policy->alternatives[place->alternative]) < 0)
			return -ENOMEM;
	}
	*grant = (struct grant){
		.at = (uint32_t)at,
		.clauses = (uint16_t)(compiler->out->n_clauses - at),
	};
	return 0;
}

/* compile_users() - the users that the statements of one set name, sorted, each once */
static int compile_users(struct compiler *compiler, const struct range_set *range, uint32_t set)
{
	struct compiled *out = compiler->out;
	size_t from = 0, to, n = compiler->n_users;
	const uint64_t *users;
	int r;

	if (n > SORT_IN_PLACE &&
	    grow(&compiler->scratch, &compiler->scratch_allocated, 0, n, sizeof(uint64_t)) < 0)
		return -ENOMEM;
	sort_upper(compiler->users, compiler->scratch, n, 32);
	users = compiler->users;

	for (; from < n; from = to) {
		if (GROW(out->user_keys, compiler->keys_allocated, out->n_users) < 0 ||
		    GROW(out->grants, compiler->grants_allocated, out->n_users) < 0)
			return -ENOMEM;
		for (to = from + 1; to < n && users[to] >> 32 == users[from] >> 32;)
			to++;
		r = compile_user(compiler, range, from, to, &out->grants[out->n_users]);
		if (r < 0)
			return r;
		out->user_keys[out->n_users++] = (struct user_key){
			.set = set,
			.uid = (uint32_t)(users[from] >> 32),
		};
	}
	compiler->n_users = 0;
	return 0;
}

static int compile_set(struct compiler *compiler, uint32_t index)
{
	const struct range_set *range = &compiler->ranges->sets[index];
	struct rule_set *set = &compiler->out->sets[index];
	int r;

	set->first = (uint32_t)compiler->out->n_clauses;
	for (size_t i = 0; i < range->n_refs; i++) {
		const struct statement *statement = range_set_statement(compiler->ranges, range, i);
		const struct alternative *alternatives;

		if (!statement)
			continue;
		alternatives = &compiler->policy->alternatives[statement->first_alternative];
		if (set->rule.line == 0)
			set->rule = statement_rule(statement);
		if (statement->flags & STATEMENT_ONLY)
			set->flags |= SET_ONLY;
		for (size_t k = 0; k < statement->alternatives; k++) {
			r = compile_alternative(compiler, range, set, statement, &alternatives[k]);
			if (r < 0)
				return r;
		}
	}
	return compile_users(compiler, range, index);
}

static void unpaint(struct compiler *compiler)
{
	for (unsigned protocol = 0; protocol < PROTOCOLS; protocol++)
		paint_begin(&compiler->paint[protocol]);
}

/* paint_set() - give the set the ports of its range that no narrower one has */
static void paint_set(struct compiler *compiler, uint32_t index)
{
	const struct range_set *range = &compiler->ranges->sets[index];

	for (unsigned protocol = 0; protocol < PROTOCOLS; protocol++) {
		struct port_entry *ports = &compiler->out->ports[(size_t)protocol * PORTS];
		struct paint *paint = &compiler->paint[protocol];
		uint32_t port;

		if (!(range->protocols & PROTOCOL_BIT(protocol)))
			continue;
		while ((port = paint_free(paint, range->first)) <= range->last) {
			if (range->observed)
				ports[port].observed = index;
			else
				ports[port].enforced = index;
			paint_take(paint, port);
		}
	}
}

static void fill_next(struct port_entry *ports)
{
	uint32_t next = PORTS;

	for (uint32_t port = PORTS; port-- > 0;) {
		if (ports[port].enforced)
			next = port;
		ports[port].next = next;
	}
}

/* copy_words() - prefixes, units and paths, under the same indices as in the policy */
static int copy_words(const struct policy *policy, struct compiled *out)
{
	out->prefixes = calloc(policy->n_prefixes + 1, sizeof(*out->prefixes));
	out->units = calloc(policy->n_units + 1, sizeof(*out->units));
	out->exes = calloc(policy->n_exes + 1, sizeof(*out->exes));
	if (!out->prefixes || !out->units || !out->exes)
		return -ENOMEM;
	for (; out->n_prefixes < policy->n_prefixes; out->n_prefixes++)
		out->prefixes[out->n_prefixes] = policy->prefixes[out->n_prefixes];
	for (; out->n_units < policy->n_units; out->n_units++)
		out->units[out->n_units] = policy->units[out->n_units].pattern;
	for (; out->n_exes < policy->n_exes; out->n_exes++) {
		out->exes[out->n_exes] = strdup(policy->exes[out->n_exes].path);
		if (!out->exes[out->n_exes])
			return -ENOMEM;
	}
	out->all_namespaces = policy->scope == SCOPE_ALL;
	return 0;
}

static int compile_sets(struct compiler *compiler)
{
	const struct ranges *ranges = compiler->ranges;
	struct compiled *out = compiler->out;
	int r;

	out->ports = calloc((size_t)PROTOCOLS * PORTS, sizeof(*out->ports));
	out->sets = calloc(ranges->n_sets, sizeof(*out->sets));
	if (!out->ports || !out->sets)
		return -ENOMEM;
	out->n_sets = ranges->n_sets;
	/* One user a statement and range is the rule; growing would copy, and touch memory twice. */
	if (grow(&out->user_keys, &compiler->keys_allocated, 0, ranges->n_refs,
		 sizeof(*out->user_keys)) < 0 ||
	    grow(&out->grants, &compiler->grants_allocated, 0, ranges->n_refs,
		 sizeof(*out->grants)) < 0)
		return -ENOMEM;

	unpaint(compiler);
	for (uint32_t index = 1; index < ranges->n_sets; index++) {
		if (ranges->sets[index].kind != STATEMENT_BIND)
			break; /* the rest is connections_compile()'s */
		/* The observing policy begins: another layer of paint. */
		if (ranges->sets[index].observed && !ranges->sets[index - 1].observed)
			unpaint(compiler);
		r = compile_set(compiler, index);
		if (r < 0)
			return r;
		paint_set(compiler, index);
	}
	for (unsigned protocol = 0; protocol < PROTOCOLS; protocol++)
		fill_next(&out->ports[(size_t)protocol * PORTS]);
	return 0;
}

/* fit() - give back what growing took too much; a failure leaves the array as it is */
static void *fit(void *array, size_t n, size_t size)
{
	void *fitted = n ? reallocarray(array, n, size) : NULL;

	return fitted ? fitted : array;
}

int policy_compile(const struct policy *policy, struct diagnostics *diagnostics,
		   struct compiled **ret_compiled)
{
	_cleanup_(compiler_freep) struct compiler *compiler = compiler_new(policy, diagnostics);
	struct compiled *out;
	int r;

	if (!compiler)
		return -ENOMEM;
	out = compiler->out;
	r = ranges_new(policy, &compiler->ranges);
	if (r < 0)
		return r;
	r = copy_words(policy, out);
	if (r < 0)
		return r;
	r = compile_sets(compiler);
	if (r == 0)
		r = connections_compile(compiler->ranges, diagnostics, out);
	if (r == 0)
		r = redirects_compile(policy, out);
	if (r < 0)
		return r;
	if (diagnostics->errors)
		return -EINVAL;

	out->user_keys = fit(out->user_keys, out->n_users, sizeof(*out->user_keys));
	out->grants = fit(out->grants, out->n_users, sizeof(*out->grants));
	out->clauses = fit(out->clauses, out->n_clauses, sizeof(*out->clauses));
	r = users_hash(out->user_keys, out->grants, out->n_users, &out->buckets, &out->shape);
	if (r < 0)
		return r;
	*ret_compiled = TAKE_PTR(compiler->out);
	return 0;
}

void compiled_thin(struct compiled *compiled)
{
	free(compiled->user_keys);
	free(compiled->grants);
	free(compiled->tcp);
	compiled->user_keys = NULL;
	compiled->grants = NULL;
	compiled->tcp = NULL;
}

void compiled_free(struct compiled *compiled)
{
	if (!compiled)
		return;
	for (size_t i = 0; i < compiled->n_exes; i++)
		free(compiled->exes[i]);
	free(compiled->exes);
	free(compiled->ports);
	free(compiled->sets);
	free(compiled->user_keys);
	free(compiled->grants);
	free(compiled->buckets);
	free(compiled->clauses);
	free(compiled->prefixes);
	free(compiled->units);
	connections_free(compiled);
	free(compiled->redirects);
	free(compiled);
}
