/* SPDX-License-Identifier: MIT */
/* policy_parse.c - what right statements come to: every form of each */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "policy_fake.h"

/* Base64 of 31 bytes that are 0 and one more. */
#define KEY(last) "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" last "="

/* parse() - a policy of which nothing is to be said */
static void parse(struct parsed *parsed, const char *text)
{
	assert_int_equal(parsed_bytes(parsed, text, strlen(text), false), 0);
	for (size_t i = 0; i < parsed->diagnostics.n_items; i++) {
		const struct diagnostic *said = &parsed->diagnostics.items[i];

		fail_msg("%u:%u: %s", said->where.line, said->where.column, said->text);
	}
}

static const struct statement *statement(const struct parsed *parsed, size_t index)
{
	assert_true(index < parsed->policy->n_statements);
	return &parsed->policy->statements[index];
}

static void assert_port(const struct parsed *parsed, size_t index, unsigned first, unsigned last,
			unsigned protocols)
{
	const struct port_range *range;

	assert_true(index < parsed->policy->n_ports);
	range = &parsed->policy->ports[index];
	assert_int_equal(range->first, first);
	assert_int_equal(range->last, last);
	assert_int_equal(range->protocols, protocols);
}

#define TCP  PROTOCOL_BIT(PROTOCOL_TCP)
#define UDP  PROTOCOL_BIT(PROTOCOL_UDP)
#define BOTH (TCP | UDP)

/* Numbers, ranges and names, with and without a protocol. */
static void ports(void **state)
{
	struct parsed parsed;

	parse(&parsed, "bind 80, 0-1023, 65535, https, http, tftp, split by root\n"
		       "bind 80/tcp,80/udp,8000-8999/udp,split/udp,https/tcp by root\n");
	assert_int_equal(statement(&parsed, 0)->ports, 8);
	assert_port(&parsed, 0, 80, 80, BOTH);
	assert_port(&parsed, 1, 1, 1023, BOTH);
	assert_port(&parsed, 2, 65535, 65535, BOTH);
	assert_port(&parsed, 3, 443, 443, BOTH);
	assert_port(&parsed, 4, 80, 80, TCP);
	assert_port(&parsed, 5, 69, 69, UDP);
	assert_port(&parsed, 6, 5000, 5000, TCP);
	assert_port(&parsed, 7, 5001, 5001, UDP);
	assert_int_equal(parsed.policy->ports[6].joined, 0);
	assert_int_equal(parsed.policy->ports[7].joined, 1);
	assert_int_equal(statement(&parsed, 1)->first_port, 8);
	assert_int_equal(statement(&parsed, 1)->ports, 5);
	assert_port(&parsed, 8, 80, 80, TCP);
	assert_port(&parsed, 9, 80, 80, UDP);
	assert_port(&parsed, 10, 8000, 8999, UDP);
	assert_port(&parsed, 11, 5001, 5001, UDP);
	assert_port(&parsed, 12, 443, 443, TCP);
	/* Each name is asked once, however often it stands there. */
	assert_int_equal(parsed.fake.services, 4);
	parsed_clear(&parsed);
}

/* A digit at the beginning makes no number of a service's name. */
static void services_like_numbers(void **state)
{
	struct parsed parsed;

	parse(&parsed, "bind 9pfs, domain-s, \"http\" by root\n");
	assert_port(&parsed, 0, 564, 564, TCP);
	assert_port(&parsed, 1, 853, 853, BOTH);
	assert_port(&parsed, 2, 80, 80, TCP);
	parsed_clear(&parsed);
}

