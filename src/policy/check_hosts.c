/* SPDX-License-Identifier: MIT */
/*
 * check_hosts.c - hosts that would be taken for one another
 *
 * Whoever has the key of a host speaks for its users, and its addresses say which key is asked for.
 * So each belongs to one host; and what comes from this machine is never another's word.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/check.h"
#include "policy/parse.h"
#include "policy/suggest.h"

static const char *host_name(const struct policy *policy, const struct host *host)
{
	return policy->names[host->name].text;
}

static int say_twice(const struct policy *policy, const struct host *first,
		     const struct host *second, struct diagnostics *diagnostics)
{
	_cleanup_free_ char *place = location_text(policy->sources, first->where);

	if (!place)
		return -ENOMEM;
	diagnostics_add(diagnostics, SEVERITY_ERROR, second->where,
			policy->names[second->name].width,
			"host '%s' twice, the first time at %s, expected one statement a host",
			policy->names[second->name].text, place);
	return 0;
}

static void say_unknown_host(const struct policy *policy, const struct name *name,
			     struct diagnostics *diagnostics)
{
	struct suggestion suggestion;
	const char *meant;

	suggestion_begin(&suggestion, name->text, strlen(name->text));
	for (size_t i = 0; i < policy->n_hosts; i++)
		suggestion_offer(&suggestion, policy->names[policy->hosts[i].name].text);
	suggestion_offer(&suggestion, "local");
	meant = suggestion_found(&suggestion);
	diagnostics_add(
		diagnostics, SEVERITY_ERROR, name->where, name->width,
		"unknown host '%s', expected the name of a host statement, local or *%s%s%s",
		name->text, meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

/* check_names() - each host once, and each that a caller names */
static int check_names(const struct policy *policy, struct diagnostics *diagnostics)
{
	_cleanup_free_ const struct host **hosts = calloc(policy->n_names + 1, sizeof(*hosts));
	int r;

	if (!hosts)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_hosts; i++) {
		const struct host *host = &policy->hosts[i];

		if (!hosts[host->name]) {
			hosts[host->name] = host;
			continue;
		}
		r = say_twice(policy, hosts[host->name], host, diagnostics);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < policy->n_names; i++) {
		if (policy->names[i].kind == NAME_HOST && !policy->names[i].resolved)
			say_unknown_host(policy, &policy->names[i], diagnostics);
	}
	return 0;
}

/* is_weak() - whether a public key is of small order: with it, everyone comes to the same secret */
static bool is_weak(const uint8_t key[static HOST_KEY_BYTES])
{
	static const uint8_t any[crypto_scalarmult_SCALARBYTES] = { 1 };
	uint8_t shared[crypto_scalarmult_BYTES];

	_Static_assert(HOST_KEY_BYTES == crypto_scalarmult_BYTES, "X25519");
	return crypto_scalarmult(shared, any, key) != 0;
}

static bool is_own(const uint8_t key[static HOST_KEY_BYTES],
		   const struct policy_environment *environment)
{
	for (size_t i = 0; i < environment->n_own_keys; i++) {
		if (memcmp(environment->own_keys[i], key, HOST_KEY_BYTES) == 0)
			return true;
	}
	return false;
}

/* struct owned_key - a key and whose it is; `order` is that of the sources */
struct owned_key {
	const struct host *host;
	const struct host_key *key;
	size_t order;
};

static int compare_keys(const void *left, const void *right)
{
	const struct owned_key *a = left, *b = right;
	int order = memcmp(a->key->bytes, b->key->bytes, HOST_KEY_BYTES);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

static int say_shared_key(const struct policy *policy, const struct owned_key *first,
			  const struct owned_key *second, struct diagnostics *diagnostics)
{
	_cleanup_free_ char *place = location_text(policy->sources, first->key->where);

	if (!place)
		return -ENOMEM;
	diagnostics_add(diagnostics, SEVERITY_ERROR, second->key->where, second->key->width,
			"host '%s' has the key of host '%s' at %s, expected a key of its own",
			host_name(policy, second->host), host_name(policy, first->host), place);
	return 0;
}

/* check_shared_keys() - keys that two hosts have; sorts them */
static int check_shared_keys(const struct policy *policy, struct owned_key *keys, size_t n,
			     struct diagnostics *diagnostics)
{
	size_t first = 0;

	if (n)
		qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < n; i++) {
		int r = 0;

		if (memcmp(keys[first].key->bytes, keys[i].key->bytes, HOST_KEY_BYTES) != 0)
			first = i;
		else if (keys[first].host->name != keys[i].host->name)
			r = say_shared_key(policy, &keys[first], &keys[i], diagnostics);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_keys(const struct policy *policy, const struct policy_environment *environment,
		      struct diagnostics *diagnostics)
{
	_cleanup_free_ struct owned_key *keys =
		calloc(policy->n_hosts * MAX_HOST_KEYS + 1, sizeof(*keys));
	size_t n = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_hosts; i++) {
		const struct host *host = &policy->hosts[i];

		for (uint32_t k = 0; k < host->n_keys; k++, n++) {
			const struct host_key *key = &host->keys[k];

			keys[n] = (struct owned_key){ host, key, n };
			if (is_weak(key->bytes))
				diagnostics_add(diagnostics, SEVERITY_ERROR, key->where, key->width,
						"weak key (of small order: anyone could vouch with "
						"it), expected one that 'portcred key' shows");
			else if (is_own(key->bytes, environment))
				diagnostics_add(
					diagnostics, SEVERITY_ERROR, key->where, key->width,
					"this machine's own key, expected that of host '%s'",
					host_name(policy, host));
		}
	}
	return check_shared_keys(policy, keys, n, diagnostics);
}

/* struct owned_prefix - an address and whose it is */
struct owned_prefix {
	const struct prefix *prefix;
	const struct statement *statement;
	size_t index; /* among the statement's */
	size_t order; /* in the sources */
};

/* compare_prefixes() - 0 for the same addresses */
static int compare_prefixes(const struct prefix *a, const struct prefix *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->address, b->address, sizeof(a->address));
}

