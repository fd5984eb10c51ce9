/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - names of users and groups to ids, groups of callers to their members (members.c)
 *
 * A name that nobody has names nobody: its alternatives get CONDITION_NEVER, its callers
 * CALLER_NEVER, and they stay, so that the ports of the statement stay governed.
 */
#include <errno.h>
#include <string.h>

#include "policy/members.h"

static int ask(const struct policy_environment *environment, const struct name *name, uint32_t *id)
{
	if (name->kind == NAME_USER)
		return environment->find_user
			       ? environment->find_user(environment->data, name->text, id)
			       : -ENOENT;
	return environment->find_group ? environment->find_group(environment->data, name->text, id)
				       : -ENOENT;
}

static void say_unknown(const struct name *name, int error, bool lenient,
			struct diagnostics *diagnostics)
{
	const char *what = name->kind == NAME_USER ? "user" : "group";
	enum severity severity = lenient ? SEVERITY_WARNING : SEVERITY_ERROR;
	const char *consequence =
		lenient ? ", and the rule admits nobody by it until it is there" : "";

	if (error == -ENOENT)
		diagnostics_add(diagnostics, severity, name->where, name->width,
				"unknown %s '%s', expected a %s of this machine%s", what,
				name->text, what, consequence);
	else
		diagnostics_add(diagnostics, severity, name->where, name->width,
				"%s '%s' cannot be looked up (%s), expected an answer from the "
				"name service%s",
				what, name->text, strerror(-error), consequence);
}

/* resolve_name() - fill in one name's id; -ENOMEM if the database had no memory */
static int resolve_name(struct name *name, const struct policy_environment *environment,
			bool lenient, struct diagnostics *diagnostics)
{
	uint32_t id = 0;
	int r;

	if (name->resolved || (name->kind != NAME_USER && name->kind != NAME_GROUP))
		return 0;
	r = ask(environment, name, &id);
	if (r == -ENOMEM)
		return r;
	/* The kernel takes this id for none at all. */
	if (r == 0 && id == UINT32_MAX)
		r = -ENOENT;
	if (r < 0) {
		say_unknown(name, r, lenient, diagnostics);
		return 0;
	}
	name->id = id;
	name->resolved = true;
	return 0;
}

/* resolve_alternative() - from indices of names to ids */
static void resolve_alternative(const struct policy *policy, struct alternative *alternative)
{
	if (alternative->conditions & CONDITION_NAMED_USER) {
		const struct name *name = &policy->names[alternative->uid];

		alternative->uid = name->id;
		if (!name->resolved)
			alternative->conditions |= CONDITION_NEVER;
	}
	if (alternative->conditions & CONDITION_NAMED_GROUP) {
		const struct name *name = &policy->names[alternative->gid];

		alternative->gid = name->id;
		if (!name->resolved)
			alternative->conditions |= CONDITION_NEVER;
	}
	alternative->conditions &= ~(CONDITION_NAMED_USER | CONDITION_NAMED_GROUP);
}

/* resolve_caller() - the same */
static void resolve_caller(const struct policy *policy, struct caller *caller)
{
	const struct name *name;

	if (!(caller->flags & CALLER_NAMED))
		return;
	name = &policy->names[caller->id];
	caller->id = name->id;
	caller->flags &= (uint16_t)~CALLER_NAMED;
	/* That one is no user's in the tables. */
	if (!name->resolved || (caller->kind == CALLER_USER && name->id >= UID_APPROVED))
		caller->flags |= CALLER_NEVER;
}

int policy_resolve(struct policy *policy, const struct policy_environment *environment,
		   bool lenient, struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < policy->n_names; i++) {
		int r = resolve_name(&policy->names[i], environment, lenient, diagnostics);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < policy->n_alternatives; i++)
		resolve_alternative(policy, &policy->alternatives[i]);
	for (size_t i = 0; i < policy->n_callers; i++)
		resolve_caller(policy, &policy->callers[i]);
	return resolve_members(policy, environment, lenient, diagnostics);
}
