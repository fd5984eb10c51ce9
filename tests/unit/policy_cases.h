/* SPDX-License-Identifier: MIT */
/*
 * policy_cases.h - one test for each way in which a policy can be wrong
 *
 * A case is a policy and all that must be said of it: place, width and exact text. It would catch
 * an error that is not found, is said elsewhere or in other words, or brings a second one along.
 */
#ifndef PORTCRED_TESTS_POLICY_CASES_H
#define PORTCRED_TESTS_POLICY_CASES_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy_fake.h"

/* struct policy_case - @said: "LINE:COLUMN+WIDTH error: TEXT\n" for each, by place */
struct policy_case {
	const char *name;
	const char *text;
	size_t size; /* it may hold NUL bytes */
	bool lenient;
	const char *said;
};

#define CASE(name, text, said)                                                                     \
	{                                                                                          \
		name, text, sizeof(text) - 1, false, said                                          \
	}
#define LENIENT(name, text, said)                                                                  \
	{                                                                                          \
		name, text, sizeof(text) - 1, true, said                                           \
	}

/* check_invariants() - of statements that stay, however wrong the policy is */
static inline void check_invariants(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		assert_true(statement->line > 0);
		if (statement->kind == STATEMENT_SET || statement->kind == STATEMENT_HOST)
			continue;
		assert_true(statement->ports > 0);
		for (size_t k = 0; k < statement->ports; k++) {
			const struct port_range *range = &policy->ports[statement->first_port + k];

			assert_true(range->first > 0 && range->first <= range->last);
			assert_true(range->protocols & PROTOCOL_BITS_ALL);
		}
		if (statement->kind == STATEMENT_BIND)
			assert_true(statement->alternatives > 0);
	}
}

static inline void check_case(void **state)
{
	const struct policy_case *expected = *state;
	_cleanup_free_ char *said = NULL;
	struct parsed parsed;

	assert_int_equal(parsed_bytes(&parsed, expected->text, expected->size, expected->lenient),
			 0);
	said = parsed_text(&parsed);
	assert_string_equal(said, expected->said);
	check_invariants(parsed.policy);
	parsed_clear(&parsed);
}

/* run_cases() - each under its own name, behind @others */
static inline int run_cases(const char *name, const struct policy_case *cases, size_t n,
			    const struct CMUnitTest *others, size_t n_others)
{
	struct CMUnitTest *tests = calloc(n + n_others, sizeof(*tests));
	int failed;

	if (n_others)
		memcpy(tests, others, n_others * sizeof(*tests));
	for (size_t i = 0; i < n; i++)
		tests[n_others + i] = (struct CMUnitTest){
			.name = cases[i].name,
			.test_func = check_case,
			.initial_state = (void *)&cases[i],
		};
	failed = _cmocka_run_group_tests(name, tests, n + n_others, NULL, NULL);
	free(tests);
	return failed;
}

#endif
