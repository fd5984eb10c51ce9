/* SPDX-License-Identifier: MIT */
/*
 * cli_proposal.c - bound sockets as statements: what `portcred suggest` makes of what it found
 */
#include "loaded.h"

#include <stdlib.h>

#include "base/grow.h"
#include "portcred/proposal.h"

#define FIRST_EPHEMERAL 32768
#define LAST_EPHEMERAL  60999

static const struct proposal_style enforcing = { false, true, FIRST_EPHEMERAL, LAST_EPHEMERAL };
static const struct proposal_style observing = { true, true, FIRST_EPHEMERAL, LAST_EPHEMERAL };

static void found(struct findings *findings, enum protocol protocol, uint16_t port,
		  const char *address, const char *principal, const char *holder)
{
	struct target target = target_of(protocol, port, address);
	struct finding finding = {
		.port = port,
		.protocol = (uint8_t)protocol,
		.family = target.family,
		.principal = strdup(principal),
		.holder = strdup(holder),
	};

	memcpy(finding.address, target.address, sizeof(finding.address));
	assert_int_equal(GROW(findings->items, findings->n_allocated, findings->n), 0);
	findings->items[findings->n++] = finding;
}

static void tcp(struct findings *findings, uint16_t port, const char *address,
		const char *principal)
{
	found(findings, PROTOCOL_TCP, port, address, principal, "holder");
}

static void udp(struct findings *findings, uint16_t port, const char *address,
		const char *principal)
{
	found(findings, PROTOCOL_UDP, port, address, principal, "holder");
}

/* statements() - all that is proposed, without comments; the caller frees it */
static char *statements(struct findings *findings, const struct proposal_style *style)
{
	struct proposal proposal = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(proposal_make(findings, style, &proposal), 0);
	for (size_t i = 0; i < proposal.n; i++)
		fputs(proposal.items[i].statement, out);
	fclose(out);
	proposal_clear(&proposal);
	return text;
}

/* becomes() - these findings give these statements, and those are a policy */
static void becomes(struct findings *findings, const struct proposal_style *style,
		    const char *expected)
{
	_cleanup_free_ char *text = statements(findings, style);
	struct loaded loaded;

	assert_string_equal(text, expected);
	load(&loaded, text);
	unload(&loaded);
	findings_clear(findings);
}

/* Would catch: ports of one principal in several statements, a list that mixes protocols. */
static void test_ports_of_one_principal(void **state)
{
	struct findings findings = { 0 };

	(void)state;
	tcp(&findings, 443, "0.0.0.0", "user www-data");
	tcp(&findings, 80, "::", "user www-data");
	tcp(&findings, 80, "0.0.0.0", "user www-data");
	becomes(&findings, &enforcing, "bind 80/tcp, 443/tcp by user www-data\n");

	tcp(&findings, 53, "0.0.0.0", "user redis");
	udp(&findings, 53, "0.0.0.0", "user redis");
	becomes(&findings, &enforcing, "bind 53 by user redis\n");

	tcp(&findings, 53, "0.0.0.0", "user redis");
	udp(&findings, 53, "0.0.0.0", "user redis");
	udp(&findings, 67, "0.0.0.0", "user redis");
	becomes(&findings, &enforcing, "bind 53/tcp, 53/udp, 67/udp by user redis\n");

	tcp(&findings, 53, "0.0.0.0", "user redis");
	udp(&findings, 54, "0.0.0.0", "user redis");
	becomes(&findings, &enforcing, "bind 53/tcp, 54/udp by user redis\n");
}

/* Would catch: statements in the order of the kernel's tables. */
static void test_sorted_by_port(void **state)
{
	struct findings findings = { 0 };

	(void)state;
	tcp(&findings, 8080, "0.0.0.0", "user alice");
	tcp(&findings, 22, "0.0.0.0", "root");
	tcp(&findings, 9, "0.0.0.0", "user bob");
	tcp(&findings, 9090, "0.0.0.0", "root");
	becomes(&findings, &enforcing,
		"bind 9/tcp by user bob\n"
		"bind 22/tcp, 9090/tcp by root\n"
		"bind 8080/tcp by user alice\n");
}

