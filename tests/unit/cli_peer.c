/* SPDX-License-Identifier: MIT */
/*
 * What is said of a peer, made from records as the kernel gives them. Caught: an id or a name told
 * where there is none, text of others obeyed by a terminal, and a variable from before that a program
 * takes for the truth about this connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "libportcred/record.h"
#include "portcred/peer_environment.h"
#include "portcred/peer_text.h"

static const struct portcred_record alice = {
	.version = PORTCRED_RECORD_VERSION,
	.known = PORTCRED_VOUCHED,
	.uid = 1000,
	.raw_uid = 1000,
	.gid = PORTCRED_NO_ID,
	.host = "db1",
};

static struct portcred_peer peer_of(struct portcred_record record)
{
	struct portcred_peer peer;

	assert_int_equal(portcred_record_decode(&record, sizeof(record), &peer), 0);
	return peer;
}

static void assert_line(struct portcred_record record, const char *user, const char *expected)
{
	struct portcred_peer peer = peer_of(record);
	_cleanup_free_ char *line = peer_text_line(&peer, user);

	assert_non_null(line);
	assert_string_equal(line, expected);
}

static void lines(void **state)
{
	struct portcred_record record = alice;

	(void)state;
	assert_line(record, "alice", "alice@db1 uid 1000, vouched");
	assert_line(record, NULL, "1000@db1 uid 1000, vouched");
	assert_line(record, "a\033[2J", "a\\x1b[2J@db1 uid 1000, vouched");
	record.uid = record.raw_uid = 70000; /* a user of here without a name: not who is nobody */
	assert_line(record, NULL, "70000@db1 uid 70000, vouched");
	record.uid = 1000;
	assert_line(record, "alice", "alice@db1 uid 1000 uid 70000 there, vouched");
	record.uid = PORTCRED_NO_ID;
	assert_line(record, NULL, "somebody(70000)@db1 uid 70000 there, vouched");
	record.raw_uid = 0;
	assert_line(record, NULL, "root@db1 uid 0 there, vouched");
	record.uid = 1000; /* whom the policy of this machine takes root of that one for */
	assert_line(record, "alice", "root@db1 uid 1000 uid 0 there, vouched");
	record.uid = PORTCRED_NO_ID;
	record.raw_uid = PORTCRED_NO_ID;
	assert_line(record, NULL, "somebody@db1, vouched");
	record = alice;
	record.known = PORTCRED_LOCAL;
	assert_line(record, "alice", "alice@local uid 1000, local");
	record.known = PORTCRED_ASKED;
	record.flags = PORTCRED_RECORD_OPENED;
	assert_line(record, "alice", "alice@db1 uid 1000, asked");
	record.flags |= PORTCRED_RECORD_APPROVED;
	assert_line(record, "alice", "alice@db1 uid 1000, asked, approved");
}

static void known(void **state)
{
	struct portcred_record record = alice;
	struct portcred_peer peer;

	(void)state;
	for (unsigned how = PORTCRED_UNKNOWN; how <= PORTCRED_RESERVED; how++) {
		record.known = (uint8_t)how;
		peer = peer_of(record);
		assert_int_equal(peer_text_is_known(&peer),
				 how != PORTCRED_UNKNOWN && how != PORTCRED_RESERVED);
	}
}

static void json(void **state)
{
	struct portcred_record record = alice;
	struct portcred_peer peer = peer_of(record);
	json_auto_t *said = peer_text_json(&peer, "alice"), *expected = NULL;

	(void)state;
	expected = json_pack("{s:s, s:s, s:s, s:i, s:i, s:n, s:b, s:b}", "how", "vouched", "host",
			     "db1", "user", "alice", "uid", 1000, "raw_uid", 1000, "gid", "opened",
			     0, "approved", 0);
	assert_true(json_equal(said, expected));
	json_decref(said);
	json_decref(expected);

	record.known = PORTCRED_RESERVED;
	peer = peer_of(record);
	said = peer_text_json(&peer, NULL);
	expected = json_pack("{s:s, s:n, s:n, s:n, s:n, s:n, s:n, s:b}", "how", "reserved", "host",
			     "user", "uid", "raw_uid", "gid", "opened", "approved", 0);
	assert_true(json_equal(said, expected));
}