static int compare_owned(const void *left, const void *right)
{
	const struct owned_prefix *a = left, *b = right;
	int order = compare_prefixes(a->prefix, b->prefix);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

static const char *owner_name(const struct policy *policy, const struct owned_prefix *owned)
{
	return host_name(policy, &policy->hosts[owned->statement->host]);
}

static int say_shared_prefix(const struct policy *policy, const struct owned_prefix *first,
			     const struct owned_prefix *second, struct diagnostics *diagnostics)
{
	_cleanup_free_ char *place = NULL;
	struct location where = { 0 }, other = { 0 };
	unsigned width = 1;
	int r = address_place(policy, first->statement, first->index, &other, &width);

	if (r == 0)
		r = address_place(policy, second->statement, second->index, &where, &width);
	if (r < 0)
		return r;
	place = location_text(policy->sources, other);
	if (!place)
		return -ENOMEM;
	diagnostics_add(
		diagnostics, SEVERITY_ERROR, where, width,
		"host '%s' has the address of host '%s' at %s, expected one host an address "
		"(of networks the smallest decides)",
		owner_name(policy, second), owner_name(policy, first), place);
	return 0;
}

/* check_shared_prefixes() - the same of two hosts; sorts them */
static int check_shared_prefixes(const struct policy *policy, struct owned_prefix *prefixes,
				 size_t n, struct diagnostics *diagnostics)
{
	size_t first = 0;

	if (n)
		qsort(prefixes, n, sizeof(*prefixes), compare_owned);
	for (size_t i = 1; i < n; i++) {
		int r = 0;

		if (compare_prefixes(prefixes[first].prefix, prefixes[i].prefix) != 0)
			first = i;
		else if (policy->hosts[prefixes[first].statement->host].name !=
			 policy->hosts[prefixes[i].statement->host].name)
			r = say_shared_prefix(policy, &prefixes[first], &prefixes[i], diagnostics);
		if (r < 0)
			return r;
	}
	return 0;
}

/* overlaps() - whether two networks have an address in common */
static bool overlaps(const struct prefix *a, const struct prefix *b)
{
	uint32_t difference = 0;

	for (unsigned i = 0; i < 4; i++)
		difference |= (a->address[i] ^ b->address[i]) & a->mask[i] & b->mask[i];
	return a->family == b->family && difference == 0;
}

/*
 * is_here() - whether some address of it is no other host's: this machine's, whatever machine this is,
 * or one of a link, which another host has on another link
 */
static bool is_here(const struct prefix *prefix)
{
	const uint32_t all = 0xffffffff, mapped = htonl(0xffff);
	const struct prefix here[] = {
		{ { 0, 0, mapped, htonl(0x7f000000) }, { all, all, all, htonl(0xff000000) }, 4, 8 },
		{ { 0, 0, mapped, 0 }, { all, all, all, all }, 4, 32 },
		{ { 0, 0, 0, htonl(1) }, { all, all, all, all }, 6, 128 },
		{ { 0, 0, 0, 0 }, { all, all, all, all }, 6, 128 },
		{ { htonl(0xfe800000), 0, 0, 0 }, { htonl(0xffc00000), 0, 0, 0 }, 6, 10 },
	};

	for (size_t i = 0; i < ELEMENTS(here); i++) {
		if (overlaps(prefix, &here[i]))
			return true;
	}
	return false;
}

static int say_here(const struct policy *policy, const struct owned_prefix *owned,
		    struct diagnostics *diagnostics)
{
	struct location where = { 0 };
	unsigned width = 1;
	int r = address_place(policy, owned->statement, owned->index, &where, &width);

	if (r == 0)
		diagnostics_add(diagnostics, SEVERITY_ERROR, where, width,
				"loopback, unspecified and link-local addresses are not one "
				"host's alone, expected addresses of host '%s' ('local' is this "
				"machine)",
				owner_name(policy, owned));
	return r;
}

static int check_prefixes(const struct policy *policy, struct diagnostics *diagnostics)
{
	_cleanup_free_ struct owned_prefix *prefixes =
		calloc(policy->n_prefixes + 1, sizeof(*prefixes));
	size_t n = 0;

	if (!prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		if (statement->kind != STATEMENT_HOST)
			continue;
		for (size_t k = 0; k < statement->prefixes; k++, n++) {
			int r = 0;

			prefixes[n] = (struct owned_prefix){
				.prefix = &policy->prefixes[statement->first_prefix + k],
				.statement = statement,
				.index = k,
				.order = n,
			};
			if (is_here(prefixes[n].prefix))
				r = say_here(policy, &prefixes[n], diagnostics);
			if (r < 0)
				return r;
		}
	}
	return check_shared_prefixes(policy, prefixes, n, diagnostics);
}

int check_hosts(const struct policy *policy, const struct policy_environment *environment,
		struct diagnostics *diagnostics)
{
	const size_t most = MAX_HOSTS - HOST_FIRST;
	int r = check_names(policy, diagnostics);

	if (r == 0 && policy->n_hosts > most)
		diagnostics_add(diagnostics, SEVERITY_ERROR, policy->hosts[most].where,
				policy->names[policy->hosts[most].name].width,
				"more than %zu hosts, expected at most so many", most);
	if (r == 0 && policy->n_hosts)
		r = check_keys(policy, environment, diagnostics);
	if (r == 0 && policy->n_hosts)
		r = check_prefixes(policy, diagnostics);
	return r;
}