/* Would catch: a wildcard socket that the next start of its program does not get. */
static void test_addresses(void **state)
{
	struct findings findings = { 0 };

	(void)state;
	tcp(&findings, 5432, "127.0.0.1", "user redis");
	tcp(&findings, 5432, "::1", "user redis");
	tcp(&findings, 5432, "127.0.0.1", "user redis");
	becomes(&findings, &enforcing, "bind 5432/tcp by user redis on 127.0.0.1, ::1\n");

	/* One of them at any address: no limit. */
	tcp(&findings, 80, "127.0.0.1", "user redis");
	tcp(&findings, 80, "0.0.0.0", "user redis");
	tcp(&findings, 81, "::", "user redis");
	tcp(&findings, 81, "::1", "user redis");
	becomes(&findings, &enforcing, "bind 80/tcp, 81/tcp by user redis\n");

	/* Two principals at two addresses of one port: their rules add up. */
	tcp(&findings, 80, "10.0.0.1", "user alice");
	tcp(&findings, 80, "10.0.0.2", "user bob");
	becomes(&findings, &enforcing,
		"bind 80/tcp by user alice on 10.0.0.1\n"
		"bind 80/tcp by user bob on 10.0.0.2\n");
}

/* Would catch: more addresses than a rule may have, refused by `check`. */
static void test_too_many_addresses(void **state)
{
	struct findings findings = { 0 };

	(void)state;
	for (unsigned i = 1; i <= MAX_PREFIXES; i++) {
		char address[32];

		snprintf(address, sizeof(address), "127.0.0.%u", i);
		tcp(&findings, 80, address, "user alice");
		tcp(&findings, 81, address, "user bob");
	}
	tcp(&findings, 80, "127.0.1.1", "user alice");
	{
		_cleanup_free_ char *text = statements(&findings, &enforcing);

		assert_non_null(strstr(text, "bind 80/tcp by user alice\n"));
		assert_non_null(strstr(text, "bind 81/tcp by user bob on 127.0.0.1, "));
	}
	findings_clear(&findings);
}

static void test_observe(void **state)
{
	struct findings findings = { 0 };

	(void)state;
	tcp(&findings, 80, "0.0.0.0", "user alice");
	becomes(&findings, &observing, "observe bind 80/tcp by user alice\n");
}

/* Would catch: a line longer than a policy may have. */
static void test_many_ports(void **state)
{
	struct findings findings = { 0 };
	struct loaded loaded;
	unsigned lines = 0;
	char *text;

	(void)state;
	for (unsigned port = 1; port <= 20000; port += 2)
		tcp(&findings, (uint16_t)port, "0.0.0.0", "user alice");
	text = statements(&findings, &enforcing);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, (10000 + 11) / 12);
	load(&loaded, text);
	for (unsigned port = 1; port <= 20000; port += 2)
		assert_int_not_equal(loaded.compiled->ports[PROTOCOL_TCP * PORTS + port].enforced,
				     0);
	unload(&loaded);
	free(text);
	findings_clear(&findings);
}

/* Would catch: a range over a port that nobody has, or that another has: his would decide alone. */
static void test_ports_in_a_row(void **state)
{
	struct findings findings = { 0 };

	(void)state;
	for (uint16_t port = 8000; port <= 8003; port++)
		tcp(&findings, port, "0.0.0.0", "user alice");
	tcp(&findings, 8005, "0.0.0.0", "user alice");
	tcp(&findings, 8006, "0.0.0.0", "user alice");
	becomes(&findings, &enforcing, "bind 8000-8003/tcp, 8005/tcp, 8006/tcp by user alice\n");

	for (uint16_t port = 8000; port <= 8006; port++)
		tcp(&findings, port, "0.0.0.0", "user alice");
	tcp(&findings, 8003, "0.0.0.0", "user bob");
	becomes(&findings, &enforcing,
		"bind 8000-8002/tcp, 8003/tcp, 8004-8006/tcp by user alice\n"
		"bind 8003/tcp by user bob\n");

	/* Of another protocol it is another port. */
	for (uint16_t port = 8000; port <= 8002; port++)
		tcp(&findings, port, "0.0.0.0", "user alice");
	udp(&findings, 8001, "0.0.0.0", "user bob");
	becomes(&findings, &enforcing,
		"bind 8000-8002/tcp by user alice\nbind 8001/udp by user bob\n");

	for (uint16_t port = 8000; port <= 8002; port++) {
		tcp(&findings, port, "0.0.0.0", "user alice");
		udp(&findings, port, "0.0.0.0", "user alice");
	}
	becomes(&findings, &enforcing, "bind 8000-8002 by user alice\n");

	for (uint16_t port = 8000; port <= 8002; port++) {
		tcp(&findings, port, "0.0.0.0", "user alice");
		udp(&findings, port, "0.0.0.0", "user alice");
	}
	udp(&findings, 8001, "127.0.0.1", "user bob");
	becomes(&findings, &enforcing,
		"bind 8000, 8001, 8002 by user alice\nbind 8001/udp by user bob on 127.0.0.1\n");
}

