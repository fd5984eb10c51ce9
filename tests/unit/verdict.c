/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - bpf/decide.h over compiled tables, one sentence of the language at a time
 */
#include "loaded.h"

/* struct bind - who asks for what; everything left out is zero */
struct bind {
	const char *exe, *unit, *address;
	uint32_t uid, gid;
	enum protocol protocol;
	uint16_t port;
	bool capable, v6only;
};

static struct answer answer_of(const struct loaded *l, const struct bind *bind)
{
	const struct subject subject = {
		.uid = bind->uid,
		.gid = bind->gid,
		.capable = bind->capable,
		.exe = bind->exe,
		.unit = bind->unit,
	};
	struct target target = target_of(bind->protocol, bind->port ? bind->port : 80,
					 bind->address ? bind->address : "0.0.0.0");

	target.v6only = bind->v6only;
	return verdict_enforced(l->compiled, &subject, &target);
}

/* Macros, so that a failure names its own line. */
#define EXPECT(l, wanted, ...)                                                                     \
	assert_int_equal(answer_of((l), &(struct bind){ __VA_ARGS__ }).verdict, VERDICT_##wanted)
#define EXPECT_LINE(l, wanted, ...)                                                                \
	assert_int_equal(answer_of((l), &(struct bind){ __VA_ARGS__ }).rule.line, (wanted))

static void test_users(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80/tcp by user alice, root\n");
	EXPECT(&l, GRANTED, .uid = ALICE);
	EXPECT(&l, GRANTED, .uid = ROOT);
	EXPECT(&l, REFUSED, .uid = BOB);
	EXPECT(&l, UNGOVERNED, .uid = BOB, .protocol = PROTOCOL_UDP);
	EXPECT(&l, UNGOVERNED, .uid = BOB, .port = 81);
	EXPECT_LINE(&l, 1, .uid = BOB);
	EXPECT_LINE(&l, 0, .uid = BOB, .port = 81);
	unload(&l);
}

/* The order decides which rule is named: the user, anyone, the others, the capability. */
static void test_named_rule(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by group dba\nbind 80 by user alice\n"
		 "bind 81 by user alice\nbind 81 by anyone\nbind 82 by group dba\n"
		 "bind 83 by user alice on 127.0.0.1\nbind 83 by anyone\n");
	EXPECT_LINE(&l, 2, .uid = ALICE, .gid = DBA);
	EXPECT_LINE(&l, 1, .uid = BOB, .gid = DBA);
	EXPECT_LINE(&l, 1, .uid = BOB);
	EXPECT_LINE(&l, 3, .uid = ALICE, .port = 81);
	EXPECT_LINE(&l, 4, .uid = BOB, .port = 81);
	EXPECT_LINE(&l, 7, .uid = ALICE, .port = 83);
	EXPECT_LINE(&l, 5, .uid = ALICE, .capable = true, .port = 82);
	EXPECT(&l, CAPABLE, .uid = ALICE, .capable = true, .port = 82);
	EXPECT(&l, GRANTED, .uid = ALICE, .gid = DBA, .capable = true, .port = 82);
	unload(&l);
}

static void test_only(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice only\nbind 80 by user bob\nbind 81 by user alice\n");
	EXPECT(&l, REFUSED, .uid = ROOT, .capable = true);
	EXPECT(&l, GRANTED, .uid = BOB, .capable = true);
	EXPECT(&l, CAPABLE, .uid = ROOT, .capable = true, .port = 81);
	EXPECT(&l, REFUSED, .uid = ROOT, .port = 81);
	unload(&l);
}

/* Effective and supplementary groups alike; an empty list must not be read. */
static void test_groups(void **state)
{
	const uint32_t groups[] = { 7, DEVELOPERS, 8 };
	struct subject subject = { .uid = ALICE, .gid = 9, .groups = groups, .n_groups = 3 };
	const struct target target = target_of(PROTOCOL_TCP, 80, "::1");
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by group developers\n");
	assert_int_equal(verdict_enforced(l.compiled, &subject, &target).verdict, VERDICT_GRANTED);
	subject.n_groups = 1;
	assert_int_equal(verdict_enforced(l.compiled, &subject, &target).verdict, VERDICT_REFUSED);
	subject.gid = DEVELOPERS;
	subject.n_groups = 0;
	subject.groups = NULL;
	assert_int_equal(verdict_enforced(l.compiled, &subject, &target).verdict, VERDICT_GRANTED);
	unload(&l);
}

/* All words of one principal, of which any one that fails refuses. */
static void test_words_joined(void **state)
{
	const struct bind right = {
		.uid = ALICE,
		.gid = DBA,
		.exe = "/bin/a",
		.unit = "web.service",
		.address = "10.0.0.1",
	};
	struct bind wrong[] = { right, right, right, right, right, right, right };
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice group dba exe /bin/a unit web.service on 10.0.0.1\n");
	wrong[0].uid = BOB;
	wrong[1].gid = ADMINS;
	wrong[2].exe = "/bin/b";
	wrong[3].exe = NULL;
	wrong[4].unit = "web.servic";
	wrong[5].unit = NULL;
	wrong[6].address = "10.0.0.2";
	assert_int_equal(answer_of(&l, &right).verdict, VERDICT_GRANTED);
	for (size_t i = 0; i < ELEMENTS(wrong); i++)
		assert_int_equal(answer_of(&l, &wrong[i]).verdict, VERDICT_REFUSED);
	unload(&l);
}