static void principals(void **state)
{
	const struct alternative *is;
	struct parsed parsed;

	parse(&parsed,
	      "bind 80 by user alice, user 1000, group dba, group 7, unit a@*.service, root,\\\n"
	      " anyone, group dba user bob exe /usr/sbin/nginx unit b.service,\\\n"
	      " exe /usr/sbin/nginx root, user 0, user 4294967294, user root\n");
	assert_int_equal(statement(&parsed, 0)->alternatives, 12);
	is = parsed.policy->alternatives;
	assert_int_equal(is[0].conditions, CONDITION_USER);
	assert_int_equal(is[0].uid, 1000);
	assert_int_equal(is[1].conditions, CONDITION_USER);
	assert_int_equal(is[1].uid, 1000);
	assert_int_equal(is[2].conditions, CONDITION_GROUP);
	assert_int_equal(is[2].gid, 501);
	assert_int_equal(is[3].gid, 7);
	assert_int_equal(is[4].conditions, CONDITION_UNIT);
	assert_int_equal(is[4].unit, 0);
	assert_int_equal(is[5].conditions, CONDITION_USER);
	assert_int_equal(is[5].uid, 0);
	assert_int_equal(is[6].conditions, CONDITION_ANYONE);
	assert_int_equal(is[7].conditions,
			 CONDITION_USER | CONDITION_GROUP | CONDITION_EXE | CONDITION_UNIT);
	assert_int_equal(is[7].uid, 1001);
	assert_int_equal(is[7].gid, 501);
	assert_int_equal(is[7].exe, 0);
	assert_int_equal(is[7].unit, 1);
	assert_int_equal(is[8].conditions, CONDITION_USER | CONDITION_EXE);
	assert_int_equal(is[8].exe, 0);
	assert_int_equal(is[9].uid, 0);
	assert_int_equal(is[10].uid, 4294967294U);
	assert_int_equal(is[11].uid, 0);
	assert_int_equal(parsed.policy->n_exes, 1);
	assert_string_equal(parsed.policy->exes[0].path, "/usr/sbin/nginx");
	assert_int_equal(parsed.fake.users, 3);
	assert_int_equal(parsed.fake.groups, 1);
	assert_int_equal(parsed.fake.executables, 1);
	parsed_clear(&parsed);
}

/* A number in quotes is a name; a word in quotes is no keyword; the words of names are free. */
static void quotes(void **state)
{
	struct parsed parsed;

	parse(&parsed, "bind 80 by user \"1000\", user \"al ice\", user \"root\","
		       "unit \"a,b#c \\\"d\\\" \\\\e.service\", unit a\\x2db.service\n");
	assert_int_equal(parsed.policy->alternatives[0].uid, 2000);
	assert_int_equal(parsed.policy->alternatives[1].uid, 1002);
	assert_int_equal(parsed.policy->alternatives[2].uid, 0);
	assert_string_equal(parsed.policy->units[0].pattern.text, "a,b#c \"d\" \\e.service");
	assert_string_equal(parsed.policy->units[1].pattern.text, "a\\x2db.service");
	parsed_clear(&parsed);
}

static void units(void **state)
{
	const struct unit *is;
	struct parsed parsed;

	parse(&parsed, "bind 80 by unit postgresql@*.service, unit *, unit *.scope, unit run-*,"
		       " unit nginx.service, unit \303\274.service, unit *\n");
	is = parsed.policy->units;
	assert_int_equal(parsed.policy->n_units, 6);
	assert_int_equal(is[0].pattern.wildcard, 1);
	assert_int_equal(is[0].pattern.prefix, 11);
	assert_int_equal(is[0].pattern.suffix, 8);
	assert_string_equal(is[0].pattern.text, "postgresql@.service");
	assert_int_equal(is[1].pattern.wildcard, 1);
	assert_int_equal(is[1].pattern.prefix + is[1].pattern.suffix, 0);
	assert_int_equal(is[2].pattern.prefix, 0);
	assert_int_equal(is[2].pattern.suffix, 6);
	assert_int_equal(is[3].pattern.prefix, 4);
	assert_int_equal(is[3].pattern.suffix, 0);
	assert_int_equal(is[4].pattern.wildcard, 0);
	assert_int_equal(is[4].pattern.prefix, 13);
	assert_string_equal(is[4].pattern.text, "nginx.service");
	assert_int_equal(parsed.policy->alternatives[6].unit, 1);
	parsed_clear(&parsed);
}

static void assert_prefix(const struct parsed *parsed, size_t index, int family,
			  const char *address, unsigned length)
{
	const struct prefix *prefix = &parsed->policy->prefixes[index];
	uint32_t expected[4] = { 0 }, bits = length + (family == 4 ? 96 : 0);

	assert_int_equal(prefix->family, family);
	assert_int_equal(prefix->length, length);
	if (family == 4) {
		expected[2] = htonl(0xffff);
		assert_int_equal(inet_pton(AF_INET, address, &expected[3]), 1);
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, expected), 1);
	}
	assert_memory_equal(prefix->address, expected, sizeof(expected));
	for (unsigned bit = 0; bit < 128; bit++) {
		const unsigned char *mask = (const unsigned char *)prefix->mask;

		assert_int_equal(mask[bit / 8] >> (7 - bit % 8) & 1, bit < bits);
	}
}

