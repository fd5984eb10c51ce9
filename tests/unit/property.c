/* SPDX-License-Identifier: MIT */
/*
 * property.c - random policies, processes and callers: the tables decide as the language says
 *
 *	struct naive_policy ── naive_print() ── text ── parse, resolve, check, compile ── verdict
 *	        └───────────── naive_decide(), naive_decide_end() ───────────────────────── equal?
 *
 * The worlds are small (13 ports, five users, four groups, two hosts), so that everything collides:
 * nested ranges, one user in several rules, memberships, addresses. A policy has rules for binds,
 * callers and services, and each case asks one question of each kind. PORTCRED_SEED repeats a run;
 * PORTCRED_CASES sets its length.
 */
#include "loaded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "naive.h"
#include "policy/explain.h"

#define CASES           120000U
#define CASES_A_POLICY  200U
#define CASES_EXPLAINED 10U     /* one of so many */
#define CASES_OF_A_FLAW 100000U /* at most: the first mismatch ends them */

/* Ranges one inside the other or apart. */
static const struct naive_item universe[] = {
	{ 0, 12, NAIVE_BOTH },        { 1, 12, NAIVE_BOTH },  { 1, 6, NAIVE_BOTH },
	{ 0, 6, NAIVE_BOTH },         { 7, 12, NAIVE_BOTH },  { 1, 3, NAIVE_BOTH },
	{ 4, 6, NAIVE_BOTH },         { 5, 5, NAIVE_BOTH },   { 2, 2, NAIVE_BOTH },
	{ 8, 9, NAIVE_BOTH },         { 12, 12, NAIVE_BOTH }, { 65530, 65535, NAIVE_BOTH },
	{ 65535, 65535, NAIVE_BOTH },
};
static const int ports[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 65530, 65535 };

static const struct naive_name users[] = {
	{ "alice", ALICE }, { "1000", ALICE }, { "bob", BOB },     { "1001", BOB },
	{ "redis", REDIS }, { "root", ROOT },  { "\"bob\"", BOB }, { "ghost", -1 },
};
static const long uids[] = { ROOT, REDIS, ALICE, BOB, 4242 };
static const struct naive_name groups[] = {
	{ "developers", DEVELOPERS }, { "500", DEVELOPERS }, { "dba", DBA },
	{ "admins", ADMINS },         { "ghosts", -1 },
};
static const long gids[] = { DEVELOPERS, DBA, ADMINS, 4242 };
static const char *const exes[] = { "/bin/a", "/bin/b" };
static const char *const patterns[] = { "web.service", "db@*.service", "*.service", "db@1*" };
static const char *const units[] = { "web.service", "db@1.service", "db@.service",
				     "db@1",        "x.scope",      "db@*.service" };

static const struct naive_network networks[] = {
	{ "0.0.0.0/0", 4, { 0 }, 0 },
	{ "::/0", 6, { 0 }, 0 },
	{ "127.0.0.0/8", 4, { 127 }, 8 },
	{ "10.0.0.1", 4, { 10, 0, 0, 1 }, 32 },
	{ "10.0.0.0/31", 4, { 10 }, 31 },
	{ "0.0.0.0/1", 4, { 0 }, 1 },
	{ "0.0.0.0", 4, { 0 }, 32 },
	{ "::ffff:10.0.0.0/104", 4, { 10 }, 8 },
	{ "::1", 6, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 128 },
	{ "::/1", 6, { 0 }, 1 },
	{ "::", 6, { 0 }, 128 },
	{ "fd00::/33", 6, { 0xfd }, 33 },
};

/* Bob of db1 is in no range, and redis at the edge of one of db2's. */
static const struct naive_host hosts[] = {
	{ "db1",
	  "host db1 key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE= at 10.0.0.1, fd00::1 "
	  "users shared 1000",
	  1,
	  { { ALICE, ALICE } },
	  false },
	{ "db2",
	  "host db2 key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI= at 10.0.0.0/8 "
	  "users shared 5-100, 1001-5000 root trust",
	  2,
	  { { 5, REDIS }, { BOB, 5000 } },
	  true },
};
static const char *const host_names[] = { "db1", "db2", "local", "*" };
/* As loaded.h lists them. */
static const struct naive_member members[] = {
	{ DEVELOPERS, BOB }, { DEVELOPERS, ALICE }, { DBA, ALICE },
	{ ADMINS, ROOT },    { DBA, REDIS },        { WWW_DATA, WWW_DATA },
};
static const struct naive_world world = { hosts, ELEMENTS(hosts), members, ELEMENTS(members) };
static const int source_ports[] = { 0, 1, 511, 512, 700, 1023, 1024, 40000 };

