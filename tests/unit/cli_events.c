/* SPDX-License-Identifier: MIT */
/*
 * cli_events.c - lines of the audit read back, and what `portcred suggest --from-events` sees in them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/writer.h"
#include "portcred/sightings.h"
#include "portcred/suggest_events.h"

#define ALICE 4242001U
#define BOB   4242002U

/* WATCH(), JOURNAL() - a line of a bind; what comes later in an object does not replace anything */
#define WATCH(more)                                                                                \
	"{\"time\":\"2025-11-25T10:00:00.123Z\",\"protocol\":\"tcp\",\"address\":\"0.0.0.0\","     \
	"\"pid\":7,\"command\":\"nc\",\"cgroup\":\"/system.slice/a.service\"," more "}"
#define OBSERVED "\"verdict\":\"refused\",\"observed\":true,\"operation\":\"bind\""
#define JOURNAL(more)                                                                              \
	"{\"__REALTIME_TIMESTAMP\":\"1764064800123456\",\"PORTCRED_VERDICT\":\"refused\","         \
	"\"PORTCRED_OBSERVED\":\"1\",\"PORTCRED_OPERATION\":\"bind\","                             \
	"\"PORTCRED_PROTOCOL\":\"udp\",\"PORTCRED_ADDRESS\":\"::1\",\"PORTCRED_UID\":\"4242001\"," \
	"\"PORTCRED_PID\":\"7\"," more "}"

static int parse(const char *line, struct told *ret)
{
	return told_parse(line, strlen(line), ret);
}

static struct told good(const char *line)
{
	struct told told;

	assert_int_equal(parse(line, &told), 0);
	return told;
}

static void test_watch(void **state)
{
	struct told told = good(WATCH(OBSERVED ",\"port\":80,\"uid\":4242001,\"held\":3,\"lost\":2,"
					       "\"executable\":\"/usr/sbin/x\""));

	(void)state;
	assert_int_equal(told.kind, TOLD_BIND);
	assert_int_equal(told.outcome, TOLD_OBSERVED);
	assert_int_equal(told.protocol, PROTOCOL_TCP);
	assert_int_equal(told.family, 4);
	assert_int_equal(told.port, 80);
	assert_int_equal(told.uid, ALICE);
	assert_int_equal(told.pid, 7);
	assert_int_equal(told.when, 1764064800);
	assert_int_equal(told.held, 3);
	assert_int_equal(told.lost, 2);
	assert_string_equal(told.command, "nc");
	assert_string_equal(told.executable, "/usr/sbin/x");
	assert_string_equal(told.cgroup, "/system.slice/a.service");

	told = good("{\"held\":41,\"connections\":false,\"uid\":4242001,\"verdict\":null,"
		    "\"observed\":false,\"protocol\":null,\"port\":null}");
	assert_int_equal(told.kind, TOLD_HELD);
	assert_false(told.has_port);
	told = good("{\"held\":41,\"connections\":false,\"uid\":4242001,"
		    "\"verdict\":\"kernel-refused\",\"observed\":false,\"protocol\":\"udp\","
		    "\"port\":53}");
	assert_true(told.has_port);
	assert_int_equal(told.outcome, TOLD_REFUSED);
	assert_int_equal(told.held, 41);

	/* Of connections. */
	assert_int_equal(good("{\"held\":1,\"connections\":true,\"uid\":null}").kind, TOLD_NOTHING);
	assert_int_equal(good(WATCH("\"operation\":\"accept\",\"held\":0")).kind, TOLD_NOTHING);
}

