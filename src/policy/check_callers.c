/* SPDX-License-Identifier: MIT */
/*
 * check_callers.c - users whom the named host may not speak for: the rule stands, and admits nobody
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "policy/check.h"
#include "policy/parse.h"

/* is_shared() - whether the uid there is the same uid here */
static bool is_shared(const struct policy *policy, const struct host *host, uint32_t uid)
{
	for (uint32_t i = 0; i < host->id_ranges; i++) {
		const struct id_range *range = &policy->id_ranges[host->first_id_range + i];

		if (uid >= range->first && uid <= range->last)
			return true;
	}
	return uid == 0 && host->root_trusted;
}

static int say_not_shared(const struct policy *policy, const struct statement *statement,
			  size_t index, const struct host *host, struct diagnostics *diagnostics)
{
	uint32_t uid = policy->callers[statement->first_caller + index].id;
	const char *name = policy->names[host->name].text;
	struct location where;
	unsigned width;
	int r;

	if (diagnostics_full(diagnostics, SEVERITY_WARNING)) {
		where = (struct location){ .line = statement->line, .column = 1 };
		width = 1;
	} else {
		r = caller_place(policy, statement, index, &where, &width);
		if (r < 0)
			return r;
	}
	if (uid == 0)
		diagnostics_add(
			diagnostics, SEVERITY_WARNING, where, width,
			"host '%s' does not speak for root, so this admits nobody, expected "
			"'root trust' in its statement",
			name);
	else
		diagnostics_add(
			diagnostics, SEVERITY_WARNING, where, width,
			"user %u is not among the ids shared with host '%s', so this admits "
			"nobody, expected it in its 'users shared'",
			uid, name);
	return 0;
}

/* check_statement() - @hosts: by index of the name */
static int check_statement(const struct policy *policy, const struct statement *statement,
			   const struct host *const *hosts, struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < statement->callers; i++) {
		const struct caller *caller = &policy->callers[statement->first_caller + i];
		const struct host *host;
		int r = 0;

		if (caller->kind != CALLER_USER || caller->host_kind != CALLER_HOST_NAMED ||
		    (caller->flags & CALLER_NEVER))
			continue;
		host = hosts[caller->host];
		if (host && !is_shared(policy, host, caller->id))
			r = say_not_shared(policy, statement, i, host, diagnostics);
		if (r < 0)
			return r;
	}
	return 0;
}

int check_callers(const struct policy *policy, struct diagnostics *diagnostics)
{
	_cleanup_free_ const struct host **hosts = calloc(policy->n_names + 1, sizeof(*hosts));
	int r = 0;

	if (!hosts)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_hosts; i++)
		hosts[policy->hosts[i].name] = &policy->hosts[i];
	for (size_t i = 0; i < policy->n_statements && r == 0 && policy->n_hosts; i++) {
		const struct statement *statement = &policy->statements[i];

		if (statement->kind == STATEMENT_ACCEPT || statement->kind == STATEMENT_CONNECT)
			r = check_statement(policy, statement, hosts, diagnostics);
	}
	return r;
}