static const struct naive_address addresses[] = {
	{ "0.0.0.0", 4, { 0 }, false },
	{ "::", 6, { 0 }, false },
	{ "::", 6, { 0 }, true },
	{ "::ffff:0.0.0.0", 4, { 0 }, false },
	{ "127.0.0.1", 4, { 127, 0, 0, 1 }, false },
	{ "10.0.0.1", 4, { 10, 0, 0, 1 }, false },
	{ "::ffff:10.0.0.1", 4, { 10, 0, 0, 1 }, false },
	{ "10.0.0.2", 4, { 10, 0, 0, 2 }, false },
	{ "::1", 6, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, false },
	{ "fd00::1", 6, { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, true },
	{ "fd00:0:8000::", 6, { 0xfd, 0, 0, 0, 0x80 }, false },
};

/* struct run - one stream of cases, and what came of it */
struct run {
	uint64_t random;
	unsigned verdicts[NAIVE_VERDICTS], observed[NAIVE_VERDICTS];
	unsigned accepts[NAIVE_VERDICTS], connects[NAIVE_VERDICTS];
	unsigned mismatches;
};

/* struct question - one case */
struct question {
	struct naive_process process;
	const struct naive_address *address;
	enum naive_protocol protocol;
	int port;
};

/* below() - a random number (splitmix64) from 0 to n - 1 */
static unsigned below(struct run *run, unsigned n)
{
	uint64_t z = run->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned)((z ^ z >> 31) % n);
}

#define PICK(run, array) ((array)[below((run), ELEMENTS(array))])

static struct naive_alternative random_alternative(struct run *run)
{
	struct naive_alternative a = { .order = (int)below(run, 4) };
	unsigned words = 1 + below(run, 15);

	if (below(run, 20) == 0) {
		a.anyone = true;
		return a;
	}
	/* Few words more often than many: a policy that admits nobody tests nothing. */
	if (below(run, 2))
		words = 1U << below(run, 4);
	if (words == 4)
		words |= 1; /* `exe` alone is refused */
	if (words & 1) {
		a.root = below(run, 8) == 0;
		if (!a.root)
			a.user = PICK(run, users);
	}
	if (words & 2)
		a.group = PICK(run, groups);
	if (words & 4)
		a.exe = PICK(run, exes);
	if (words & 8)
		a.unit = PICK(run, patterns);
	return a;
}

static struct naive_caller random_caller(struct run *run, enum naive_kind kind)
{
	static const enum naive_caller_kind accepting[] = {
		NAIVE_USER,  NAIVE_USER,        NAIVE_GROUP,   NAIVE_ANYONE,
		NAIVE_OWNER, NAIVE_OWNER_GROUP, NAIVE_ADDRESS, NAIVE_RESERVED,
	};
	static const enum naive_caller_kind connecting[] = { NAIVE_USER, NAIVE_ANYONE,
							     NAIVE_APPROVED };
	struct naive_caller c = {
		.kind = kind == NAIVE_ACCEPT ? PICK(run, accepting) : PICK(run, connecting),
		.host = PICK(run, host_names),
		.network = &networks[below(run, ELEMENTS(networks))],
	};

	if (c.kind == NAIVE_USER)
		c.name = users[below(run, ELEMENTS(users))];
	else if (c.kind == NAIVE_GROUP)
		c.name = groups[below(run, ELEMENTS(groups))];
	return c;
}

static struct naive_statement random_connection(struct run *run)
{
	struct naive_statement s = {
		.kind = below(run, 3) ? NAIVE_ACCEPT : NAIVE_CONNECT,
		.observe = below(run, 4) == 0,
		.n_items = 1 + (int)below(run, NAIVE_ITEMS),
		.n_callers = 1 + (int)below(run, NAIVE_CALLERS),
	};
	bool protocols = below(run, 2);