/* Would catch: an entry that anybody can write; bytes and lists where journald has them. */
static void test_journal(void **state)
{
	struct told told = good(JOURNAL("\"_UID\":\"0\",\"PORTCRED_PORT\":\"53\","
					"\"PORTCRED_HELD\":\"2\",\"PORTCRED_COMM\":[110,10,255],"
					"\"OBJECT_UID\":[\"0\",\"4242001\"]"));

	(void)state;
	assert_int_equal(told.kind, TOLD_BIND);
	assert_int_equal(told.family, 6);
	assert_int_equal(told.protocol, PROTOCOL_UDP);
	assert_int_equal(told.when, 1764064800);
	assert_int_equal(told.held, 2);
	assert_string_equal(told.command, "n\n\xff");

	assert_int_equal(good(JOURNAL("\"_UID\":\"1000\",\"PORTCRED_PORT\":\"53\","
				      "\"PORTCRED_HELD\":\"0\""))
				 .kind,
			 TOLD_NOTHING);
	assert_int_equal(good(JOURNAL("\"PORTCRED_PORT\":\"53\",\"PORTCRED_HELD\":\"0\"")).kind,
			 TOLD_NOTHING);
	assert_int_equal(good(JOURNAL("\"_UID\":[\"0\",\"1000\"],\"PORTCRED_PORT\":\"53\","
				      "\"PORTCRED_HELD\":\"0\""))
				 .kind,
			 TOLD_NOTHING);
	assert_int_equal(
		good("{\"__REALTIME_TIMESTAMP\":\"1\",\"_UID\":\"0\",\"MESSAGE\":\"x\"}").kind,
		TOLD_NOTHING);
}

/* Would catch: half an event that becomes a rule. */
static void test_bad_lines(void **state)
{
	static const char *const lines[] = {
		"",
		"x",
		"[]",
		"7",
		"{",
		"{}",
		"{} {}",
		WATCH(OBSERVED ",\"port\":80,\"uid\":1"), /* no `held` */
		WATCH(OBSERVED ",\"port\":0,\"uid\":1,\"held\":0"),
		WATCH(OBSERVED ",\"port\":65536,\"uid\":1,\"held\":0"),
		WATCH(OBSERVED ",\"port\":-1,\"uid\":1,\"held\":0"),
		WATCH(OBSERVED ",\"port\":\"80\",\"uid\":1,\"held\":0"),
		WATCH(OBSERVED ",\"port\":80.5,\"uid\":1,\"held\":0"),
		WATCH(OBSERVED ",\"port\":80,\"held\":0"),
		WATCH(OBSERVED ",\"port\":80,\"uid\":4294967295,\"held\":0"),
		WATCH(OBSERVED ",\"port\":80,\"uid\":1,\"held\":-1"),
		WATCH(OBSERVED ",\"port\":80,\"port\":81,\"uid\":1,\"held\":0"),
		WATCH(OBSERVED ",\"port\":80,\"uid\":1,\"held\":0,\"executable\":[47]"),
		WATCH(OBSERVED ",\"port\":80,\"uid\":1,\"held\":0,\"executable\":\"a\\u0000b\""),
		WATCH("\"verdict\":\"maybe\",\"observed\":true,\"operation\":\"bind\",\"port\":80,"
		      "\"uid\":1,\"held\":0"),
		WATCH("\"verdict\":\"refused\",\"operation\":\"bind\",\"port\":80,\"uid\":1,"
		      "\"held\":0"),
		JOURNAL("\"_UID\":\"0\",\"PORTCRED_PORT\":\" 53\",\"PORTCRED_HELD\":\"0\""),
		JOURNAL("\"_UID\":\"0\",\"PORTCRED_PORT\":53,\"PORTCRED_HELD\":\"0\""),
		JOURNAL("\"_UID\":\"0\",\"PORTCRED_PORT\":[\"53\",\"80\"],\"PORTCRED_HELD\":\"0\""),
		JOURNAL("\"_UID\":\"0\",\"PORTCRED_PORT\":\"53\",\"PORTCRED_HELD\":\"0\","
			"\"PORTCRED_EXE\":[0]"),
		JOURNAL("\"_UID\":\"0\",\"PORTCRED_PORT\":\"53\",\"PORTCRED_HELD\":\"0\","
			"\"PORTCRED_EXE\":[\"/a\",\"/b\"]"),
	};
	char line[4096], path[TOLD_PATH_SIZE + 1];
	struct told told;

	(void)state;
	for (size_t i = 0; i < ELEMENTS(lines); i++) {
		int r = parse(lines[i], &told);

		if (r != -EBADMSG)
			fprintf(stderr, "%d: %s\n", r, lines[i]);
		assert_int_equal(r, -EBADMSG);
	}
	for (size_t length = TOLD_PATH_SIZE - 1; length <= TOLD_PATH_SIZE; length++) {
		memset(path, 'x', length);
		path[length] = '\0';
		snprintf(line, sizeof(line),
			 WATCH(OBSERVED ",\"port\":80,\"uid\":1,\"held\":0,\"executable\":\"%s\""),
			 path);
		assert_int_equal(parse(line, &told), length < TOLD_PATH_SIZE ? 0 : -EBADMSG);
	}
}

