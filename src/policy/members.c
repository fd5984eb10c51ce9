/* SPDX-License-Identifier: MIT */
/*
 * members.c - `group G@H` is the users whom this machine lists in G, `group-of-owner` needs every list
 *
 * The other machine says who opened a connection, and nothing of his groups. So membership is what
 * this machine's databases say of it, at the time of the policy.
 */
#include "policy/members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/parse.h"
#include "policy/sort.h"

/* struct listing - what a database lists, as gid << 32 | uid */
struct listing {
	uint64_t *items;
	size_t n, allocated;
	uint32_t gid; /* the group that was asked for */
	bool all;     /* or all of them */
};

static void listing_clear(struct listing *listing)
{
	free(listing->items);
	*listing = (struct listing){ 0 };
}

static int listing_add(void *closure, uint32_t gid, uint32_t uid)
{
	struct listing *listing = closure;

	/* No user has these, and nobody asked for another group. */
	if (uid >= UID_APPROVED || gid == UINT32_MAX || (!listing->all && gid != listing->gid))
		return 0;
	if (listing->n == MAX_MEMBERSHIPS)
		return -E2BIG;
	if (GROW(listing->items, listing->allocated, listing->n) < 0)
		return -ENOMEM;
	listing->items[listing->n++] = (uint64_t)gid << 32 | uid;
	return 0;
}

/* listing_sort() - ascending, each once */
static int listing_sort(struct listing *listing)
{
	_cleanup_free_ uint64_t *scratch = malloc((listing->n + 1) * sizeof(*scratch));
	size_t n = 0;

	if (!scratch)
		return -ENOMEM;
	sort_upper(listing->items, scratch, listing->n, 0);
	for (size_t i = 0; i < listing->n; i++) {
		if (n == 0 || listing->items[n - 1] != listing->items[i])
			listing->items[n++] = listing->items[i];
	}
	listing->n = n;
	return 0;
}

/* listing_ask() - -errno where the databases did not say */
static int listing_ask(struct listing *listing, const struct policy_environment *environment)
{
	int r;

	if (listing->all)
		r = environment->list_memberships
			    ? environment->list_memberships(environment->data, listing_add, listing)
			    : -ENOSYS;
	else
		r = environment->find_members
			    ? environment->find_members(environment->data, listing->gid,
							listing_add, listing)
			    : -ENOSYS;
	return r < 0 ? r : listing_sort(listing);
}

/* struct place - the caller for which something is asked: where an error stands */
struct place {
	const struct statement *statement;
	size_t caller; /* of the statement */
};

static int say_unlisted(const struct policy *policy, const struct place *place, int error,
			bool lenient, struct diagnostics *diagnostics)
{
	enum severity severity = lenient ? SEVERITY_WARNING : SEVERITY_ERROR;
	const char *consequence =
		lenient ? ", and the rule admits nobody by it until they can" : "";
	struct location where = { .line = place->statement->line, .column = 1 };
	unsigned width = 1;
	int r;

	if (!diagnostics_full(diagnostics, severity)) {
		r = caller_place(policy, place->statement, place->caller, &where, &width);
		if (r < 0)
			return r;
	}
	if (error == -E2BIG)
		diagnostics_add(diagnostics, severity, where, width,
				"more than %u members, expected at most so many%s", MAX_MEMBERSHIPS,
				consequence);
	else
		diagnostics_add(diagnostics, severity, where, width,
				"members cannot be listed (%s), expected an answer from the name "
				"service%s",
				strerror(-error), consequence);
	return 0;
}

/* find_place() - the first caller of a kind; of groups: of this one */
static struct place find_place(const struct policy *policy, enum caller_kind kind, uint32_t gid)
{
	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];
		const struct caller *callers = &policy->callers[statement->first_caller];

		if (statement->kind != STATEMENT_ACCEPT && statement->kind != STATEMENT_CONNECT)
			continue;
		for (size_t k = 0; k < statement->callers; k++) {
			if (callers[k].kind == kind &&
			    (kind != CALLER_GROUP || callers[k].id == gid))
				return (struct place){ statement, k };
		}
	}
	return (struct place){ 0 };
}

/* say_group() - that nobody is in it, or that this is not known */
static int say_group(const struct policy *policy, const struct named_group *group, int error,
		     bool lenient, struct diagnostics *diagnostics)
{
	const struct place place = find_place(policy, CALLER_GROUP, group->gid);
	struct location where;
	unsigned width;
	int r;

	if (!place.statement)
		return 0; /* of a statement that was refused */
	if (error < 0)
		return say_unlisted(policy, &place, error, lenient, diagnostics);
	r = caller_place(policy, place.statement, place.caller, &where, &width);
	if (r == 0)
		diagnostics_add(diagnostics, SEVERITY_WARNING, where, width,
				"this machine lists no member of the group, so the rule admits "
				"nobody by it");
	return r;
}

