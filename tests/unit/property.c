/* SPDX-License-Identifier: MIT */
/*
 * property.c - random policies, processes and callers: the tables decide as the language says
 *
 *	struct naive_policy ── naive_print() ── text ── parse, resolve, check, compile ── verdict
 *	        └───────────── naive_decide(), naive_decide_end(), naive_led() ─────────── equal?
 *
 * A policy has rules for binds, callers and services, and redirects; each case asks one question of
 * each kind. PORTCRED_SEED repeats a run; PORTCRED_CASES sets its length.
 */
#include "property.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#define CASES           120000U
#define CASES_A_POLICY  200U
#define CASES_EXPLAINED 10U     /* one of so many */
#define CASES_OF_A_FLAW 100000U /* at most: the first mismatch ends them */
#define CASES_OF_ORDER  3000U   /* a policy each */
#define MAX_TEXT        8192

/* run_call() - one question about a connection; false: the answers differ */
static bool run_call(struct run *run, const struct naive_policy *policy, const struct loaded *l,
		     const char *text, const struct ranges *ranges, enum naive_flaw flaw)
{
	const struct call call = random_call(run);
	const struct other_end end = end_of(l, &call.end);
	bool good = true, explained = random_below(run, CASES_EXPLAINED) == 0;

	for (int observe = 0; observe <= 1; observe++) {
		struct naive_answer naive = naive_decide_end(policy, &property_world, call.kind,
							     observe, &call.end, call.port, flaw);
		struct answer answer =
			(call.kind == NAIVE_ACCEPT ? verdict_accept : verdict_connect)(
				l->compiled, (uint16_t)call.port, &end, observe);

		(call.kind == NAIVE_ACCEPT ? run->accepts : run->connects)[naive.verdict]++;
		if (!same(&naive, &answer)) {
			good = false;
			if (flaw == FLAW_NONE)
				show_call(text, &call, &naive, &answer);
		}
		if (flaw == FLAW_NONE && !observe && explained &&
		    !explain_call(l, ranges, policy, &call, &end, &answer)) {
			good = false;
			print_error("the explanation differs:\n");
			show_call(text, &call, &naive, &answer);
		}
	}
	return good;
}

/*
 * led_as_described() - where calls of a port are led, and which port the table remembers of those
 * whose calls are led to it: any, rather an accept-governed one
 */
static bool led_as_described(const struct loaded *l, const struct naive_policy *policy, int port,
			     enum naive_flaw flaw)
{
	static const int ends[] = { 1, 12, 65530, 65535 };
	const struct tcp_entry *tcp = l->compiled->tcp;
	int called = tcp ? (int)tcp[port].called : 0;
	bool is_target = false;

	if ((tcp ? (int)tcp[port].redirect : 0) != naive_led(policy, port, flaw))
		return false;
	for (size_t i = 0; i < ELEMENTS(ends); i += 2) {
		for (int other = ends[i]; other <= ends[i + 1]; other++) {
			if (naive_led(policy, other, flaw) != port)
				continue;
			is_target = true;
			if (called && tcp[other].accept && !tcp[called].accept)
				return false;
		}
	}
	return called ? naive_led(policy, called, flaw) == port : !is_target;
}

static void run_led(struct run *run, const struct naive_policy *policy, const struct loaded *l,
		    const char *text, enum naive_flaw flaw)
{
	int port = random_port(run);

	run->led += naive_led(policy, port, flaw) != 0;
	if (led_as_described(l, policy, port, flaw))
		return;
	run->mismatches++;
	if (flaw == FLAW_NONE)
		print_error("%scalls of %d are led elsewhere than to %d, or remembered wrongly\n",
			    text, port, naive_led(policy, port, flaw));
}

/* run_case() - one question to one policy; false: the answers differ */
static bool run_case(struct run *run, const struct naive_policy *policy, const struct loaded *l,
		     const char *text, const struct ranges *ranges, enum naive_flaw flaw)
{
	const struct question q = random_question(run);
	bool good = true, explained = random_below(run, CASES_EXPLAINED) == 0;
	struct asked asked;

	ask(&q, &asked);
	for (int observe = 0; observe <= 1; observe++) {
		struct naive_answer naive = naive_decide(policy, observe, &q.process, q.address,
							 q.protocol, q.port, flaw);
		struct answer answer = (observe ? verdict_observed : verdict_enforced)(
			l->compiled, &asked.subject, &asked.target);

		(observe ? run->observed : run->verdicts)[naive.verdict]++;
		if (!same(&naive, &answer)) {
			good = false;
			if (flaw == FLAW_NONE)
				show(text, &q, &naive, &answer);
		}
		if (flaw == FLAW_NONE && !observe && explained &&
		    !explain_bind(l, ranges, policy, &q, &asked, &answer)) {
			good = false;
			print_error("the explanation differs:\n");
			show(text, &q, &naive, &answer);
		}
	}
	return good;
}

static void write_policy(const struct naive_policy *policy, char ret_text[static MAX_TEXT])
{
	FILE *stream = fmemopen(ret_text, MAX_TEXT, "w");

	assert_non_null(stream);
	naive_print(policy, &property_world, stream);
	assert_int_equal(fclose(stream), 0);
}