static void addresses(void **state)
{
	struct parsed parsed;

	parse(&parsed, "bind 80 by root on 127.0.0.0/8, ::1, 0.0.0.0/0, ::/0, 10.0.0.1,"
		       "2001:db8::/33, ::ffff:10.0.0.0/104, ::ffff:1.2.3.4, 10.0.0.128/25,"
		       "::ffff:0.0.0.0/96 only\n");
	assert_int_equal(statement(&parsed, 0)->prefixes, 10);
	assert_int_equal(statement(&parsed, 0)->flags, STATEMENT_ONLY);
	assert_prefix(&parsed, 0, 4, "127.0.0.0", 8);
	assert_prefix(&parsed, 1, 6, "::1", 128);
	assert_prefix(&parsed, 2, 4, "0.0.0.0", 0);
	assert_prefix(&parsed, 3, 6, "::", 0);
	assert_prefix(&parsed, 4, 4, "10.0.0.1", 32);
	assert_prefix(&parsed, 5, 6, "2001:db8::", 33);
	/* IPv4 that is written as IPv6 is IPv4. */
	assert_prefix(&parsed, 6, 4, "10.0.0.0", 8);
	assert_prefix(&parsed, 7, 4, "1.2.3.4", 32);
	assert_prefix(&parsed, 8, 4, "10.0.0.128", 25);
	assert_prefix(&parsed, 9, 4, "0.0.0.0", 0);
	parsed_clear(&parsed);
}

static void assert_line(const struct parsed *parsed, size_t index, unsigned line, unsigned port)
{
	assert_int_equal(statement(parsed, index)->line, line);
	assert_int_equal(parsed->policy->ports[statement(parsed, index)->first_port].first, port);
}

/* Lines end and continue in every way that is allowed; the last one need not end. */
static void lines(void **state)
{
	struct parsed parsed;

	parse(&parsed, "\xef\xbb\xbf# a byte order mark, a comment \\\r\n"
		       "\r\n \t\n"
		       "bind 80 by root\t # \"not a quote, \\\n"
		       "bind \\\n\t81 \\\r\n by\\\n user\\\n alice\n"
		       "\\\n\\\n\n"
		       "  observe\tbind 82 by root only\r\n"
		       "bind 83 by root");
	assert_int_equal(parsed.policy->n_statements, 4);
	assert_line(&parsed, 0, 4, 80);
	assert_line(&parsed, 1, 5, 81);
	assert_line(&parsed, 2, 13, 82);
	assert_line(&parsed, 3, 14, 83);
	assert_int_equal(statement(&parsed, 0)->flags, 0);
	assert_int_equal(statement(&parsed, 2)->flags, STATEMENT_OBSERVE | STATEMENT_ONLY);
	parsed_clear(&parsed);
}

static void nothing(void **state)
{
	static const char *const texts[] = {
		"", "\n", "#", "# \n#", "\xef\xbb\xbf", " \\\n", "\r\n"
	};

	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		struct parsed parsed;

		parse(&parsed, texts[i]);
		assert_int_equal(parsed.diagnostics.errors, 0);
		assert_int_equal(parsed.policy->n_statements, 0);
		parsed_clear(&parsed);
	}
}

static void options(void **state)
{
	struct parsed parsed;

	parse(&parsed, "");
	assert_int_equal(parsed.policy->scope, SCOPE_OWN);
	parsed_clear(&parsed);
	parse(&parsed, "set scope own\nset scope own\n");
	assert_int_equal(parsed.policy->scope, SCOPE_OWN);
	parsed_clear(&parsed);
	parse(&parsed, "set scope all # twice the same is no contradiction\nset scope all\n");
	assert_int_equal(parsed.policy->scope, SCOPE_ALL);
	assert_int_equal(parsed.diagnostics.errors, 0);
	parsed_clear(&parsed);
}