/* Would catch: a rule for a port that the next start does not have. */
static void test_ephemeral_ports_are_no_rules(void **state)
{
	const struct proposal_style lasting = { false, false, FIRST_EPHEMERAL, LAST_EPHEMERAL };
	struct findings findings = { 0 };
	struct proposal proposal = { 0 };

	(void)state;
	tcp(&findings, 80, "0.0.0.0", "user alice");
	tcp(&findings, 40000, "0.0.0.0", "user alice");
	udp(&findings, 40001, "0.0.0.0", "user bob");
	assert_int_equal(proposal_make(&findings, &lasting, &proposal), 0);
	assert_int_equal(proposal.n, 2);
	assert_string_equal(proposal.items[0].statement, "bind 80/tcp by user alice\n");
	assert_non_null(strstr(proposal.items[0].comment, "# Left out: 40000/tcp, ephemeral"));
	assert_string_equal(proposal.items[1].statement, "");
	assert_non_null(strstr(proposal.items[1].comment, "# Left out: 40001/udp, ephemeral"));
	proposal_clear(&proposal);
	findings_clear(&findings);
}

/* Would catch: who only tried another's port, and looks like any service. */
static void test_port_of_two(void **state)
{
	struct findings findings = { 0 };
	struct proposal proposal = { 0 };

	(void)state;
	tcp(&findings, 5432, "0.0.0.0", "user postgres");
	tcp(&findings, 5432, "0.0.0.0", "user mallory");
	tcp(&findings, 5433, "0.0.0.0", "user mallory");
	udp(&findings, 5433, "0.0.0.0", "user postgres");
	assert_int_equal(proposal_make(&findings, &enforcing, &proposal), 0);
	assert_int_equal(proposal.n, 2);
	for (size_t i = 0; i < proposal.n; i++)
		assert_string_equal(proposal.items[i].comment,
				    "# holder.\n# Not alone in having 5432/tcp: other rules name "
				    "it, too.\n");
	proposal_clear(&proposal);
	findings_clear(&findings);
}

/* Would catch: a count of one port that stands for all, or a time that is not the first. */
static void test_how_often(void **state)
{
	struct findings findings = { 0 };
	struct proposal proposal = { 0 };

	(void)state;
	setenv("TZ", "UTC", 1);
	tcp(&findings, 80, "0.0.0.0", "user alice");
	findings.items[0].seen = (struct seen){ 3, 1764064800, 1764151200, 7 };
	tcp(&findings, 81, "0.0.0.0", "user alice");
	findings.items[1].seen = (struct seen){ 4, 1763978400, 1764064800, 5 };
	findings.items[1].why = strdup("exe is left out: it lies");
	tcp(&findings, 82, "0.0.0.0", "user bob");
	findings.items[2].seen = (struct seen){ 1, 1764064800, 1764064800, 9 };
	assert_int_equal(proposal_make(&findings, &enforcing, &proposal), 0);
	assert_int_equal(proposal.n, 2);
	assert_non_null(strstr(proposal.items[0].comment,
			       "# holder, bound 7 times from 2025-11-24 10:00 to 2025-11-26 10:00, "
			       "last as process 7.\n"));
	assert_string_equal(proposal.items[1].comment,
			    "# holder, bound once at 2025-11-25 10:00, as process 9.\n");
	proposal_clear(&proposal);
	findings_clear(&findings);
}

/* Would catch: a suggestion that takes the ephemeral ports away, which `check` refuses. */
static void test_ephemeral_ports_are_left(void **state)
{
	const unsigned all = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;
	struct findings findings = { 0 };
	struct proposal proposal = { 0 };
	struct loaded loaded;
	unsigned governed = 0;
	char *text;

	(void)state;
	tcp(&findings, 80, "0.0.0.0", "user alice");
	for (unsigned port = FIRST_EPHEMERAL; port <= LAST_EPHEMERAL; port++) {
		tcp(&findings, (uint16_t)port, "0.0.0.0", "user alice");
		udp(&findings, (uint16_t)port, "0.0.0.0", "user alice");
	}
	text = statements(&findings, &enforcing);
	load(&loaded, text);
	for (unsigned port = FIRST_EPHEMERAL; port <= LAST_EPHEMERAL; port++)
		governed += loaded.compiled->ports[PROTOCOL_TCP * PORTS + port].enforced ||
			    loaded.compiled->ports[PROTOCOL_UDP * PORTS + port].enforced;
	assert_int_equal(governed, all - MIN_EPHEMERAL_PORTS);
	assert_int_not_equal(loaded.compiled->ports[80].enforced, 0);
	unload(&loaded);
	free(text);

	assert_int_equal(proposal_make(&findings, &enforcing, &proposal), 0);
	assert_int_equal(proposal.n, 1);
	assert_non_null(strstr(proposal.items[0].comment, "# Left out: "));
	assert_non_null(strstr(proposal.items[0].comment, "# Ephemeral ports"));
	proposal_clear(&proposal);
	findings_clear(&findings);
}

