/* SPDX-License-Identifier: MIT */
/*
 * compile.c - the tables that come out of a policy: each test names the mistake it would catch
 */
#include "loaded.h"

#include "policy/sort.h"

static const struct rule_set *set_at(const struct loaded *loaded, enum protocol protocol,
				     unsigned port)
{
	return &loaded->compiled->sets[loaded->compiled->ports[protocol * PORTS + port].enforced];
}

static uint32_t enforced_at(const struct loaded *loaded, enum protocol protocol, unsigned port)
{
	return loaded->compiled->ports[protocol * PORTS + port].enforced;
}

/* An unsorted or doubled key is invisible to the binary search and refused by the map's update. */
static void assert_keys_ascend(const struct compiled *compiled)
{
	for (size_t i = 1; i < compiled->n_users; i++) {
		const struct user_key *a = &compiled->user_keys[i - 1], *b = a + 1;

		assert_true(a->set < b->set || (a->set == b->set && a->uid < b->uid));
	}
}

/* Users lost, doubled, unsorted, or with another statement's line. */
static void test_users(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user bob, user alice\nbind 80 by user alice, user redis\n");
	assert_int_equal(l.compiled->n_sets, 2);
	assert_int_equal(l.compiled->n_users, 3);
	assert_int_equal(l.compiled->n_clauses, 0);
	assert_keys_ascend(l.compiled);
	assert_int_equal(l.compiled->user_keys[0].uid, REDIS);
	assert_int_equal(l.compiled->grants[0].at, 2);
	assert_int_equal(l.compiled->user_keys[1].uid, ALICE);
	assert_int_equal(l.compiled->grants[1].at, 1);
	assert_int_equal(l.compiled->user_keys[2].uid, BOB);
	assert_int_equal(l.compiled->sets[1].rule.line, 1);
	assert_int_equal(l.compiled->sets[1].flags, 0);
	unload(&l);
}

/* A wide range that goes on deciding where a narrower one was written. */
static void test_narrowest(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 1-1023/tcp by user alice\nbind 80-90/tcp by user bob\n"
		 "bind 80/tcp by user redis\nbind 81/tcp by user redis\n");
	assert_int_equal(l.compiled->n_sets, 5);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 79)->rule.line, 1);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 80)->rule.line, 3);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 81)->rule.line, 4);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 82)->rule.line, 2);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 90)->rule.line, 2);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 91)->rule.line, 1);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 1023)->rule.line, 1);
	assert_int_equal(enforced_at(&l, PROTOCOL_TCP, 0), 0);
	assert_int_equal(enforced_at(&l, PROTOCOL_TCP, 1024), 0);
	assert_int_equal(enforced_at(&l, PROTOCOL_UDP, 80), 0);
	unload(&l);
}

/* One million grants for half a million rules: a set for each protocol where one would do. */
static void test_protocols_share(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice\nbind 80/udp, 80/tcp by user bob\n"
		 "bind 81 by user alice\nbind 81/udp by user bob\n");
	assert_int_equal(enforced_at(&l, PROTOCOL_TCP, 80), enforced_at(&l, PROTOCOL_UDP, 80));
	assert_int_not_equal(enforced_at(&l, PROTOCOL_TCP, 81), enforced_at(&l, PROTOCOL_UDP, 81));
	assert_int_equal(l.compiled->n_sets, 4);
	assert_int_equal(l.compiled->n_users, 2 + 1 + 2);
	assert_keys_ascend(l.compiled);
	unload(&l);
}

/* `only` of the second statement of a range, which must hold for the first as well. */
static void test_only(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice\nbind 80 by user bob only\nbind 1-1023 by root\n");
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 80)->flags, SET_ONLY);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 81)->flags, 0);
	unload(&l);
}

/* `anyone on` taken for `anyone`, or the wrong statement named for it. */
static void test_anyone(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice\nbind 80 by anyone\nbind 80 by anyone\n"
		 "bind 81 by anyone on 127.0.0.1\n");
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 80)->flags, SET_ANYONE);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 80)->rule.line, 1);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 80)->anyone.line, 2);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 81)->flags, 0);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 81)->count, 1);
	assert_int_equal(l.compiled->clauses[set_at(&l, PROTOCOL_TCP, 81)->first].conditions, 0);
	assert_int_equal(l.compiled->clauses[set_at(&l, PROTOCOL_TCP, 81)->first].count, 1);
	unload(&l);
}