/* resolve_group() - the members of one, behind those of the groups before it */
static int resolve_group(struct policy *policy, struct named_group *group,
			 size_t *members_allocated, const struct policy_environment *environment,
			 bool lenient, struct diagnostics *diagnostics)
{
	_cleanup_(listing_clear) struct listing listing = { .gid = group->gid };
	int r = listing_ask(&listing, environment);

	if (r == -ENOMEM)
		return r;
	if (r == 0 && policy->n_members + listing.n > MAX_MEMBERSHIPS)
		r = -E2BIG;
	if (r < 0 || listing.n == 0) {
		group->known = r == 0;
		return say_group(policy, group, r, lenient, diagnostics);
	}
	if (grow(&policy->members, members_allocated, policy->n_members, listing.n,
		 sizeof(*policy->members)) < 0)
		return -ENOMEM;
	group->known = true;
	group->first = (uint32_t)policy->n_members;
	group->n = (uint32_t)listing.n;
	for (size_t i = 0; i < listing.n; i++)
		policy->members[policy->n_members++] = (uint32_t)listing.items[i];
	return 0;
}

/* collect_groups() - the gids that callers name, ascending, each once */
static int collect_groups(struct policy *policy)
{
	_cleanup_(listing_clear) struct listing gids = { .all = true };
	int r;

	for (size_t i = 0; i < policy->n_callers; i++) {
		const struct caller *caller = &policy->callers[i];

		if (caller->kind == CALLER_OWNER_GROUP)
			policy->owner_groups = true;
		if (caller->kind != CALLER_GROUP || (caller->flags & CALLER_NEVER))
			continue;
		/* Most policies name a group in line after line. */
		if (gids.n && gids.items[gids.n - 1] == caller->id)
			continue;
		if (GROW(gids.items, gids.allocated, gids.n) < 0)
			return -ENOMEM;
		gids.items[gids.n++] = caller->id;
	}
	r = listing_sort(&gids);
	if (r < 0)
		return r;
	policy->groups = calloc(gids.n + 1, sizeof(*policy->groups));
	if (!policy->groups)
		return -ENOMEM;
	for (; policy->n_groups < gids.n; policy->n_groups++)
		policy->groups[policy->n_groups].gid = (uint32_t)gids.items[policy->n_groups];
	return 0;
}

/* resolve_memberships() - those of all groups, where the owner's may be any of them */
static int resolve_memberships(struct policy *policy, const struct policy_environment *environment,
			       bool lenient, struct diagnostics *diagnostics)
{
	_cleanup_(listing_clear) struct listing listing = { .all = true };
	const struct place place = find_place(policy, CALLER_OWNER_GROUP, 0);
	int r = listing_ask(&listing, environment);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return place.statement ? say_unlisted(policy, &place, r, lenient, diagnostics) : 0;
	policy->memberships = calloc(listing.n + 1, sizeof(*policy->memberships));
	if (!policy->memberships)
		return -ENOMEM;
	for (; policy->n_memberships < listing.n; policy->n_memberships++) {
		uint64_t item = listing.items[policy->n_memberships];

		policy->memberships[policy->n_memberships] = (struct user_key){
			.set = (uint32_t)(item >> 32),
			.uid = (uint32_t)item,
		};
	}
	policy->memberships_known = true;
	return 0;
}

int resolve_members(struct policy *policy, const struct policy_environment *environment,
		    bool lenient, struct diagnostics *diagnostics)
{
	size_t allocated = 0;
	int r = collect_groups(policy);

	for (size_t i = 0; i < policy->n_groups && r == 0; i++)
		r = resolve_group(policy, &policy->groups[i], &allocated, environment, lenient,
				  diagnostics);
	if (r == 0 && policy->owner_groups)
		r = resolve_memberships(policy, environment, lenient, diagnostics);
	return r;
}

static int compare_gid(const void *key, const void *item)
{
	const uint32_t gid = *(const uint32_t *)key;
	const struct named_group *group = item;

	return (gid > group->gid) - (gid < group->gid);
}

const struct named_group *policy_group(const struct policy *policy, uint32_t gid)
{
	return policy->n_groups ? bsearch(&gid, policy->groups, policy->n_groups,
					  sizeof(*policy->groups), compare_gid)
				: NULL;
}

bool policy_asks(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_names; i++) {
		if (policy->names[i].kind != NAME_HOST)
			return true;
	}
	return policy->n_groups > 0 || policy->owner_groups;
}

bool policy_is_resolved(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_names; i++) {
		if (!policy->names[i].resolved)
			return false;
	}
	for (size_t i = 0; i < policy->n_groups; i++) {
		if (!policy->groups[i].known)
			return false;
	}
	return !policy->owner_groups || policy->memberships_known;
}