static void run_cases(struct run *run, unsigned cases, enum naive_flaw flaw)
{
	while (cases > 0) {
		const struct naive_policy policy = random_policy(run);
		struct ranges *ranges = NULL;
		struct loaded l;
		char text[MAX_TEXT];

		write_policy(&policy, text);
		load(&l, text);
		assert_int_equal(ranges_new(l.policy, &ranges), 0);
		for (unsigned i = 0; i < CASES_A_POLICY && cases > 0; i++, cases--) {
			run->mismatches += !run_case(run, &policy, &l, text, ranges, flaw);
			run->mismatches += !run_call(run, &policy, &l, text, ranges, flaw);
			run_led(run, &policy, &l, text, flaw);
		}
		ranges_free(ranges);
		unload(&l);
		if (run->mismatches)
			return; /* one is enough, be it wanted or not */
	}
}

/* has_errors() - whether `portcred check` would refuse it */
static bool has_errors(const char *text)
{
	struct loaded l = { .sources = sources_new() };
	bool found;

	assert_non_null(l.sources);
	assert_int_equal(sources_add(l.sources, "policy.conf", text, strlen(text)), 0);
	assert_int_equal(policy_parse(l.sources, &loaded_machine, &l.diagnostics, &l.policy), 0);
	assert_int_equal(policy_resolve(l.policy, &loaded_machine, true, &l.diagnostics), 0);
	assert_int_equal(policy_check(l.policy, &loaded_machine, true, &l.diagnostics), 0);
	found = l.diagnostics.errors > 0;
	unload(&l);
	return found;
}

/* run_orders() - policies whose redirects may be in order or not */
static void run_orders(struct run *run, unsigned cases, enum naive_flaw flaw)
{
	for (; cases > 0 && run->mismatches == 0; cases--) {
		const struct naive_policy policy = random_redirects(run);
		bool good = naive_redirects_good(&policy, flaw);
		char text[MAX_TEXT];

		write_policy(&policy, text);
		run->orders[good]++;
		if (has_errors(text) != good)
			continue;
		run->mismatches++;
		if (flaw == FLAW_NONE)
			print_error("%sexpected %s error\n", text, good ? "no" : "an");
	}
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t seed(void)
{
	uint64_t fresh = 0;

	assert_int_equal(getrandom(&fresh, sizeof(fresh), 0), sizeof(fresh));
	return number_of("PORTCRED_SEED", fresh);
}

/* Anything between a line of text and a verdict that reads the language otherwise than it is. */
static void test_decides_as_described(void **state)
{
	struct run run = { .random = *(const uint64_t *)*state };
	unsigned cases = (unsigned)number_of("PORTCRED_CASES", CASES);

	run_cases(&run, cases, FLAW_NONE);
	print_message("# %u cases: ungoverned %u, granted %u, capable %u, refused %u\n", cases,
		      run.verdicts[NAIVE_UNGOVERNED], run.verdicts[NAIVE_GRANTED],
		      run.verdicts[NAIVE_CAPABLE], run.verdicts[NAIVE_REFUSED]);
	print_message("# callers: ungoverned %u, granted %u, refused %u; services: %u, %u, %u\n",
		      run.accepts[NAIVE_UNGOVERNED], run.accepts[NAIVE_GRANTED],
		      run.accepts[NAIVE_REFUSED], run.connects[NAIVE_UNGOVERNED],
		      run.connects[NAIVE_GRANTED], run.connects[NAIVE_REFUSED]);
	assert_int_equal(run.mismatches, 0);
	assert_true(run.led >= cases / 50);
	/* Worlds in which one answer is always right would agree with anything. */
	for (unsigned verdict = 0; verdict < NAIVE_VERDICTS && cases >= CASES; verdict++) {
		assert_true(run.verdicts[verdict] >= cases / 20);
		assert_true(run.observed[verdict] >= cases / 50);
		if (verdict == NAIVE_CAPABLE)
			continue;
		assert_true(run.accepts[verdict] >= cases / 20);
		assert_true(run.connects[verdict] >= cases / 50);
	}
}

/* A redirect that leads in a circle, or to nobody's port, and is in force all the same. */
static void test_redirects_in_order(void **state)
{
	struct run run = { .random = *(const uint64_t *)*state };

	run_orders(&run, CASES_OF_ORDER, FLAW_NONE);
	print_message("# redirects: in order %u, not %u\n", run.orders[true], run.orders[false]);
	assert_int_equal(run.mismatches, 0);
	assert_true(run.orders[true] >= CASES_OF_ORDER / 50);
	assert_true(run.orders[false] >= CASES_OF_ORDER / 50);
}

/* The comparison itself: a reading with one mistake in it has to be noticed. */
static void test_notices_every_flaw(void **state)
{
	for (unsigned flaw = FLAW_NONE + 1; flaw < FLAWS; flaw++) {
		struct run run = { .random = *(const uint64_t *)*state };

		(flaw < FLAWS_OF_ORDER ? run_cases : run_orders)(&run, CASES_OF_A_FLAW,
								 (enum naive_flaw)flaw);
		if (run.mismatches == 0)
			print_error("flaw number %u was not noticed\n", flaw);
		assert_int_not_equal(run.mismatches, 0);
	}
}

int main(void)
{
	uint64_t start = 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_decides_as_described, &start),
		cmocka_unit_test_prestate(test_redirects_in_order, &start),
		cmocka_unit_test_prestate(test_notices_every_flaw, &start),
	};

	start = seed();
	printf("# PORTCRED_SEED=%" PRIu64 "\n", start);
	fflush(stdout);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