/* Conditions of a user that survive beside an unconditional grant, or clauses that are not a run. */
static void test_user_clauses(void **state)
{
	const struct grant *alice, *bob;
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice exe /usr/sbin/nginx, user bob exe /usr/sbin/nginx\n"
		 "bind 80 by group dba\n"
		 "bind 80 by user bob on 127.0.0.1\n"
		 "bind 80 by user alice\n"
		 "bind 80 by user bob unit web.service\n");
	assert_int_equal(l.compiled->n_users, 2);
	assert_keys_ascend(l.compiled);
	alice = &l.compiled->grants[0];
	bob = &l.compiled->grants[1];
	assert_int_equal(alice->clauses, 0);
	assert_int_equal(alice->at, 4);
	assert_int_equal(bob->clauses, 3);
	assert_int_equal(l.compiled->clauses[bob->at].rule.line, 1);
	assert_int_equal(l.compiled->clauses[bob->at].conditions, CONDITION_USER | CONDITION_EXE);
	assert_int_equal(l.compiled->clauses[bob->at + 1].rule.line, 3);
	assert_int_equal(l.compiled->clauses[bob->at + 1].conditions, CONDITION_USER);
	assert_int_equal(l.compiled->clauses[bob->at + 1].count, 1);
	assert_int_equal(l.compiled->clauses[bob->at + 2].conditions,
			 CONDITION_USER | CONDITION_UNIT);
	assert_int_equal(l.compiled->n_clauses, 4);
	assert_int_equal(l.compiled->sets[1].count, 1);
	assert_int_equal(l.compiled->clauses[l.compiled->sets[1].first].gid, DBA);
	unload(&l);
}

/* A name that nobody has: governed by a rule that admits no one, never ungoverned, never anyone. */
static void test_unknown_name(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user ghost\nbind 81 by group ghosts exe /bin/true, user alice\n");
	assert_int_not_equal(enforced_at(&l, PROTOCOL_TCP, 80), 0);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 80)->count, 0);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 81)->count, 0);
	assert_int_equal(l.compiled->n_users, 1);
	assert_int_equal(l.compiled->user_keys[0].uid, ALICE);
	unload(&l);
}

/* An observe statement that governs, or that enters the choice of the narrowest range. */
static void test_observe(void **state)
{
	const struct port_entry *entry;
	struct loaded l;

	(void)state;
	load(&l, "observe bind 6379/tcp by user redis\nbind 6000-7000/tcp by user alice\n"
		 "observe bind 6300-6400/tcp by user bob\nobserve bind 80/udp by anyone\n");
	entry = &l.compiled->ports[PROTOCOL_TCP * PORTS + 6379];
	assert_int_equal(l.compiled->sets[entry->enforced].rule.line, 2);
	assert_int_equal(l.compiled->sets[entry->observed].rule.line, 1);
	entry = &l.compiled->ports[PROTOCOL_TCP * PORTS + 6378];
	assert_int_equal(l.compiled->sets[entry->enforced].rule.line, 2);
	assert_int_equal(l.compiled->sets[entry->observed].rule.line, 3);
	entry = &l.compiled->ports[PROTOCOL_UDP * PORTS + 80];
	assert_int_equal(entry->enforced, 0);
	assert_int_not_equal(entry->observed, 0);
	assert_int_equal(entry->next, PORTS);
	unload(&l);
}

/* IP_LOCAL_PORT_RANGE over a governed port is found through `next`: off by one lets it through. */
static void test_next(void **state)
{
	const struct port_entry *tcp, *udp;
	struct loaded l;

	(void)state;
	load(&l, "bind 80/tcp by user alice\nbind 8000-8001/tcp by user alice\n"
		 "bind 65535/udp by user alice\n");
	tcp = l.compiled->ports;
	udp = tcp + PORTS;
	assert_int_equal(tcp[0].next, 80);
	assert_int_equal(tcp[80].next, 80);
	assert_int_equal(tcp[81].next, 8000);
	assert_int_equal(tcp[8001].next, 8001);
	assert_int_equal(tcp[8002].next, PORTS);
	assert_int_equal(tcp[65535].next, PORTS);
	assert_int_equal(udp[0].next, 65535);
	assert_int_equal(udp[65535].next, 65535);
	unload(&l);
}

/* A range named twice by one statement, whose clauses would count twice against the limit. */
static void test_range_twice(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80/tcp, 80/udp by group dba\nbind 81, 81 by group dba\n");
	assert_int_equal(l.compiled->n_sets, 3);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 80)->count, 1);
	assert_int_equal(set_at(&l, PROTOCOL_TCP, 81)->count, 1);
	assert_int_equal(l.compiled->n_clauses, 2);
	unload(&l);
}

