/* SPDX-License-Identifier: MIT */
/*
 * policy.c - libFuzzer target: a policy, from its bytes to its tables
 *
 * On a made-up machine. A form feed, which is an error in any file, ends one file and begins the
 * next. Inputs of odd length are taken leniently, as at the start of the daemon. Whatever the text:
 *
 *  - every error and warning stands at a place that there is, and is said in printable text;
 *  - what stays of the statements is sound, and a statement with an error admits nobody;
 *  - a policy with an error has no tables, and one without any has, unless it asks for too much.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "policy/compile.h"
#include "tests/unit/policy_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* require() - a crash, which libFuzzer keeps the input of */
static void require(bool condition)
{
	if (!condition)
		abort();
}

static void add_files(struct sources *sources, const char *text, size_t size)
{
	const char *end = text + size, *next;

	for (unsigned file = 0; text <= end; file++) {
		char name[32];

		next = memchr(text, '\f', (size_t)(end - text));
		if (!next)
			next = end;
		snprintf(name, sizeof(name), "policy.d/%u.conf", file);
		require(sources_add(sources, name, text, (size_t)(next - text)) == 0);
		text = next + 1;
	}
}

static void check_text(const char *text)
{
	const char *end = text + strlen(text);

	require(text < end);
	while (text < end) {
		uint32_t character;
		size_t bytes = utf8_decode(text, end, &character);

		require(bytes > 0 && utf8_is_printable(character));
		text += bytes;
	}
}

static void check_diagnostics(const struct parsed *parsed)
{
	const struct diagnostics *diagnostics = &parsed->diagnostics;
	size_t errors = 0;

	require(diagnostics->n_items == diagnostics->errors_kept + diagnostics->warnings_kept);
	for (size_t i = 0; i < diagnostics->n_items; i++) {
		const struct diagnostic *said = &diagnostics->items[i];
		const char *line;
		size_t length;

		errors += said->severity == SEVERITY_ERROR;
		check_text(said->text);
		require(said->width > 0 && said->where.file < parsed->sources->n_files);
		line = source_line(&parsed->sources->files[said->where.file], said->where.line,
				   &length);
		require(line != NULL);
		require(said->where.column > 0 && said->where.column <= length + 1);
	}
	require(errors == diagnostics->errors_kept);
}

static void check_ports(const struct policy *policy, const struct statement *statement)
{
	require(statement->ports > 0);
	require(statement->first_port + (size_t)statement->ports <= policy->n_ports);
	for (size_t i = 0; i < statement->ports; i++) {
		const struct port_range *range = &policy->ports[statement->first_port + i];

		require(range->first > 0 && range->first <= range->last);
		require(range->protocols && !(range->protocols & ~PROTOCOL_BITS_ALL));
		require(statement->kind == STATEMENT_BIND ||
			range->protocols == PROTOCOL_BIT(PROTOCOL_TCP));
	}
}

static void check_alternatives(const struct policy *policy, const struct statement *statement)
{
	const uint32_t names = CONDITION_NAMED_USER | CONDITION_NAMED_GROUP;

	require(statement->alternatives > 0);
	require(statement->first_alternative + (size_t)statement->alternatives <=
		policy->n_alternatives);
	for (size_t i = 0; i < statement->alternatives; i++) {
		const struct alternative *is =
			&policy->alternatives[statement->first_alternative + i];

		require(is->conditions != 0 && !(is->conditions & names));
		require(!(is->conditions & CONDITION_ANYONE) || is->conditions == CONDITION_ANYONE);
		require(!(is->conditions & CONDITION_EXE) || is->exe < policy->n_exes);
		require(!(is->conditions & CONDITION_UNIT) || is->unit < policy->n_units);
		require((is->conditions & ~CONDITION_NEVER) != CONDITION_EXE);
	}
}

static void check_callers(const struct policy *policy, const struct statement *statement)
{
	require(statement->callers > 0);
	require(statement->first_caller + (size_t)statement->callers <= policy->n_callers);
	for (size_t i = 0; i < statement->callers; i++) {
		const struct caller *is = &policy->callers[statement->first_caller + i];

		require(!(is->flags & CALLER_NAMED));
		if (is->kind == CALLER_USER && !(is->flags & CALLER_NEVER))
			require(is->id < UID_APPROVED);
		if (is->kind == CALLER_GROUP && !(is->flags & CALLER_NEVER))
			require(policy_group(policy, is->id) != NULL);
		if (is->kind <= CALLER_APPROVED && is->host_kind == CALLER_HOST_NAMED)
			require(is->host < policy->n_names);
		if (is->kind >= CALLER_ADDRESS)
			require(is->prefix < policy->n_prefixes);
	}
}

static void check_groups(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_groups; i++) {
		const struct named_group *group = &policy->groups[i];

		require(i == 0 || group[-1].gid < group->gid);
		require(group->first + (size_t)group->n <= policy->n_members);
		for (uint32_t k = 1; k < group->n; k++)
			require(policy->members[group->first + k - 1] <
				policy->members[group->first + k]);
	}
}

