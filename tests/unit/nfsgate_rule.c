/* SPDX-License-Identifier: MIT */
/*
 * nfsgate_rule.c - who may be named, and as whom the server sees him
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "nfsgate/rule.h"
#include "policy/diagnostics.h"

static struct rule a_rule(const char *squash)
{
	struct rule rule = { .anonymous_uid = 65534, .anonymous_gid = 65533 };

	assert_int_equal(squash_parse(squash, &rule.squash), 0);
	return rule;
}

static struct caller a_caller(enum portcred_known known, uint32_t raw_uid, uint32_t uid)
{
	struct caller caller = {
		.known = known,
		.has_uid = true,
		.has_raw_uid = true,
		.uid = uid,
		.raw_uid = raw_uid,
		.host = "app1",
	};
	struct sockaddr_in *address = (struct sockaddr_in *)&caller.address;

	address->sin_family = AF_INET;
	address->sin_port = htons(40000);
	inet_pton(AF_INET, "10.1.2.3", &address->sin_addr);
	return caller;
}

static void test_who_is_admitted(void **state)
{
	struct rule rule = a_rule("root");
	struct caller root = a_caller(PORTCRED_VOUCHED, 0, 0),
		      user = a_caller(PORTCRED_VOUCHED, 7, 7);
	struct caller local = a_caller(PORTCRED_LOCAL, 0, 0);

	root.has_uid = false; /* squashed by the host statement: that is about its own files */
	assert_int_equal(rule_admits(&rule, &root), SPEAKS_FOR_ALL);
	assert_int_equal(rule_admits(&rule, &local), SPEAKS_FOR_ALL);
	assert_int_equal(rule_admits(&rule, &user), SPEAKS_FOR_ONE);
	user.has_uid = false;
	assert_int_equal(rule_admits(&rule, &user), SPEAKS_FOR_NOBODY);
	root.has_raw_uid = false;
	assert_int_equal(rule_admits(&rule, &root), SPEAKS_FOR_NOBODY);
	rule.root_of[rule.n_root_of++] = "app2";
	root.has_raw_uid = true;
	assert_int_equal(rule_admits(&rule, &root), SPEAKS_FOR_NOBODY);
	strcpy(root.host, "app2");
	assert_int_equal(rule_admits(&rule, &root), SPEAKS_FOR_ALL);
}

static void test_who_is_not_known(void **state)
{
	static const enum portcred_known all[] = { PORTCRED_UNKNOWN, PORTCRED_RESERVED, 77 };
	struct rule rule = a_rule("root");

	rule.n_reserved_from = 1;
	assert_int_equal(argument_network("10.1.0.0/16", &rule.reserved_from[0]), 0);
	for (size_t i = 0; i < 3; i++) {
		struct caller caller = a_caller(all[i], 0, 0);
		struct sockaddr_in *address = (struct sockaddr_in *)&caller.address;

		assert_int_equal(rule_admits(&rule, &caller), SPEAKS_FOR_NOBODY);
		address->sin_port = htons(1023);
		assert_int_equal(rule_admits(&rule, &caller), SPEAKS_BY_ITS_PORT);
		address->sin_port = htons(511);
		assert_int_equal(rule_admits(&rule, &caller), SPEAKS_FOR_NOBODY);
		address->sin_port = htons(512);
		inet_pton(AF_INET, "10.2.2.3", &address->sin_addr);
		assert_int_equal(rule_admits(&rule, &caller), SPEAKS_FOR_NOBODY);
	}
}

static void test_flavors(void **state)
{
	struct rule rule = a_rule("root");
	struct rpc_head head = { .procedure = 1 };

	assert_int_equal(rule_flavor(&rule, &head), RPC_AUTH_OK);
	rule.refuse_none = true;
	assert_int_equal(rule_flavor(&rule, &head), RPC_AUTH_TOOWEAK);
	head.procedure = 0;
	assert_int_equal(rule_flavor(&rule, &head), RPC_AUTH_OK);
	head.flavor = RPCSEC_GSS;
	assert_int_equal(rule_flavor(&rule, &head), RPC_AUTH_OK);
	head.flavor = RPC_AUTH_SHORT;
	assert_int_equal(rule_flavor(&rule, &head), RPC_AUTH_REJECTEDCRED);
	head.flavor = 7;
	assert_int_equal(rule_flavor(&rule, &head), RPC_AUTH_BADCRED);
}