/* bound() - one more event; @executable: NULL: none */
static void bound(struct sightings *sightings, uint32_t uid, uint16_t port, const char *executable,
		  enum told_outcome outcome, time_t when)
{
	struct told told = {
		.kind = TOLD_BIND,
		.outcome = outcome,
		.protocol = PROTOCOL_TCP,
		.family = 4,
		.port = port,
		.uid = uid,
		.pid = (int32_t)when,
		.when = when,
	};

	snprintf(told.executable, sizeof(told.executable), "%s", executable ? executable : "");
	snprintf(told.command, sizeof(told.command), "at %d", (int)when);
	assert_int_equal(sightings_add(sightings, &told), 0);
}

static void held(struct sightings *sightings, uint32_t uid, uint16_t port,
		 enum told_outcome outcome, uint64_t n)
{
	struct told told = {
		.kind = TOLD_HELD,
		.outcome = outcome,
		.has_port = port != 0,
		.protocol = PROTOCOL_TCP,
		.port = port,
		.uid = uid,
		.held = n,
	};

	assert_int_equal(sightings_add(sightings, &told), 0);
}

static void expect(const struct sightings *sightings, size_t i, uint16_t port, enum sighted sighted)
{
	assert_true(i < sightings->n_ports);
	assert_int_equal(sightings->ports[i]->port, port);
	assert_int_equal(sightings_of_port(sightings, sightings->ports[i]), sighted);
}

/* Would catch: a rule for who tried and was refused. */
static void test_what_is_known(void **state)
{
	struct sightings sightings = { 0 };

	(void)state;
	bound(&sightings, ALICE, 8082, NULL, TOLD_REFUSED, 1);
	bound(&sightings, ALICE, 8081, "/a", TOLD_OBSERVED, 1);
	held(&sightings, ALICE, 8081, TOLD_REFUSED, 1);
	bound(&sightings, ALICE, 8080, "/a", TOLD_OBSERVED, 1);
	held(&sightings, ALICE, 8080, TOLD_OBSERVED, 9);
	held(&sightings, ALICE, 8083, TOLD_OBSERVED, 1);
	bound(&sightings, ALICE, 80, "/a", TOLD_OBSERVED, 1);
	bound(&sightings, BOB, 81, "/a", TOLD_OBSERVED, 1);
	bound(&sightings, 0, 82, "/a", TOLD_OBSERVED, 1);
	sightings_sort(&sightings);
	assert_int_equal(sightings.n_ports, 7);
	expect(&sightings, 0, 80, SIGHTED_BOUND);
	expect(&sightings, 3, 8080, SIGHTED_BOUND);
	expect(&sightings, 4, 8081, SIGHTED_REFUSED);
	expect(&sightings, 5, 8082, SIGHTED_REFUSED);
	expect(&sightings, 6, 8083, SIGHTED_NOBODY);

	/* Events of alice are missing: hers of low ports are in doubt, nobody else's. */
	held(&sightings, ALICE, 0, TOLD_OBSERVED, 1);
	expect(&sightings, 0, 80, SIGHTED_IN_DOUBT);
	expect(&sightings, 1, 81, SIGHTED_BOUND);
	expect(&sightings, 3, 8080, SIGHTED_BOUND);
	/* Anybody's are. */
	sightings.lost = 1;
	expect(&sightings, 1, 81, SIGHTED_IN_DOUBT);
	expect(&sightings, 2, 82, SIGHTED_BOUND);
	sightings_clear(&sightings);
}

