/* SPDX-License-Identifier: MIT */
/*
 * check_redirects.c - redirects that lead in circles, or to a port that anyone may take
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "policy/check.h"
#include "policy/parse.h"

/* struct redirection - which range redirects a port */
struct redirection {
	uint32_t statement; /* index plus one; 0: none does */
	uint32_t index;     /* among the statement's ports */
};

/* struct redirects - what check_redirects() works with */
struct redirects {
	const struct policy *policy;
	struct diagnostics *diagnostics;
	struct redirection *of; /* PORTS */
	int32_t *governed;      /* PORTS + 1: by how many enforcing bind rules, for TCP */
};

static void redirects_clear(struct redirects *redirects)
{
	free(redirects->of);
	free(redirects->governed);
}

/* count_governed() - how many ranges of bind cover each port */
static void count_governed(const struct redirects *redirects)
{
	const struct policy *policy = redirects->policy;
	int32_t *governed = redirects->governed;

	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		if (statement->kind != STATEMENT_BIND || (statement->flags & STATEMENT_OBSERVE))
			continue;
		for (size_t k = 0; k < statement->ports; k++) {
			const struct port_range *range = &policy->ports[statement->first_port + k];

			if (!(range->protocols & PROTOCOL_BIT(PROTOCOL_TCP)))
				continue;
			governed[range->first]++;
			governed[range->last + 1]--;
		}
	}
	for (size_t port = 1; port < PORTS; port++)
		governed[port] += governed[port - 1];
}

/* place_of() - "policy.conf:3:10" of the range that redirects a port; NULL without memory */
static char *place_of(const struct redirects *redirects, const struct redirection *of)
{
	const struct policy *policy = redirects->policy;
	struct location where;
	unsigned width;

	if (port_place(policy, &policy->statements[of->statement - 1], of->index, &where, &width) <
	    0)
		return NULL;
	return location_text(policy->sources, where);
}

/* say_twice() - @port of a range is redirected already */
static int say_twice(const struct redirects *redirects, const struct statement *statement,
		     uint32_t index, unsigned port)
{
	struct location where = { .line = statement->line, .column = 1, .file = statement->file };
	_cleanup_free_ char *before = NULL;
	unsigned width = 1;
	int r;

	/* Places cost a search each: only for those that will be shown. */
	if (!diagnostics_full(redirects->diagnostics, SEVERITY_ERROR)) {
		before = place_of(redirects, &redirects->of[port]);
		r = port_place(redirects->policy, statement, index, &where, &width);
		if (!before || r < 0)
			return r < 0 ? r : -ENOMEM;
	}
	diagnostics_add(
		redirects->diagnostics, SEVERITY_ERROR, where, width,
		"port %u redirected twice, the first time at %s, expected one target a port", port,
		before ? before : "");
	return 0;
}

/* take_ports() - enter what a statement redirects; of a range, the first that another has is said */
static int take_ports(const struct redirects *redirects, uint32_t number)
{
	const struct policy *policy = redirects->policy;
	const struct statement *statement = &policy->statements[number];

	for (uint32_t k = 0; k < statement->ports; k++) {
		const struct port_range *range = &policy->ports[statement->first_port + k];

		for (uint32_t port = range->first; port <= range->last; port++) {
			if (redirects->of[port].statement) {
				int r = say_twice(redirects, statement, k, port);

				if (r < 0)
					return r;
				break;
			}
			redirects->of[port] = (struct redirection){ number + 1, k };
		}
	}
	return 0;
}

/* target_place() - of the port behind `to`: the last word of the statement */
static int target_place(const struct policy *policy, const struct statement *statement,
			struct location *ret_where, unsigned *ret_width)
{
	const struct token *token;
	struct lexer lexer;
	int r = statement_lex(policy, statement, &lexer);

	if (r == 0) {
		token = lexer.tokens;
		while (token[1].kind != TOKEN_END)
			token++;
		*ret_where = lexer_location(&lexer, token);
		*ret_width = lexer_width(token);
	}
	lexer_clear(&lexer);
	return r;
}

/* check_target() - calls end there, and a bind rule says who may take them */
static int check_target(const struct redirects *redirects, uint32_t number)
{
	const struct policy *policy = redirects->policy;
	const struct statement *statement = &policy->statements[number];
	const struct redirection *onward = &redirects->of[statement->target];
	unsigned target = statement->target, called = policy->ports[statement->first_port].first;
	struct location where = { .line = statement->line, .column = 1, .file = statement->file };
	_cleanup_free_ char *place = NULL;
	unsigned width = 1;
	int r;

	if (!onward->statement && redirects->governed[target] > 0)
		return 0;
	if (!diagnostics_full(redirects->diagnostics, SEVERITY_ERROR)) {
		r = target_place(policy, statement, &where, &width);
		if (r < 0)
			return r;
	}
	if (onward->statement == number + 1) {
		diagnostics_add(redirects->diagnostics, SEVERITY_ERROR, where, width,
				"port %u redirected to itself, expected another target", target);
	} else if (onward->statement) {
		place = place_of(redirects, onward);
		if (!place)
			return -ENOMEM;
		diagnostics_add(redirects->diagnostics, SEVERITY_ERROR, where, width,
				"port %u is redirected itself, at %s, expected the port at which "
				"the server listens",
				target, place);
	} else {
		diagnostics_add(
			redirects->diagnostics, SEVERITY_ERROR, where, width,
			"no bind rule governs port %u, so anyone could bind it and receive "
			"port %u's traffic; expected a rule such as 'bind %u/tcp by user ...'",
			target, called, target);
	}
	return 0;
}

int check_redirects(const struct policy *policy, struct diagnostics *diagnostics)
{
	_cleanup_(redirects_clear) struct redirects redirects = {
		.policy = policy,
		.diagnostics = diagnostics,
	};
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < policy->n_statements; i++)
		n += policy->statements[i].kind == STATEMENT_REDIRECT;
	if (n == 0)
		return 0;
	redirects.of = calloc(PORTS, sizeof(*redirects.of));
	redirects.governed = calloc(PORTS + 1, sizeof(*redirects.governed));
	if (!redirects.of || !redirects.governed)
		return -ENOMEM;
	count_governed(&redirects);
	for (uint32_t i = 0; i < policy->n_statements && r == 0; i++) {
		if (policy->statements[i].kind == STATEMENT_REDIRECT)
			r = take_ports(&redirects, i);
	}
	for (uint32_t i = 0; i < policy->n_statements && r == 0; i++) {
		if (policy->statements[i].kind == STATEMENT_REDIRECT)
			r = check_target(&redirects, i);
	}
	return r;
}