static void test_user_names_himself(void **state)
{
	struct rule rule = a_rule("none");
	struct caller caller = a_caller(PORTCRED_VOUCHED, 1001, 2001);
	struct auth_sys credential = { .uid = 1001, .gid = 1 };
	bool groups;

	rule_admits(&rule, &caller);
	assert_int_equal(rule_claim(&rule, &caller, &credential, &groups), RPC_AUTH_OK);
	assert_int_equal(credential.uid, 2001); /* who he is here */
	assert_true(groups);
	for (uint32_t uid = 0; uid < 3000; uid++) {
		credential.uid = uid;
		assert_int_equal(rule_claim(&rule, &caller, &credential, &groups),
				 uid == 1001 ? RPC_AUTH_OK : RPC_AUTH_BADCRED);
	}
	caller.speaks = SPEAKS_FOR_NOBODY;
	credential.uid = 1001;
	assert_int_equal(rule_claim(&rule, &caller, &credential, &groups), RPC_AUTH_TOOWEAK);
}

static void test_squash(void **state)
{
	static const struct {
		const char *squash;
		uint32_t uid, gid;
		uint32_t expected_uid, expected_gid;
	} cases[] = {
		{ "root", 0, 0, 65534, 65533 },
		{ "root", 5, 6, 5, 6 },
		{ "root", 5, 0, 5, 65533 },
		{ "none", 0, 0, 0, 0 },
		{ "none", 5, 0, 5, 0 },
		{ "all", 5, 6, 65534, 65533 },
		{ "1-4,6", 5, 6, 5, 6 },
		{ "1-4,6", 6, 6, 65534, 65533 },
		{ "1-4,6", 0, 0, 0, 0 },
		{ "none", UINT32_MAX, 1, 65534, 65533 },
		{ "none", 5, UINT32_MAX, 5, 65533 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule rule = a_rule(cases[i].squash);
		struct caller root = a_caller(PORTCRED_VOUCHED, 0, 0);
		struct auth_sys credential = { .uid = cases[i].uid, .gid = cases[i].gid };
		bool groups;

		rule_admits(&rule, &root);
		assert_int_equal(rule_claim(&rule, &root, &credential, &groups), RPC_AUTH_OK);
		assert_false(groups);
		assert_int_equal(credential.uid, cases[i].expected_uid);
		assert_int_equal(credential.gid, cases[i].expected_gid);
	}
}

static void test_groups(void **state)
{
	static const uint32_t his[] = { 100, 7, 8, 0 };
	const struct user_groups groups = { .known = true, .gid = 100, .n = 4, .gids = his };
	struct auth_sys credential = { .uid = 1, .gid = 9, .n_gids = 4, .gids = { 0, 7, 9, 8 } };
	struct rule rule = a_rule("none");

	rule_groups(&rule, &groups, &credential);
	assert_int_equal(credential.gid, 100); /* 9 is not his */
	assert_int_equal(credential.n_gids, 3);
	assert_int_equal(credential.gids[1], 7);
	assert_int_equal(credential.gids[2], 8);
	rule = a_rule("root");
	rule_groups(&rule, &groups, &credential);
	assert_int_equal(credential.gids[0], 65533);
	rule.local_groups = true;
	credential = (struct auth_sys){ .gid = 7, .n_gids = 0 };
	rule_groups(&rule, &groups, &credential);
	assert_int_equal(credential.gid, 100);
	assert_int_equal(credential.n_gids, 3);
	rule_groups(&rule, &(struct user_groups){ .known = false }, &credential);
	assert_int_equal(credential.gid, 65533);
	assert_int_equal(credential.n_gids, 0);
}

static void test_more_groups_than_fit(void **state)
{
	uint32_t his[100];
	const struct user_groups groups = { .known = true, .gid = 3, .n = 100, .gids = his };
	struct auth_sys credential = { .uid = 1 };
	struct rule rule = a_rule("root");

	for (uint32_t i = 0; i < 100; i++)
		his[i] = i + 1;
	rule.local_groups = true;
	rule_groups(&rule, &groups, &credential);
	assert_int_equal(credential.n_gids, AUTH_SYS_GIDS_MAX);
	rule.local_groups = false;
	credential = (struct auth_sys){ .gid = 99, .n_gids = 2, .gids = { 100, 101 } };
	rule_groups(&rule, &groups, &credential);
	assert_int_equal(credential.gid, 99);
	assert_int_equal(credential.n_gids, 1);
}

/* parse() - and settle, with @found for its names; *ret_line: of the first error */
static int parse(const char *text, const struct id_found *found, struct id_table *table,
		 unsigned *ret_line)
{
	struct diagnostics diagnostics = { 0 };
	int r = ids_parse(text, strlen(text), &diagnostics, table);

	if (r == 0) {
		r = ids_settle(table, found, &diagnostics);
		if (r < 0)
			ids_clear(table);
	}
	assert_int_equal(diagnostics.n_items != 0, r != 0);
	*ret_line = diagnostics.n_items ? diagnostics.items[0].where.line : 0;
	diagnostics_clear(&diagnostics);
	return r;
}

static bool maps(const struct rule *rule, enum id_kind kind, const char *host, uint32_t id,
		 uint32_t expected)
{
	uint32_t found;

	return ids_map(&rule->ids, kind, ids_host(&rule->ids, host), id, &found) &&
	       found == expected;
}

static bool nobody(const struct rule *rule, enum id_kind kind, const char *host, uint32_t id)
{
	uint32_t found;

	return !ids_map(&rule->ids, kind, ids_host(&rule->ids, host), id, &found);
}

static void test_table(void **state)
{
	struct rule rule = a_rule("none");
	unsigned line;

	assert_int_equal(parse("# who is who\n\n uid 5001=1001 # alice\ngid 100-199 = 20100\n"
			       "uid 60000-64999\t=\tnobody\n",
			       NULL, &rule.ids, &line),
			 0);
	assert_true(maps(&rule, ID_USER, "", 5001, 1001));
	assert_true(maps(&rule, ID_USER, "", 5002, 5002));
	assert_true(nobody(&rule, ID_USER, "", 64999));
	assert_true(maps(&rule, ID_GROUP, "", 199, 20199));
	assert_true(maps(&rule, ID_GROUP, "", 200, 200));
	assert_true(nobody(&rule, ID_GROUP, "", UINT32_MAX));
	ids_clear(&rule.ids);
	assert_int_equal(parse("uid * = nobody\nuid 5 = 6", NULL, &rule.ids, &line), 0);
	assert_true(maps(&rule, ID_USER, "", 5, 6));
	assert_true(nobody(&rule, ID_USER, "", 6));
	assert_true(maps(&rule, ID_GROUP, "", 6, 6));
	ids_clear(&rule.ids);
}

/* Catches a host's lines used for another, or one for all before them. */
static void test_table_of_hosts(void **state)
{
	struct rule rule = a_rule("none");
	unsigned line;

	assert_int_equal(parse("uid 5 = 50\nuid 5@b = 51\nuid 1-9@a = 101\nuid *@b = nobody\n"
			       "uid 7 = nobody\ngid *@a = nobody\n",
			       NULL, &rule.ids, &line),
			 0);
	assert_true(maps(&rule, ID_USER, "", 5, 50) && maps(&rule, ID_USER, "c", 5, 50));
	assert_true(maps(&rule, ID_USER, "b", 5, 51) && maps(&rule, ID_USER, "a", 5, 105));
	assert_true(nobody(&rule, ID_USER, "b", 6) && maps(&rule, ID_USER, "c", 6, 6));
	assert_true(nobody(&rule, ID_USER, "c", 7) && maps(&rule, ID_USER, "a", 7, 107));
	assert_true(maps(&rule, ID_USER, "a", 10, 10));
	assert_true(nobody(&rule, ID_GROUP, "a", 10) && maps(&rule, ID_GROUP, "b", 10, 10));
	ids_clear(&rule.ids);
}

/* Catches a name that gets another's number, or stays without one. */
static void test_table_of_names(void **state)
{
	static const struct id_found found[] = { { 0, 1001 }, { 0, 2001 }, { 0, 2002 }, { 0, 77 } };
	static const struct id_found unknown[] = { { 0, 1 }, { -ENOENT, 0 }, { 0, 2 }, { 0, 3 } };
	static const struct id_found beyond[] = { { 0, 1 }, { 0, UINT32_MAX }, { 0, 2 }, { 0, 3 } };
	static const struct id_found same[] = { { 0, 1 }, { 0, 1 } };
	static const char text[] =
		"uid 5@a = alice\nuid bob@a = carol\nuid 9 = 10\ngid 8 = staff@here\n";
	struct rule rule = a_rule("none");
	unsigned line;

	assert_int_equal(parse(text, found, &rule.ids, &line), 0);
	assert_true(maps(&rule, ID_USER, "a", 5, 1001) && maps(&rule, ID_USER, "", 5, 5));
	assert_true(maps(&rule, ID_USER, "a", 2001, 2002));
	assert_true(maps(&rule, ID_USER, "a", 9, 10));
	assert_true(maps(&rule, ID_GROUP, "a", 8, 77));
	assert_string_equal(rule.ids.names[3].text, "staff@here");
	ids_clear(&rule.ids);
	assert_int_equal(parse(text, unknown, &rule.ids, &line), -EBADMSG);
	assert_int_equal(line, 2);
	assert_int_equal(parse(text, beyond, &rule.ids, &line), -EBADMSG);
	assert_int_equal(parse("uid a = 1\n\nuid b = 2\n", same, &rule.ids, &line), -EBADMSG);
	assert_int_equal(line, 3);
}

static void test_table_errors(void **state)
{
	static const char *const wrong[] = {
		"\nuid 1 = ",
		"\nuid 1 2 = 3",
		"\nuser 1 = 2",
		"\nuid 1 = 2-3",
		"\nuid 2-1 = 5",
		"\nuid 4294967295 = 1",
		"\nuid 1 = 4294967295",
		"\nuid 0-9 = 4294967290",
		"\nuid * = 5",
		"\nuid 1 = 2 3",
		"uid 1-5 = 1\nuid 5 = 9",
		"uid 5@a = 9\nuid 1-5@a = 1",
		"\nuid 1 == 2",
		"\nuid 99999999999999999999999 = 1",
		"\nuid 1@ = 1",
		"\nuid @a = 1",
		"\nuid *@a = 5",
		"\nuid 1-2 = alice",
		"\nuid 1@0123456789012345678901234567890123456789012345678901234567890123 = 1",
	};
	struct id_table table;
	unsigned line;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(parse(wrong[i], NULL, &table, &line), -EBADMSG);
		assert_int_equal(line, 2);
	}
}

static void test_squash_errors(void **state)
{
	static const char *const wrong[] = { "",    ",",    "1,",         "0-",
					     "5-4", "some", "4294967295", "1,,2" };
	struct squash squash;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(squash_parse(wrong[i], &squash), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_admitted),
		cmocka_unit_test(test_who_is_not_known),
		cmocka_unit_test(test_flavors),
		cmocka_unit_test(test_user_names_himself),
		cmocka_unit_test(test_squash),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_more_groups_than_fit),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_of_hosts),
		cmocka_unit_test(test_table_of_names),
		cmocka_unit_test(test_table_errors),
		cmocka_unit_test(test_squash_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