	for (int i = 0; i < s.n_items; i++) {
		s.items[i] = PICK(run, universe);
		if (protocols)
			s.items[i].protocol = NAIVE_TCP;
	}
	for (int i = 0; i < s.n_callers; i++)
		s.callers[i] = random_caller(run, s.kind);
	return s;
}

static struct naive_statement random_bind(struct run *run)
{
	struct naive_statement s = {
		.observe = below(run, 4) == 0,
		.only = below(run, 5) == 0,
		.n_items = 1 + (int)below(run, NAIVE_ITEMS),
		.n_alternatives = 1 + (int)below(run, NAIVE_ALTERNATIVES),
		.n_networks = below(run, 3) ? 0 : 1 + (int)below(run, NAIVE_PREFIXES),
	};
	bool protocols = below(run, 2); /* a list says one for every item, or for none */

	for (int i = 0; i < s.n_items; i++) {
		s.items[i] = PICK(run, universe);
		if (protocols)
			s.items[i].protocol = below(run, 2) ? NAIVE_TCP : NAIVE_UDP;
	}
	for (int i = 0; i < s.n_alternatives; i++)
		s.alternatives[i] = random_alternative(run);
	for (int i = 0; i < s.n_networks; i++)
		s.networks[i] = &networks[below(run, ELEMENTS(networks))];
	return s;
}

static struct naive_policy random_policy(struct run *run)
{
	struct naive_policy policy = { .n = 1 + (int)below(run, NAIVE_STATEMENTS) };

	for (int i = 0; i < policy.n; i++)
		policy.statements[i] = below(run, 2) ? random_bind(run) : random_connection(run);
	return policy;
}

static struct question random_question(struct run *run)
{
	struct question q = {
		.process = {
			.uid = PICK(run, uids),
			.gid = PICK(run, gids),
			.n_groups = (int)below(run, NAIVE_GROUPS + 1),
			.capable = below(run, 3) == 0,
			.exe = below(run, 3) ? PICK(run, exes) : NULL,
			.unit = below(run, 3) ? PICK(run, units) : NULL,
		},
		.address = &addresses[below(run, ELEMENTS(addresses))],
		.protocol = below(run, 2) ? NAIVE_TCP : NAIVE_UDP,
		.port = PICK(run, ports),
	};

	for (int i = 0; i < q.process.n_groups; i++)
		q.process.groups[i] = PICK(run, gids);
	return q;
}

/* struct call - the question about a connection */
struct call {
	struct naive_end end;
	enum naive_kind kind;
	int port;
};

static struct call random_call(struct run *run)
{
	static const char *const vouching[] = { NULL, "local", "db1", "db2" };

	return (struct call){
		.end = {
			.host = PICK(run, vouching),
			.uid = below(run, 6) ? PICK(run, uids) : -1,
			.approved = below(run, 3) == 0,
			.address = below(run, 6) ? &addresses[below(run, ELEMENTS(addresses))]
						 : NULL,
			.port = PICK(run, source_ports),
			.owner_uid = below(run, 6) ? PICK(run, uids) : -1,
			.owner_gid = below(run, 6) ? PICK(run, gids) : -1,
		},
		.kind = below(run, 3) ? NAIVE_ACCEPT : NAIVE_CONNECT,
		.port = PICK(run, ports),
	};
}

/* end_of() - the same in the words of verdict.h, whose hosts and users are looked up as well */
static struct other_end end_of(const struct loaded *l, const struct naive_end *end)
{
	struct other_end is = {
		.host = end->host ? verdict_find_host(l->compiled, end->host) : HOST_NONE,
		.approved = end->approved,
		.port = (uint16_t)end->port,
		.owner_uid = end->owner_uid < 0 ? UID_NONE : (uint32_t)end->owner_uid,
		.owner_gid = end->owner_gid < 0 ? UID_NONE : (uint32_t)end->owner_gid,
	};

	is.uid =
		verdict_map_uid(l->compiled, is.host, end->uid < 0 ? UID_NONE : (uint32_t)end->uid);
	if (end->address) {
		struct target target = target_of(PROTOCOL_TCP, 0, end->address->text);

		is.family = target.family;
		memcpy(is.address, target.address, sizeof(is.address));
	}
	return is;
}