/* A user's several clauses: the last one counts as much as the first. */
static void test_user_clauses(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice unit a.service\nbind 80 by user alice unit b.service\n"
		 "bind 80 by group dba unit c.service\n");
	EXPECT_LINE(&l, 1, .uid = ALICE, .unit = "a.service");
	EXPECT_LINE(&l, 2, .uid = ALICE, .unit = "b.service");
	EXPECT_LINE(&l, 3, .uid = ALICE, .gid = DBA, .unit = "c.service");
	EXPECT(&l, GRANTED, .uid = ALICE, .gid = DBA, .unit = "c.service");
	EXPECT(&l, REFUSED, .uid = ALICE, .unit = "c.service");
	EXPECT(&l, REFUSED, .uid = BOB, .unit = "b.service");
	unload(&l);
}

static void test_units(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by unit postgresql@*.service\nbind 81 by unit web.service\n"
		 "bind 82 by unit db*\nbind 83 by unit *.scope\nbind 84 by unit aa*aa\n");
	EXPECT(&l, GRANTED, .unit = "postgresql@15-main.service");
	EXPECT(&l, GRANTED, .unit = "postgresql@.service");
	EXPECT(&l, REFUSED, .unit = "postgresql@15-main.servicex");
	EXPECT(&l, REFUSED, .unit = "xpostgresql@15-main.service");
	EXPECT(&l, REFUSED, .unit = "postgresql@");
	EXPECT(&l, REFUSED, .unit = "");
	EXPECT(&l, GRANTED, .unit = "web.service", .port = 81);
	EXPECT(&l, REFUSED, .unit = "web.services", .port = 81);
	EXPECT(&l, REFUSED, .unit = "aweb.service", .port = 81);
	EXPECT(&l, GRANTED, .unit = "db", .port = 82);
	EXPECT(&l, GRANTED, .unit = "dbx", .port = 82);
	EXPECT(&l, REFUSED, .unit = "d", .port = 82);
	EXPECT(&l, GRANTED, .unit = "session-1.scope", .port = 83);
	/* The two ends of a pattern may not share a character. */
	EXPECT(&l, REFUSED, .unit = "aaa", .port = 84);
	EXPECT(&l, GRANTED, .unit = "aaaa", .port = 84);
	unload(&l);
}

static void test_addresses(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by anyone on 127.0.0.0/8, ::1\nbind 81 by anyone on 0.0.0.0/0\n"
		 "bind 82 by anyone on ::/0\nbind 83 by anyone on ::/0, 0.0.0.0/0\n"
		 "bind 84 by anyone on 0.0.0.0, ::\nbind 85 by user alice on 10.0.0.0/9\n");
	EXPECT(&l, GRANTED, .address = "127.1.2.3");
	EXPECT(&l, GRANTED, .address = "::ffff:127.0.0.1");
	EXPECT(&l, GRANTED, .address = "::1");
	EXPECT(&l, REFUSED, .address = "128.0.0.1");
	EXPECT(&l, REFUSED, .address = "::2");
	EXPECT(&l, REFUSED, .address = "0.0.0.0");
	EXPECT(&l, REFUSED, .address = "::");

	EXPECT(&l, GRANTED, .port = 81, .address = "0.0.0.0");
	EXPECT(&l, GRANTED, .port = 81, .address = "::ffff:0.0.0.0");
	EXPECT(&l, GRANTED, .port = 81, .address = "10.0.0.1");
	EXPECT(&l, REFUSED, .port = 81, .address = "::");
	EXPECT(&l, REFUSED, .port = 81, .address = "::1");

	EXPECT(&l, REFUSED, .port = 82, .address = "::");
	EXPECT(&l, GRANTED, .port = 82, .address = "::", .v6only = true);
	EXPECT(&l, GRANTED, .port = 82, .address = "fd00::1");
	EXPECT(&l, REFUSED, .port = 82, .address = "::ffff:10.0.0.1");
	EXPECT(&l, GRANTED, .port = 83, .address = "::");

	/* The address written out is not the network of everything. */
	EXPECT(&l, REFUSED, .port = 84, .address = "0.0.0.0");
	EXPECT(&l, REFUSED, .port = 84, .address = "::", .v6only = true);

	EXPECT(&l, GRANTED, .port = 85, .uid = ALICE, .address = "10.127.255.255");
	EXPECT(&l, REFUSED, .port = 85, .uid = ALICE, .address = "10.128.0.0");
	unload(&l);
}