/* Nested and equal ranges, and ranges that only seem to overlap, are fine. */
static void ranges_that_do_not_overlap(void **state)
{
	struct parsed parsed;

	parse(&parsed, "bind 1-100, 10-20, 10-15, 16-20, 10-20, 21-100, 1-100, 100, 15 by root\n"
		       "observe bind 50-150 by root\n"
		       "bind 200-300/tcp by root\nbind 250-350/udp by root\n"
		       "accept 90-110 from owner\nconnect 95-115 to approved@*\n"
		       "bind 0-30000 by root on ::1 only\n");
	parsed_clear(&parsed);
}

static void callers(void **state)
{
	const struct caller *is;
	const struct name *names;
	struct parsed parsed;

	parse(&parsed,
	      "host db1 key " KEY(
		      "w") " at fd00::1\n"
			   "accept 5432, http from user alice@db1, group dba@*, anyone@local, "
			   "owner,"
			   "group-of-owner, address 10.0.0.0/8, reserved ::1, user \"al ice@db1\", "
			   "user 4294967293@*,"
			   "group 500@local\n"
			   "observe connect 80/tcp to user alice@db1, approved@*, anyone@db1\n");
	is = parsed.policy->callers;
	names = parsed.policy->names;
	assert_int_equal(statement(&parsed, 1)->kind, STATEMENT_ACCEPT);
	assert_int_equal(statement(&parsed, 1)->callers, 10);
	assert_port(&parsed, 0, 5432, 5432, TCP);
	assert_int_equal(is[0].kind, CALLER_USER);
	assert_int_equal(is[0].host_kind, CALLER_HOST_NAMED);
	assert_int_equal(is[0].id, 1000);
	assert_int_equal(is[0].flags, 0);
	assert_string_equal(names[is[0].host].text, "db1");
	assert_int_equal(is[1].kind, CALLER_GROUP);
	assert_int_equal(is[1].host_kind, CALLER_HOST_EVERY);
	assert_int_equal(is[1].id, 501);
	assert_int_equal(is[2].kind, CALLER_ANYONE);
	assert_int_equal(is[2].host_kind, CALLER_HOST_LOCAL);
	assert_int_equal(is[3].kind, CALLER_OWNER);
	assert_int_equal(is[4].kind, CALLER_OWNER_GROUP);
	assert_int_equal(is[5].kind, CALLER_ADDRESS);
	assert_prefix(&parsed, is[5].prefix, 4, "10.0.0.0", 8);
	assert_int_equal(is[6].kind, CALLER_RESERVED);
	assert_prefix(&parsed, is[6].prefix, 6, "::1", 128);
	assert_int_equal(is[7].id, 1002);
	assert_int_equal(is[7].host, is[0].host);
	assert_int_equal(is[8].id, 4294967293U);
	assert_int_equal(is[9].id, 500);
	assert_int_equal(statement(&parsed, 2)->kind, STATEMENT_CONNECT);
	assert_int_equal(statement(&parsed, 2)->flags, STATEMENT_OBSERVE);
	assert_int_equal(statement(&parsed, 2)->first_caller, 10);
	assert_int_equal(statement(&parsed, 2)->callers, 3);
	assert_int_equal(is[10].id, is[0].id);
	assert_int_equal(is[11].kind, CALLER_APPROVED);
	assert_int_equal(is[12].kind, CALLER_ANYONE);
	/* Each name is asked for once. */
	assert_int_equal(parsed.fake.users, 2);
	assert_int_equal(parsed.fake.groups, 1);
	parsed_clear(&parsed);
}

/* The last '@' splits, and a number in quotes is a name. */
static void caller_names(void **state)
{
	static const char text[] = "accept 80 from user a@b@local, user \"1000@local\","
				   "user 1000@local\n";
	const struct caller *is;
	struct parsed parsed;

	assert_int_equal(parsed_bytes(&parsed, text, strlen(text), true), 0);
	is = parsed.policy->callers;
	assert_int_equal(parsed.policy->n_callers, 3);
	assert_string_equal(parsed.policy->names[0].text, "a@b");
	assert_int_equal(is[0].flags, CALLER_NEVER);
	assert_int_equal(is[1].id, 2000);
	assert_int_equal(is[2].id, 1000);
	parsed_clear(&parsed);
}