/* struct asked - a question in the words of verdict.h */
struct asked {
	struct subject subject;
	struct target target;
	uint32_t groups[NAIVE_GROUPS];
};

static void ask(const struct question *q, struct asked *asked)
{
	*asked = (struct asked){
		.subject = {
			.uid = (uint32_t)q->process.uid,
			.gid = (uint32_t)q->process.gid,
			.groups = asked->groups,
			.n_groups = (size_t)q->process.n_groups,
			.capable = q->process.capable,
			.exe = q->process.exe,
			.unit = q->process.unit,
		},
		.target = target_of(q->protocol == NAIVE_TCP ? PROTOCOL_TCP : PROTOCOL_UDP,
				    (uint16_t)q->port, q->address->text),
	};
	asked->target.v6only = q->address->v6only;
	for (int i = 0; i < q->process.n_groups; i++)
		asked->groups[i] = (uint32_t)q->process.groups[i];
}

static bool same(const struct naive_answer *naive, const struct answer *answer)
{
	static const enum verdict verdicts[NAIVE_VERDICTS] = {
		[NAIVE_UNGOVERNED] = VERDICT_UNGOVERNED,
		[NAIVE_GRANTED] = VERDICT_GRANTED,
		[NAIVE_CAPABLE] = VERDICT_CAPABLE,
		[NAIVE_REFUSED] = VERDICT_REFUSED,
	};

	if (answer->verdict != verdicts[naive->verdict])
		return false;
	if (naive->verdict == NAIVE_UNGOVERNED)
		return answer->rule.line == 0;
	return answer->rule.line >= 1 && answer->rule.line <= NAIVE_STATEMENTS &&
	       naive->named[answer->rule.line - 1];
}

static void show_answers(const struct naive_answer *naive, const struct answer *answer)
{
	print_error("verdict %s by line %" PRIu32 ", expected verdict number %u by line",
		    explain_verdict_name(answer->verdict), answer->rule.line, naive->verdict);
	for (int i = 0; i < NAIVE_STATEMENTS; i++) {
		if (naive->named[i])
			print_error(" %d", i + 1);
	}
	print_error("\n");
}

/* show() - a case that went wrong, to be read by a person */
static void show(const char *text, const struct question *q, const struct naive_answer *naive,
		 const struct answer *answer)
{
	print_error("%suid %ld gid %ld groups", text, q->process.uid, q->process.gid);
	for (int i = 0; i < q->process.n_groups; i++)
		print_error(" %ld", q->process.groups[i]);
	print_error("%s exe %s unit %s, port %d/%s on %s%s\n", q->process.capable ? " capable" : "",
		    q->process.exe ? q->process.exe : "-", q->process.unit ? q->process.unit : "-",
		    q->port, q->protocol == NAIVE_TCP ? "tcp" : "udp", q->address->text,
		    q->address->v6only ? " v6only" : "");
	show_answers(naive, answer);
}

/* explained_as_decided() - the story agrees with the verdict and with the naive reading */
static bool explained_as_decided(const struct explanation *explanation,
				 const bool names_subject[static NAIVE_STATEMENTS],
				 const struct answer *answer)
{
	unsigned answering = 0;
	bool good = explanation->answer.verdict == answer->verdict;

	for (size_t i = 0; i < explanation->n_statements; i++) {
		const struct explain_statement *told = &explanation->statements[i];
		bool names = names_subject[told->rule.line - 1];

		good = good && told->names_subject == names;
		answering += told->kind == EXPLAIN_ANSWERS;
		if (told->kind == EXPLAIN_ANSWERS)
			good = good && told->rule.line == answer->rule.line;
		if (told->kind == EXPLAIN_DECIDES)
			good = good && !names && told->n_reasons > 0;
		if (told->kind == EXPLAIN_OBSERVES || told->kind == EXPLAIN_OVERRIDDEN)
			good = good && told->n_reasons > 0;
	}
	return good && answering == (answer->verdict == VERDICT_GRANTED);
}

static bool explain_bind(const struct loaded *l, const struct ranges *ranges,
			 const struct naive_policy *policy, const struct question *q,
			 const struct asked *asked, const struct answer *answer)
{
	const struct explain_request request = { .subject = &asked->subject,
						 .target = &asked->target };
	struct explanation *explanation = NULL;
	bool names[NAIVE_STATEMENTS] = { 0 }, good;

	if (explain(ranges, l->compiled, &request, &explanation) < 0)
		return false;
	for (int i = 0; i < policy->n; i++)
		names[i] = naive_names(&policy->statements[i], &q->process, q->address, FLAW_NONE);
	good = explained_as_decided(explanation, names, answer);
	explanation_free(explanation);
	return good;
}