/* refused_at() - line of the only error of @n statements, each with its number in it; 0: none */
static uint32_t refused_at(const char *before, const char *behind, unsigned n)
{
	_cleanup_free_ char *text = NULL;
	struct sources *sources = sources_new();
	struct loaded l;
	uint32_t at = 0;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	int r;

	assert_non_null(stream);
	assert_non_null(sources);
	for (unsigned i = 0; i < n; i++)
		fprintf(stream, "bind 80 by %s %u%s\n", before, i, behind);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(sources_add(sources, "policy.conf", text, size), 0);
	loaded_read(&l, sources, &loaded_machine);
	r = policy_compile(l.policy, &l.diagnostics, &l.compiled);
	if (l.diagnostics.errors) {
		assert_int_equal(r, -EINVAL);
		assert_null(l.compiled);
		assert_int_equal(l.diagnostics.errors, 1);
		at = l.diagnostics.items[0].where.line;
		assert_non_null(strstr(l.diagnostics.items[0].text, "80-80"));
	} else {
		assert_int_equal(r, 0);
	}
	unload(&l);
	return at;
}

/* A list longer than the kernel's loop: its end would silently admit no one. */
static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(refused_at("group", "", MAX_CLAUSES), 0);
	assert_int_equal(refused_at("group", "", MAX_CLAUSES + 1), MAX_CLAUSES + 1);
	assert_int_equal(refused_at("group", "", MAX_CLAUSES + 9), MAX_CLAUSES + 1);
	assert_int_equal(refused_at("user 7 group", "", MAX_CLAUSES), 0);
	assert_int_equal(refused_at("user 7 group", "", MAX_CLAUSES + 1), MAX_CLAUSES + 1);
	assert_int_equal(refused_at("user", "", 10 * MAX_CLAUSES), 0);
	assert_int_equal(refused_at("user", " group 7", 10 * MAX_CLAUSES), 0);
}

static void test_scope(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice\n");
	assert_false(l.compiled->all_namespaces);
	unload(&l);
	load(&l, "set scope all\nbind 80 by user alice\n");
	assert_true(l.compiled->all_namespaces);
	unload(&l);
}

/* Words of clauses that point at another statement's. */
static void test_words(void **state)
{
	const struct clause *clause;
	struct loaded l;

	(void)state;
	load(&l, "bind 79 by user alice exe /bin/a on 10.0.0.0/8\n"
		 "bind 80 by unit postgresql@*.service group dba on 127.0.0.0/8, ::1\n");
	clause = &l.compiled->clauses[set_at(&l, PROTOCOL_TCP, 80)->first];
	assert_int_equal(clause->conditions, CONDITION_UNIT | CONDITION_GROUP);
	assert_int_equal(clause->gid, DBA);
	assert_int_equal(clause->count, 2);
	assert_int_equal(l.compiled->prefixes[clause->first].length, 8);
	assert_int_equal(l.compiled->prefixes[clause->first + 1].family, 6);
	assert_memory_equal(l.compiled->units[clause->unit].text, "postgresql@.service", 19);
	assert_int_equal(l.compiled->n_exes, 1);
	assert_string_equal(l.compiled->exes[0], "/bin/a");
	unload(&l);
}

/* The empty policy, which the package ships, and one of which nothing is in force. */
static void test_empty(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "");
	assert_int_equal(l.compiled->n_sets, 1);
	assert_int_equal(l.compiled->n_users, 0);
	for (unsigned port = 0; port < PROTOCOLS * PORTS; port++) {
		assert_int_equal(l.compiled->ports[port].enforced, 0);
		assert_int_equal(l.compiled->ports[port].observed, 0);
		assert_int_equal(l.compiled->ports[port].next, PORTS);
	}
	unload(&l);
}

/* struct handmade - what the parser refuses, handed to the compiler all the same */
struct handmade {
	struct policy policy;
	struct statement statements[3];
	struct port_range ports[3];
	struct alternative alternatives[3];
};