static void hosts(void **state)
{
	const struct host *is;
	struct parsed parsed;

	parse(&parsed,
	      "host db1 key " KEY(
		      "w") " at 10.0.0.11, fd00::11 users shared root squash\n"
			   "host db2 key " KEY("E") ", \"" KEY(
				   "I") "\" at fd00::1 users shared 5-7, 1000 root "
					"trust\n"
					"host \"at\" key " KEY(
						"M") " at 10.0.0.0/8 users shared 1-4294967293\n"
						     "host d key " KEY("Q") " at fd00::3, fd00::3 "
									    "root trust\n");
	is = parsed.policy->hosts;
	assert_int_equal(parsed.policy->n_hosts, 4);
	assert_string_equal(parsed.policy->names[is[0].name].text, "db1");
	assert_int_equal(is[0].n_keys, 1);
	assert_int_equal(is[0].keys[0].bytes[0], 0);
	assert_int_equal(is[0].keys[0].bytes[31], 12);
	assert_int_equal(is[1].n_keys, 2);
	assert_int_equal(is[1].keys[0].bytes[31], 1);
	assert_int_equal(is[1].keys[1].bytes[31], 2);
	assert_int_equal(statement(&parsed, 0)->prefixes, 2);
	assert_int_equal(statement(&parsed, 0)->host, 0);
	assert_false(is[0].root_trusted);
	assert_int_equal(is[0].id_ranges, 1);
	assert_int_equal(parsed.policy->id_ranges[is[0].first_id_range].first, 1000);
	assert_int_equal(parsed.policy->id_ranges[is[0].first_id_range].last, 59999);
	assert_int_equal(is[1].id_ranges, 2);
	assert_int_equal(parsed.policy->id_ranges[is[1].first_id_range].first, 5);
	assert_int_equal(parsed.policy->id_ranges[is[1].first_id_range].last, 7);
	assert_int_equal(parsed.policy->id_ranges[is[1].first_id_range + 1].first, 1000);
	assert_int_equal(parsed.policy->id_ranges[is[1].first_id_range + 1].last, 1000);
	assert_true(is[1].root_trusted);
	assert_string_equal(parsed.policy->names[is[2].name].text, "at");
	assert_int_equal(is[3].id_ranges, 1);
	assert_true(is[3].root_trusted);
	parsed_clear(&parsed);
}

static void redirects(void **state)
{
	struct parsed parsed;

	parse(&parsed, "redirect 90/tcp, 81-83/tcp to 8080\nredirect 443 to http\n"
		       "bind 80, 8080 by root\n");
	assert_int_equal(statement(&parsed, 0)->kind, STATEMENT_REDIRECT);
	assert_int_equal(statement(&parsed, 0)->ports, 2);
	assert_int_equal(statement(&parsed, 0)->target, 8080);
	assert_int_equal(statement(&parsed, 1)->target, 80);
	assert_port(&parsed, 2, 443, 443, TCP);
	parsed_clear(&parsed);
}

/* Leniently, an unknown name or program admits nobody, and nothing else of its list is lost. */
static void lenient(void **state)
{
	static const char text[] = "bind 80 by user carol, root, group carols exe /usr/bin/a,"
				   "root exe /nothing, user alice\n";
	const struct alternative *is;
	struct parsed parsed;

	assert_int_equal(parsed_bytes(&parsed, text, strlen(text), true), 0);
	assert_int_equal(parsed.diagnostics.errors, 0);
	assert_int_equal(parsed.diagnostics.warnings, 3);
	is = parsed.policy->alternatives;
	assert_int_equal(is[0].conditions, CONDITION_USER | CONDITION_NEVER);
	assert_int_equal(is[1].conditions, CONDITION_USER);
	assert_int_equal(is[2].conditions, CONDITION_GROUP | CONDITION_EXE | CONDITION_NEVER);
	assert_int_equal(is[3].conditions, CONDITION_USER | CONDITION_EXE | CONDITION_NEVER);
	assert_int_equal(is[4].conditions, CONDITION_USER);
	parsed_clear(&parsed);
}