static bool explain_call(const struct loaded *l, const struct ranges *ranges,
			 const struct naive_policy *policy, const struct call *call,
			 const struct other_end *end, const struct answer *answer)
{
	const struct explain_connection request = {
		.kind = call->kind == NAIVE_ACCEPT ? STATEMENT_ACCEPT : STATEMENT_CONNECT,
		.port = (uint16_t)call->port,
		.end = end,
	};
	struct explanation *explanation = NULL;
	bool names[NAIVE_STATEMENTS] = { 0 }, good;

	if (explain_connection(ranges, l->compiled, &request, &explanation) < 0)
		return false;
	for (int i = 0; i < policy->n; i++)
		names[i] = naive_admits(&policy->statements[i], &world, &call->end, FLAW_NONE);
	good = explained_as_decided(explanation, names, answer);
	explanation_free(explanation);
	return good;
}

static void show_call(const char *text, const struct call *call, const struct naive_answer *naive,
		      const struct answer *answer)
{
	const struct naive_end *end = &call->end;

	print_error("%s%s port %d, host %s uid %ld%s at %s port %d, owner %ld:%ld\n", text,
		    call->kind == NAIVE_ACCEPT ? "accept" : "connect", call->port,
		    end->host ? end->host : "-", end->uid, end->approved ? " approved" : "",
		    end->address ? end->address->text : "-", end->port, end->owner_uid,
		    end->owner_gid);
	show_answers(naive, answer);
}

/* run_call() - one question about a connection; false: the answers differ */
static bool run_call(struct run *run, const struct naive_policy *policy, const struct loaded *l,
		     const char *text, const struct ranges *ranges, enum naive_flaw flaw)
{
	const struct call call = random_call(run);
	const struct other_end end = end_of(l, &call.end);
	bool good = true, explained = below(run, CASES_EXPLAINED) == 0;

	for (int observe = 0; observe <= 1; observe++) {
		struct naive_answer naive = naive_decide_end(policy, &world, call.kind, observe,
							     &call.end, call.port, flaw);
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

/* run_case() - one question to one policy; false: the answers differ */
static bool run_case(struct run *run, const struct naive_policy *policy, const struct loaded *l,
		     const char *text, const struct ranges *ranges, enum naive_flaw flaw)
{
	const struct question q = random_question(run);
	bool good = true, explained = below(run, CASES_EXPLAINED) == 0;
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

static void run_cases(struct run *run, unsigned cases, enum naive_flaw flaw)
{
	while (cases > 0) {
		const struct naive_policy policy = random_policy(run);
		struct ranges *ranges = NULL;
		struct loaded l;
		char text[8192];
		FILE *stream = fmemopen(text, sizeof(text), "w");

		assert_non_null(stream);
		naive_print(&policy, &world, stream);
		assert_int_equal(fclose(stream), 0);
		load(&l, text);
		assert_int_equal(ranges_new(l.policy, &ranges), 0);
		for (unsigned i = 0; i < CASES_A_POLICY && cases > 0; i++, cases--) {
			run->mismatches += !run_case(run, &policy, &l, text, ranges, flaw);
			run->mismatches += !run_call(run, &policy, &l, text, ranges, flaw);
		}
		ranges_free(ranges);
		unload(&l);
		if (run->mismatches)
			return; /* one is enough, be it wanted or not */
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

/* The comparison itself: a reading with one mistake in it has to be noticed. */
static void test_notices_every_flaw(void **state)
{
	for (unsigned flaw = FLAW_NONE + 1; flaw < FLAWS; flaw++) {
		struct run run = { .random = *(const uint64_t *)*state };

		run_cases(&run, CASES_OF_A_FLAW, (enum naive_flaw)flaw);
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
		cmocka_unit_test_prestate(test_notices_every_flaw, &start),
	};

	start = seed();
	printf("# PORTCRED_SEED=%" PRIu64 "\n", start);
	fflush(stdout);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