static void handmade_add(struct handmade *h, uint16_t first, uint16_t last, uint32_t conditions)
{
	size_t n = h->policy.n_statements++;

	h->policy.statements = h->statements;
	h->policy.ports = h->ports;
	h->policy.alternatives = h->alternatives;
	h->policy.n_ports = h->policy.n_alternatives = n + 1;
	h->statements[n] = (struct statement){
		.line = (uint32_t)n + 1,
		.kind = STATEMENT_BIND,
		.first_port = (uint32_t)n,
		.ports = 1,
		.first_alternative = (uint32_t)n,
		.alternatives = 1,
	};
	h->ports[n] = (struct port_range){ first, last, PROTOCOL_BITS_ALL, 0 };
	h->alternatives[n] = (struct alternative){ .conditions = conditions, .uid = 7, .gid = 7 };
}

static int handmade_compile(const struct handmade *h, struct compiled **ret_compiled)
{
	struct diagnostics diagnostics = { 0 };
	int r = policy_compile(&h->policy, &diagnostics, ret_compiled);

	assert_int_equal(diagnostics.errors, 0);
	return r;
}

/* Ranges that overlap in part are refused earlier; here each port still has its narrowest. */
static void test_handmade_overlap(void **state)
{
	struct compiled *compiled = NULL;
	struct handmade h = { 0 };

	(void)state;
	handmade_add(&h, 10, 30, CONDITION_USER);
	handmade_add(&h, 25, 35, CONDITION_USER);
	handmade_add(&h, 5, 12, CONDITION_USER);
	assert_int_equal(handmade_compile(&h, &compiled), 0);
	assert_int_equal(compiled->sets[compiled->ports[12].enforced].rule.line, 3);
	assert_int_equal(compiled->sets[compiled->ports[13].enforced].rule.line, 1);
	assert_int_equal(compiled->sets[compiled->ports[25].enforced].rule.line, 2);
	assert_int_equal(compiled->sets[compiled->ports[35].enforced].rule.line, 2);
	assert_int_equal(compiled->ports[36].enforced, 0);
	compiled_free(compiled);
}

/* A range that paints backwards, or port 0, would write where it should not. */
static void test_handmade_wrong_ranges(void **state)
{
	struct compiled *compiled = NULL;
	struct handmade h = { 0 }, zero = { 0 };

	(void)state;
	handmade_add(&h, 30, 10, CONDITION_USER);
	assert_int_equal(handmade_compile(&h, &compiled), -EINVAL);
	handmade_add(&zero, 0, 10, CONDITION_USER);
	assert_int_equal(handmade_compile(&zero, &compiled), -EINVAL);
	assert_null(compiled);
}

/* An alternative without a word, or with a name not yet resolved, that comes to admit someone. */
static void test_handmade_nobody(void **state)
{
	struct compiled *compiled = NULL;
	struct handmade h = { 0 };

	(void)state;
	handmade_add(&h, 80, 80, 0);
	handmade_add(&h, 80, 80, CONDITION_USER | CONDITION_NAMED_USER);
	handmade_add(&h, 80, 80, CONDITION_GROUP | CONDITION_NEVER);
	assert_int_equal(handmade_compile(&h, &compiled), 0);
	assert_int_not_equal(compiled->ports[80].enforced, 0);
	assert_int_equal(compiled->n_users, 0);
	assert_int_equal(compiled->n_clauses, 0);
	assert_int_equal(compiled->sets[1].flags, 0);
	compiled_free(compiled);
}

/* many_statements() - @n one-port statements by users in no order, and nested ranges among them */
static void many_statements(struct policy *policy, size_t n)
{
	uint32_t random = 12345;

	*policy = (struct policy){ .n_statements = n, .n_ports = n, .n_alternatives = n };
	policy->statements = calloc(n, sizeof(*policy->statements));
	policy->ports = calloc(n, sizeof(*policy->ports));
	policy->alternatives = calloc(n, sizeof(*policy->alternatives));
	assert_non_null(policy->statements);
	assert_non_null(policy->ports);
	assert_non_null(policy->alternatives);
	for (size_t i = 0; i < n; i++) {
		uint16_t port;

		random = random * 1103515245 + 12345;
		port = (uint16_t)(1 + (random >> 8) % 50);
		policy->statements[i] = (struct statement){
			.line = (uint32_t)i + 1,
			.first_port = (uint32_t)i,
			.ports = 1,
			.first_alternative = (uint32_t)i,
			.alternatives = 1,
		};
		policy->ports[i] = (struct port_range){ port, port, PROTOCOL_BITS_ALL, 0 };
		policy->alternatives[i] = (struct alternative){
			.conditions = CONDITION_USER,
			.uid = random % 3 ? random >> 4 : random >> 28,
		};
	}
}

static void many_free(struct policy *policy)
{
	free(policy->statements);
	free(policy->ports);
	free(policy->alternatives);
}