/* What is wrong never comes to mean more: a refused rule keeps its ports and admits nobody. */
static void refused_rule(void **state)
{
	static const char text[] =
		"bind 80 by anyone, usr alice\nbind 81 by root, exe /usr/bin/a\n"
		"bind 82 by anyone on 1.2.3.4/8\nbind 83 by\nbind 84, 0 by root\n";
	struct parsed parsed;

	assert_int_equal(parsed_bytes(&parsed, text, strlen(text), false), 0);
	assert_int_equal(parsed.policy->n_statements, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_line(&parsed, i, (unsigned)i + 1, 80 + (unsigned)i);
		assert_int_equal(statement(&parsed, i)->alternatives, 1);
		assert_int_equal(parsed.policy->alternatives[i].conditions, CONDITION_NEVER);
	}
	assert_int_equal(parsed.policy->n_alternatives, 4);
	assert_int_equal(parsed.policy->n_ports, 4);
	parsed_clear(&parsed);
}

static void add(struct parsed *parsed, const char *name, const char *text)
{
	assert_int_equal(sources_add(parsed->sources, name, text, strlen(text)), 0);
}

/* Statements know their file; an option may contradict itself across files. */
static void files(void **state)
{
	_cleanup_free_ char *said = NULL;
	struct parsed parsed = { .sources = sources_new() };

	add(&parsed, "a", "set scope all\nbind 80-90 by root");
	add(&parsed, "b", "");
	add(&parsed, "c", "bind 85-95 by root\nset scope own");
	assert_int_equal(parsed_sources(&parsed, false), 0);
	said = parsed_text(&parsed);
	assert_string_equal(said,
			    "1:6+5 error: range 85-95 partly overlaps 80-90 at a:2:6, "
			    "expected one inside the other or apart\n"
			    "2:11+3 error: 'scope' is 'own' here and 'all' at a:1:5, expected "
			    "one value\n");
	assert_int_equal(parsed.diagnostics.items[0].where.file, 2);
	assert_int_equal(statement(&parsed, 1)->file, 0);
	assert_int_equal(statement(&parsed, 2)->file, 2);
	parsed_clear(&parsed);
}

/* Only what is bound in earnest takes ephemeral ports, and 4,096 may stay. */
static void ephemeral_ports(void **state)
{
	struct parsed parsed;

	parse(&parsed, "observe bind 0-65535 by root\naccept 0-65535 from owner\n"
		       "bind 32768-56903/tcp, 40000-41000/udp, 1-32767/udp by root\n");
	assert_int_equal(parsed.diagnostics.errors, 0);
	parsed_clear(&parsed);
}

/* An environment that knows nothing but the ports that it is not asked about. */
static void empty_environment(void **state)
{
	static const char text[] = "bind 0-65535, http by user alice, group 5 exe /nothing\n";
	struct policy_environment environment = { 0 };
	struct parsed parsed = { .sources = sources_new() };
	_cleanup_free_ char *said = NULL;

	assert_int_equal(sources_add(parsed.sources, "p", text, strlen(text)), 0);
	assert_int_equal(
		policy_parse(parsed.sources, &environment, &parsed.diagnostics, &parsed.policy), 0);
	assert_int_equal(policy_resolve(parsed.policy, &environment, false, &parsed.diagnostics),
			 0);
	assert_int_equal(policy_check(parsed.policy, &environment, false, &parsed.diagnostics), 0);
	said = parsed_text(&parsed);
	assert_string_equal(said, "1:15+4 error: unknown service 'http', expected a port or a name "
				  "of the services database\n"
				  "1:28+5 error: unknown user 'alice', expected a user of this "
				  "machine\n");
	parsed_clear(&parsed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports),           cmocka_unit_test(services_like_numbers),
		cmocka_unit_test(principals),      cmocka_unit_test(quotes),
		cmocka_unit_test(units),           cmocka_unit_test(addresses),
		cmocka_unit_test(lines),           cmocka_unit_test(nothing),
		cmocka_unit_test(options),         cmocka_unit_test(ranges_that_do_not_overlap),
		cmocka_unit_test(callers),         cmocka_unit_test(hosts),
		cmocka_unit_test(redirects),       cmocka_unit_test(lenient),
		cmocka_unit_test(refused_rule),    cmocka_unit_test(files),
		cmocka_unit_test(ephemeral_ports), cmocka_unit_test(empty_environment),
		cmocka_unit_test(caller_names),
	};

	return cmocka_run_group_tests_name("policy_parse", tests, NULL, NULL);
}