static void test_observed(void **state)
{
	const struct subject redis = { .uid = REDIS }, bob = { .uid = BOB };
	const struct target target = target_of(PROTOCOL_TCP, 6379, "0.0.0.0");
	struct loaded l;

	(void)state;
	load(&l, "observe bind 6379/tcp by user redis\n");
	assert_int_equal(verdict_enforced(l.compiled, &bob, &target).verdict, VERDICT_UNGOVERNED);
	assert_int_equal(verdict_observed(l.compiled, &bob, &target).verdict, VERDICT_REFUSED);
	assert_int_equal(verdict_observed(l.compiled, &redis, &target).verdict, VERDICT_GRANTED);
	assert_int_equal(verdict_observed(l.compiled, &redis, &target).rule.line, 1);
	unload(&l);
}

/* Tables that point nowhere refuse: a damaged map must not open a port. */
static void test_damaged_tables(void **state)
{
	const struct subject alice = { .uid = ALICE, .gid = DBA };
	struct target target = target_of(PROTOCOL_TCP, 80, "127.0.0.1");
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice on 127.0.0.1\nbind 81 by group dba exe /bin/a\n"
		 "bind 82 by group dba unit a*\n");
	assert_int_equal(verdict_enforced(l.compiled, &alice, &target).verdict, VERDICT_GRANTED);
	l.compiled->n_prefixes = 0;
	assert_int_equal(verdict_enforced(l.compiled, &alice, &target).verdict, VERDICT_REFUSED);
	l.compiled->n_clauses = 0;
	assert_int_equal(verdict_enforced(l.compiled, &alice, &target).verdict, VERDICT_REFUSED);
	l.compiled->shape.buckets = 0;
	assert_int_equal(verdict_enforced(l.compiled, &alice, &target).verdict, VERDICT_REFUSED);
	l.compiled->ports[80].enforced = UINT32_MAX;
	assert_int_equal(verdict_enforced(l.compiled, &alice, &target).verdict, VERDICT_REFUSED);
	target.protocol = PROTOCOLS;
	assert_int_equal(verdict_enforced(l.compiled, &alice, &target).verdict, VERDICT_REFUSED);
	unload(&l);
}

/* An executable or unit that the tables do not have. */
static void test_damaged_words(void **state)
{
	const struct subject subject = { .gid = DBA, .exe = "/bin/a", .unit = "a.service" };
	struct target target = target_of(PROTOCOL_TCP, 81, "127.0.0.1");
	struct loaded l;

	(void)state;
	load(&l, "bind 81 by group dba exe /bin/a\nbind 82 by group dba unit a*\n");
	assert_int_equal(verdict_enforced(l.compiled, &subject, &target).verdict, VERDICT_GRANTED);
	free(l.compiled->exes[0]);
	l.compiled->n_exes = 0;
	assert_int_equal(verdict_enforced(l.compiled, &subject, &target).verdict, VERDICT_REFUSED);
	target.port = 82;
	assert_int_equal(verdict_enforced(l.compiled, &subject, &target).verdict, VERDICT_GRANTED);
	l.compiled->units[0].prefix = MAX_UNIT_NAME + 1;
	assert_int_equal(verdict_enforced(l.compiled, &subject, &target).verdict, VERDICT_REFUSED);
	l.compiled->n_units = 0;
	assert_int_equal(verdict_enforced(l.compiled, &subject, &target).verdict, VERDICT_REFUSED);
	unload(&l);
}

/* A hash that is damaged refuses: whatever its shape says, no key is found where it is not. */
static void test_damaged_hash(void **state)
{
	const struct subject alice = { .uid = ALICE };
	const struct subject nobody = { .uid = 0 };
	struct target target = target_of(PROTOCOL_TCP, 80, "127.0.0.1");
	struct users_shape whole;
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice\n");
	whole = l.compiled->shape;
	assert_int_equal(verdict_enforced(l.compiled, &alice, &target).verdict, VERDICT_GRANTED);
	l.compiled->shape.probes = 0;
	assert_int_equal(verdict_enforced(l.compiled, &alice, &target).verdict, VERDICT_REFUSED);
	l.compiled->shape = whole;
	l.compiled->shape.probes = UINT32_MAX;
	assert_int_equal(verdict_enforced(l.compiled, &nobody, &target).verdict, VERDICT_REFUSED);
	/* Every bucket full, of others: the search ends all the same. */
	for (uint32_t i = 0; i < whole.buckets; i++) {
		for (int k = 0; k < USERS_IN_BUCKET; k++)
			l.compiled->buckets[i].entry[k].key =
				(struct user_key){ .set = UINT32_MAX, .uid = ALICE };
	}
	assert_int_equal(verdict_enforced(l.compiled, &alice, &target).verdict, VERDICT_REFUSED);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),         cmocka_unit_test(test_named_rule),
		cmocka_unit_test(test_only),          cmocka_unit_test(test_groups),
		cmocka_unit_test(test_words_joined),  cmocka_unit_test(test_user_clauses),
		cmocka_unit_test(test_units),         cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_observed),      cmocka_unit_test(test_damaged_tables),
		cmocka_unit_test(test_damaged_words), cmocka_unit_test(test_damaged_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