/* Sorting of long lists: a lost, doubled or displaced user, or another statement's line. */
static void test_many_users(void **state)
{
	struct diagnostics diagnostics = { 0 };
	struct compiled *compiled = NULL;
	struct policy policy;

	(void)state;
	many_statements(&policy, 20000);
	assert_int_equal(policy_compile(&policy, &diagnostics, &compiled), 0);
	assert_keys_ascend(compiled);
	assert_int_equal(compiled->n_sets, 51);
	for (size_t i = 0; i < policy.n_statements; i++) {
		const struct subject subject = { .uid = policy.alternatives[i].uid };
		const struct target target =
			target_of(PROTOCOL_UDP, policy.ports[i].first, "0.0.0.0");
		struct answer answer = verdict_enforced(compiled, &subject, &target);
		size_t named = answer.rule.line - 1;

		/* The first of all statements that name this user for this port. */
		assert_int_equal(answer.verdict, VERDICT_GRANTED);
		assert_true(named <= i);
		assert_int_equal(policy.alternatives[named].uid, subject.uid);
		assert_int_equal(policy.ports[named].first, target.port);
	}
	compiled_free(compiled);
	many_free(&policy);
}

/* Tables that depend on anything but the text could not be compared between two runs. */
static void test_deterministic(void **state)
{
	struct diagnostics diagnostics = { 0 };
	struct compiled *a = NULL, *b = NULL;
	struct policy policy;

	(void)state;
	many_statements(&policy, 5000);
	assert_int_equal(policy_compile(&policy, &diagnostics, &a), 0);
	assert_int_equal(policy_compile(&policy, &diagnostics, &b), 0);
	assert_int_equal(a->n_users, b->n_users);
	assert_memory_equal(a->ports, b->ports, sizeof(*a->ports) * PROTOCOLS * PORTS);
	assert_memory_equal(a->sets, b->sets, a->n_sets * sizeof(*a->sets));
	assert_memory_equal(a->user_keys, b->user_keys, a->n_users * sizeof(*a->user_keys));
	assert_memory_equal(a->grants, b->grants, a->n_users * sizeof(*a->grants));
	compiled_free(a);
	compiled_free(b);
	many_free(&policy);
}

/* 65,535 ranges one inside the other, each to be painted only where the one inside it is not. */
static void test_deep_nesting(void **state)
{
	struct diagnostics diagnostics = { 0 };
	struct compiled *compiled = NULL;
	struct policy policy;

	(void)state;
	many_statements(&policy, 65535);
	for (size_t i = 0; i < policy.n_ports; i++)
		policy.ports[i] = (struct port_range){ 1, (uint16_t)(i + 1), PROTOCOL_BITS_ALL, 0 };
	assert_int_equal(policy_compile(&policy, &diagnostics, &compiled), 0);
	for (uint32_t port = 1; port < PORTS; port++) {
		const struct port_entry *entry = &compiled->ports[port];

		assert_int_equal(compiled->sets[entry->enforced].rule.line, port);
	}
	compiled_free(compiled);
	many_free(&policy);
}

/* Equal upper bits that change places would name a later statement than the first. */
static void test_sort_is_stable(void **state)
{
	enum { MANY = 1000 };
	uint64_t values[MANY], scratch[MANY];
	uint32_t random = 99;

	(void)state;
	for (size_t n = 1; n <= MANY; n = n < 70 ? n + 1 : n * 2) {
		for (size_t i = 0; i < n; i++) {
			random = random * 1664525 + 1013904223;
			values[i] = (uint64_t)(random >> 27 | random << 31) << 32 | i;
		}
		sort_upper(values, scratch, n, 32);
		assert_true(sort_is_sorted(values, n, 0));
		assert_true(sort_is_sorted(values, n, 32));
	}
	values[0] = 2ULL << 32;
	values[1] = 1ULL << 32;
	assert_false(sort_is_sorted(values, 2, 32));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_narrowest),
		cmocka_unit_test(test_protocols_share),
		cmocka_unit_test(test_only),
		cmocka_unit_test(test_anyone),
		cmocka_unit_test(test_user_clauses),
		cmocka_unit_test(test_unknown_name),
		cmocka_unit_test(test_observe),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_range_twice),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_handmade_overlap),
		cmocka_unit_test(test_handmade_wrong_ranges),
		cmocka_unit_test(test_handmade_nobody),
		cmocka_unit_test(test_many_users),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_sort_is_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