/* Would catch: more principals of one port than the kernel half tries. */
static void test_many_principals_of_one_port(void **state)
{
	struct findings findings = { 0 };
	struct loaded loaded;
	char *text;

	(void)state;
	for (unsigned i = 0; i < MAX_CLAUSES + 10; i++) {
		char principal[64];

		snprintf(principal, sizeof(principal), "user %u unit a.service", 5000 + i);
		tcp(&findings, 80, "0.0.0.0", principal);
	}
	text = statements(&findings, &enforcing);
	load(&loaded, text);
	assert_int_equal(loaded.policy->n_statements, MAX_CLAUSES);
	unload(&loaded);
	free(text);
	findings_clear(&findings);
}

/* Would catch: a comment that hides who holds the port, or repeats one worker a hundred times. */
static void test_comments(void **state)
{
	struct findings findings = { 0 };
	struct proposal proposal = { 0 };

	(void)state;
	found(&findings, PROTOCOL_TCP, 80, "0.0.0.0", "root", "nginx (process 1)");
	found(&findings, PROTOCOL_TCP, 80, "::", "root", "nginx (process 1)");
	found(&findings, PROTOCOL_TCP, 81, "0.0.0.0", "root", "other (process 2)");
	assert_int_equal(proposal_make(&findings, &enforcing, &proposal), 0);
	assert_int_equal(proposal.n, 1);
	assert_string_equal(proposal.items[0].comment,
			    "# nginx (process 1).\n# other (process 2).\n");
	proposal_clear(&proposal);
	findings_clear(&findings);

	for (unsigned i = 1; i <= 6; i++) {
		char holder[32];

		snprintf(holder, sizeof(holder), "p%u", i);
		found(&findings, PROTOCOL_TCP, (uint16_t)i, "0.0.0.0", "root", holder);
	}
	assert_int_equal(proposal_make(&findings, &enforcing, &proposal), 0);
	assert_string_equal(proposal.items[0].comment,
			    "# p1.\n# p2.\n# p3.\n# p4.\n# And others.\n");
	proposal_clear(&proposal);
	findings_clear(&findings);
}

static void test_nothing(void **state)
{
	struct findings findings = { 0 };
	struct proposal proposal = { 0 };

	(void)state;
	assert_int_equal(proposal_make(&findings, &enforcing, &proposal), 0);
	assert_int_equal(proposal.n, 0);
}

static void expect_word(const char *name, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	proposal_word(name, out);
	fclose(out);
	assert_string_equal(text, expected);
}

/* Would catch: a user called `only`, or a path with a blank, that becomes other words. */
static void test_words(void **state)
{
	(void)state;
	expect_word("www-data", "www-data");
	expect_word("/opt/My App/bin", "\"/opt/My App/bin\"");
	expect_word("a,b", "\"a,b\"");
	expect_word("a#b", "\"a#b\"");
	expect_word("a\"b\\c", "\"a\\\"b\\\\c\"");
	expect_word("a\n", "\"a\n\""); /* no newline ends a statement: this one is refused */
	expect_word("only", "\"only\"");
	expect_word("root", "\"root\"");
	expect_word("", "\"\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports_of_one_principal),
		cmocka_unit_test(test_sorted_by_port),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_too_many_addresses),
		cmocka_unit_test(test_observe),
		cmocka_unit_test(test_many_ports),
		cmocka_unit_test(test_ports_in_a_row),
		cmocka_unit_test(test_ephemeral_ports_are_no_rules),
		cmocka_unit_test(test_how_often),
		cmocka_unit_test(test_port_of_two),
		cmocka_unit_test(test_ephemeral_ports_are_left),
		cmocka_unit_test(test_many_principals_of_one_port),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