static void assert_variable(const char *name, const char *expected)
{
	const char *value = getenv(name);

	if (!expected) {
		assert_null(value);
		return;
	}
	assert_non_null(value);
	assert_string_equal(value, expected);
}

static void set_environment(struct portcred_record record, const char *user)
{
	const struct endpoint local = { "fd00::11", 5432 }, remote = { "10.0.0.11", 40000 };
	struct portcred_peer peer = peer_of(record);

	assert_int_equal(peer_environment_set(&peer, user, &local, &remote), 0);
}

static void environment(void **state)
{
	struct portcred_record record = alice;

	(void)state;
	record.raw_uid = 70000;
	record.gid = 0;
	record.flags = PORTCRED_RECORD_OPENED | PORTCRED_RECORD_APPROVED;
	set_environment(record, "alice");
	assert_variable("PORTCRED_PEER_HOW", "vouched");
	assert_variable("PORTCRED_PEER_HOST", "db1");
	assert_variable("PORTCRED_PEER_USER", "alice");
	assert_variable("PORTCRED_PEER_UID", "1000");
	assert_variable("PORTCRED_PEER_RAW_UID", "70000");
	assert_variable("PORTCRED_PEER_GID", "0");
	assert_variable("PORTCRED_PEER_APPROVED", "1");
	assert_variable("PROTO", "TCP");
	assert_variable("TCPREMOTEIP", "10.0.0.11");
	assert_variable("TCPREMOTEPORT", "40000");
	assert_variable("TCPREMOTEINFO", "alice");
	assert_variable("TCPLOCALIP", "fd00::11");
	assert_variable("TCPLOCALPORT", "5432");
}

static void environment_from_before(void **state)
{
	static const char *const gone[] = {
		"PORTCRED_PEER_HOST",  "PORTCRED_PEER_USER",
		"PORTCRED_PEER_UID",   "PORTCRED_PEER_RAW_UID",
		"PORTCRED_PEER_GID",   "PORTCRED_PEER_APPROVED",
		"PORTCRED_PEER_LATER", "PORTCRED_PEER_LATER_TOO",
		"TCPREMOTEINFO",       "TCPREMOTEHOST",
		"TCPLOCALHOST",
	};
	static const char *const stay[] = { "PORTCRED_PEER", "TCPREMOTE", "PROTOCOL",
					    "XTCPLOCALIP" };
	struct portcred_record record = alice;

	(void)state;
	for (size_t i = 0; i < ELEMENTS(gone); i++)
		assert_int_equal(setenv(gone[i], "root", 1), 0);
	for (size_t i = 0; i < ELEMENTS(stay); i++)
		assert_int_equal(setenv(stay[i], "here", 1), 0);
	/* What somebody wrote into the environment itself: twice, of which a program may see either. */
	assert_int_equal(setenv("PORTCRED_PEER_HOW", "local", 1), 0);
	assert_int_equal(putenv((char[]){ "TCPREMOTEIP=127.0.0.1" }), 0);
	record.known = PORTCRED_UNKNOWN;
	set_environment(record, NULL);
	for (size_t i = 0; i < ELEMENTS(gone); i++)
		assert_variable(gone[i], NULL);
	for (size_t i = 0; i < ELEMENTS(stay); i++)
		assert_variable(stay[i], "here");
	assert_variable("PORTCRED_PEER_HOW", "unknown");
	assert_variable("TCPREMOTEIP", "10.0.0.11");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(known),
		cmocka_unit_test(json),
		cmocka_unit_test(environment),
		cmocka_unit_test(environment_from_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