static void check_host(const struct policy *policy, const struct host *host)
{
	require(host->n_keys > 0 && host->n_keys <= MAX_HOST_KEYS);
	require(strlen(policy->names[host->name].text) < MAX_HOST_NAME);
	require(host->first_id_range + (size_t)host->id_ranges <= policy->n_id_ranges);
	for (uint32_t i = 0; i < host->id_ranges; i++) {
		const struct id_range *range = &policy->id_ranges[host->first_id_range + i];

		require(range->first > 0 && range->first <= range->last &&
			range->last < UID_APPROVED);
	}
}

static void check_statement(const struct policy *policy, const struct statement *statement)
{
	require(statement->line > 0 && statement->file < policy->sources->n_files);
	require(statement->prefixes <= MAX_PREFIXES);
	require(statement->prefixes == 0 ||
		statement->first_prefix + (size_t)statement->prefixes <= policy->n_prefixes);
	if (statement->kind != STATEMENT_HOST && statement->kind != STATEMENT_SET)
		check_ports(policy, statement);
	if (statement->kind == STATEMENT_BIND)
		check_alternatives(policy, statement);
	if (statement->kind == STATEMENT_ACCEPT || statement->kind == STATEMENT_CONNECT)
		check_callers(policy, statement);
	if (statement->kind == STATEMENT_HOST)
		check_host(policy, &policy->hosts[statement->host]);
	if (statement->kind == STATEMENT_REDIRECT)
		require(statement->target > 0 && statement->target < PORTS);
}

static void check_prefixes(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_prefixes; i++) {
		const struct prefix *prefix = &policy->prefixes[i];

		require(prefix->family == 4 || prefix->family == 6);
		require(prefix->length <= (prefix->family == 4 ? 32U : 128U));
		for (unsigned word = 0; word < 4; word++)
			require((prefix->address[word] & ~prefix->mask[word]) == 0);
	}
}

static void print(const struct parsed *parsed, bool colour)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	require(out != NULL);
	diagnostics_print(&parsed->diagnostics, parsed->sources, colour, out);
	fclose(out);
	require((size > 0) == (parsed->diagnostics.errors + parsed->diagnostics.warnings > 0));
	free(text);
}

static void check_keys(const struct user_key *keys, size_t n)
{
	for (size_t i = 1; i < n; i++)
		require(keys[i - 1].set < keys[i].set ||
			(keys[i - 1].set == keys[i].set && keys[i - 1].uid < keys[i].uid));
}

/* check_caller_set() - what the kernel half relies on */
static void check_caller_set(const struct compiled *compiled, uint32_t set)
{
	const struct rule_set *rules;

	if (set == 0)
		return;
	require(set < compiled->n_sets && set < MAX_SETS);
	rules = &compiled->sets[set];
	require(rules->rule.line > 0 && rules->count <= MAX_CLAUSES);
	require(rules->first + (size_t)rules->count <= compiled->n_clauses);
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct clause *clause = &compiled->clauses[rules->first + i];

		require(clause->conditions >= CONDITION_OWNER && clause->rule.line > 0);
		require(clause->count <= MAX_PREFIXES);
		require(clause->first + (size_t)clause->count <= compiled->n_prefixes);
	}
}

static void check_tables(const struct compiled *compiled)
{
	check_keys(compiled->members, compiled->n_members);
	for (uint32_t port = 0; compiled->tcp && port < PORTS; port++) {
		check_caller_set(compiled, compiled->tcp[port].accept);
		check_caller_set(compiled, compiled->tcp[port].accept_observed);
		check_caller_set(compiled, compiled->tcp[port].connect);
		check_caller_set(compiled, compiled->tcp[port].connect_observed);
	}
	for (size_t i = 0; i < compiled->n_addresses; i++) {
		require(compiled->address_hosts[i] >= HOST_FIRST &&
			compiled->address_hosts[i] - HOST_FIRST < compiled->n_hosts);
		require(compiled->addresses[i].length <= 128);
	}
}

static void compile(struct parsed *parsed)
{
	bool sound = parsed->diagnostics.errors == 0;
	struct compiled *compiled = NULL;
	int r = policy_compile(parsed->policy, &parsed->diagnostics, &compiled);

	require(r == 0 || r == -EINVAL);
	require((r == 0) == (compiled != NULL));
	require((r == 0) == (parsed->diagnostics.errors == 0));
	require(sound || r < 0);
	if (compiled)
		check_tables(compiled);
	compiled_free(compiled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parsed parsed = { .sources = sources_new() };

	require(parsed.sources != NULL);
	add_files(parsed.sources, (const char *)data, size);
	require(parsed_sources(&parsed, size & 1) == 0);
	for (size_t i = 0; i < parsed.policy->n_statements; i++)
		check_statement(parsed.policy, &parsed.policy->statements[i]);
	check_prefixes(parsed.policy);
	check_groups(parsed.policy);
	check_diagnostics(&parsed);
	print(&parsed, size & 2);
	/* Tables take more time than all the rest: of a wrong policy only now and then. */
	if (parsed.diagnostics.errors == 0 || size % 64 == 0)
		compile(&parsed);
	parsed_clear(&parsed);
	return 0;
}