static void test_counts(void **state)
{
	struct sightings sightings = { 0 };
	const struct sighting *seen;

	(void)state;
	bound(&sightings, ALICE, 80, "/a", TOLD_OBSERVED, 20);
	bound(&sightings, ALICE, 80, "/a", TOLD_OBSERVED, 30);
	bound(&sightings, ALICE, 80, "/a", TOLD_OBSERVED, 10);
	bound(&sightings, ALICE, 80, "/b", TOLD_OBSERVED, 40);
	assert_int_equal(sightings.n_ports, 1);
	assert_int_equal(sightings.told, 4);
	assert_int_equal(sightings.first, 10);
	assert_int_equal(sightings.last, 40);
	seen = sightings.ports[0]->sightings->next;
	assert_string_equal(seen->executable, "/a");
	assert_int_equal(seen->times, 3);
	assert_int_equal(seen->first, 10);
	assert_int_equal(seen->last, 30);
	assert_int_equal(seen->pid, 30);
	assert_string_equal(seen->command, "at 30");
	sightings_clear(&sightings);
}

/* Would catch: one user who fills the memory, or who drives others out. */
static void test_share_of_one_user(void **state)
{
	struct sightings sightings = { 0 };
	struct events events = { 0 };
	char path[32];

	(void)state;
	for (unsigned i = 0; i < MAX_SIGHTINGS_OF_USER + 10; i++) {
		snprintf(path, sizeof(path), "/tmp/%u", i);
		bound(&sightings, ALICE, 8080, path, TOLD_OBSERVED, 1);
	}
	bound(&sightings, BOB, 8081, "/b", TOLD_OBSERVED, 1);
	assert_int_equal(sightings.users[0]->n_sightings, MAX_SIGHTINGS_OF_USER);
	assert_int_equal(sightings.users[0]->unknown, 10);
	assert_non_null(sightings.ports[1]->sightings);
	events.sightings = sightings;
	{
		_cleanup_free_ char *text = NULL;
		struct writer writer;

		assert_int_equal(writer_open(&writer), 0);
		events_write_missing(&events, writer.out);
		assert_int_equal(writer_close(&writer, &text), 0);
		assert_non_null(strstr(text, "#     4242001: 10 times\n"));
	}
	events_clear(&events);
}

static void test_findings(void **state)
{
	struct known_words known = { 0 };
	struct findings findings = { 0 };
	struct events events = { 0 };

	(void)state;
	bound(&events.sightings, ALICE, 8080, "/usr/bin/python3", TOLD_OBSERVED, 1);
	bound(&events.sightings, ALICE, 8081, NULL, TOLD_GRANTED, 1);
	bound(&events.sightings, ALICE, 8081, "/b", TOLD_OBSERVED, 2);
	bound(&events.sightings, ALICE, 8081, "/b", TOLD_REFUSED, 3);
	bound(&events.sightings, ALICE, 8082, "/b", TOLD_REFUSED, 3);
	sightings_sort(&events.sightings);
	assert_int_equal(events_find(&events, &known, &findings), 0);
	/* What a rule granted is bound, whoever else was refused. */
	assert_int_equal(findings.n, 2);
	assert_int_equal(findings.items[0].port, 8080);
	assert_string_equal(findings.items[0].principal, "user 4242001");
	assert_string_equal(findings.items[0].holder, "at 1 (/usr/bin/python3)");
	assert_non_null(strstr(findings.items[0].why, "is an interpreter"));
	assert_int_equal(findings.items[1].port, 8081);
	assert_string_equal(findings.items[1].holder, "at 1");
	findings_clear(&findings);
	known_words_clear(&known);
	events_clear(&events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watch),     cmocka_unit_test(test_journal),
		cmocka_unit_test(test_bad_lines), cmocka_unit_test(test_what_is_known),
		cmocka_unit_test(test_counts),    cmocka_unit_test(test_share_of_one_user),
		cmocka_unit_test(test_findings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
