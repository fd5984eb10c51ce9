/* SPDX-License-Identifier: MIT */
/*
 * explain.c - what is told about a verdict; that it agrees with the verdict, property.c shows
 */
#include "loaded.h"

#include "policy/explain.h"
#include "policy/holders.h"
#include "policy/words.h"
#include "policy/writer.h"

/* struct story - a policy, a question and its explanation */
struct story {
	struct loaded loaded;
	struct ranges *ranges;
	struct subject subject;
	struct target target;
	const char *user;
	uint16_t unprivileged_start;
	struct explanation *told;
};

/* ask() - user alice for 80/tcp on 0.0.0.0 unless the caller changes that before tell() */
static void ask(struct story *story, const char *text)
{
	*story = (struct story){ .unprivileged_start = 1024 };
	load(&story->loaded, text);
	assert_int_equal(ranges_new(story->loaded.policy, &story->ranges), 0);
	story->subject = (struct subject){ .uid = ALICE, .gid = 7 };
	story->target = target_of(PROTOCOL_TCP, 80, "0.0.0.0");
}

static void tell(struct story *story)
{
	const struct explain_request request = {
		.subject = &story->subject,
		.target = &story->target,
		.user = story->user,
		.unprivileged_start = story->unprivileged_start,
	};

	explanation_free(story->told);
	story->told = NULL;
	assert_int_equal(explain(story->ranges, story->loaded.compiled, &request, &story->told), 0);
}

static void forget(struct story *story)
{
	explanation_free(story->told);
	ranges_free(story->ranges);
	unload(&story->loaded);
}

static void assert_told(const struct story *story, size_t index, enum explain_kind kind,
			const char *place, const char *text)
{
	const struct explain_statement *statement = &story->told->statements[index];

	assert_true(index < story->told->n_statements);
	assert_string_equal(statement->place, place);
	assert_string_equal(statement->text, text);
	assert_string_equal(explain_kind_name(statement->kind), explain_kind_name(kind));
}

static void assert_reason(const struct story *story, size_t index, size_t reason,
			  enum explain_why why, const char *text)
{
	const struct explain_statement *statement = &story->told->statements[index];

	assert_true(index < story->told->n_statements);
	assert_true(reason < statement->n_reasons);
	assert_string_equal(statement->reasons[reason].text, text);
	assert_string_equal(explain_why_name(statement->reasons[reason].why),
			    explain_why_name(why));
}

static void test_granted(void **state)
{
	struct story s;

	(void)state;
	ask(&s, "# web\nbind 80 by user bob\nbind  80,\\\n  81 by user alice   # she runs it\n"
		"bind 80 by user alice, group dba\n");
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_GRANTED);
	assert_string_equal(s.told->summary,
			    "80/tcp on 0.0.0.0: granted to user alice by policy.conf:3");
	assert_null(s.told->capability);
	assert_int_equal(s.told->n_statements, 3);
	assert_told(&s, 0, EXPLAIN_ANSWERS, "policy.conf:3", "bind 80, 81 by user alice");
	assert_int_equal(s.told->statements[0].n_reasons, 0);
	assert_told(&s, 1, EXPLAIN_DECIDES, "policy.conf:2", "bind 80 by user bob");
	assert_reason(&s, 1, 0, EXPLAIN_WHY_USER, "user bob: this is user alice");
	assert_told(&s, 2, EXPLAIN_GRANTS_TOO, "policy.conf:5", "bind 80 by user alice, group dba");
	assert_int_equal(s.told->statements[2].n_reasons, 0);
	forget(&s);
}

static void test_refused(void **state)
{
	struct story s;

	(void)state;
	ask(&s, "bind 80 by user www-data exe /usr/sbin/nginx, group dba unit db@*.service\n"
		"bind 80 by user ghost, user alice exe /bin/a unit web.service, root\n");
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_REFUSED);
	assert_string_equal(
		s.told->summary,
		"80/tcp on 0.0.0.0: refused to user alice, whom no statement names that "
		"decides (policy.conf:1 governs the port)");
	assert_string_equal(s.told->capability, "CAP_NET_BIND_SERVICE would pass, and the process "
						"does not have it");
	assert_reason(&s, 0, 0, EXPLAIN_WHY_USER,
		      "user www-data exe /usr/sbin/nginx: this is user alice; the executable was "
		      "not given");
	assert_reason(&s, 0, 1, EXPLAIN_WHY_GROUP,
		      "group dba unit db@*.service: user alice is not in the group; the unit was "
		      "not given");
	assert_reason(
		&s, 1, 0, EXPLAIN_WHY_UNKNOWN_NAME,
		"user ghost: a name in it is unknown so far, or its executable is missing: it "
		"admits no one");
	assert_reason(&s, 1, 1, EXPLAIN_WHY_EXE_UNKNOWN,
		      "user alice exe /bin/a unit web.service: the executable was not given; the "
		      "unit was not given");
	assert_reason(&s, 1, 2, EXPLAIN_WHY_USER, "root: this is user alice");

	s.subject.exe = "/bin/b";
	s.subject.unit = "web.service";
	tell(&s);
	assert_reason(&s, 1, 1, EXPLAIN_WHY_EXE,
		      "user alice exe /bin/a unit web.service: the executable is /bin/b");
	s.subject.exe = "/bin/a";
	s.subject.unit = NULL;
	tell(&s);
	assert_reason(&s, 1, 1, EXPLAIN_WHY_UNIT_UNKNOWN,
		      "user alice exe /bin/a unit web.service: the unit was not given");
	s.subject.unit = "x.scope";
	tell(&s);
	assert_reason(&s, 1, 1, EXPLAIN_WHY_UNIT,
		      "user alice exe /bin/a unit web.service: the unit is x.scope");
	forget(&s);
}

/* Who asks is named as the caller knows him, else as the policy does, else by number. */
static void test_subject_names(void **state)
{
	struct story s;

	(void)state;
	ask(&s, "bind 80 by user alice, group 4711\n");
	s.subject.uid = 12345;
	tell(&s);
	assert_reason(&s, 0, 0, EXPLAIN_WHY_USER, "user alice: this is user 12345");
	assert_reason(&s, 0, 1, EXPLAIN_WHY_GROUP, "group 4711: user 12345 is not in the group");
	s.user = "dora";
	tell(&s);
	assert_reason(&s, 0, 0, EXPLAIN_WHY_USER, "user alice: this is user dora");
	s.user = NULL;
	s.subject.uid = ROOT;
	tell(&s);
	assert_reason(&s, 0, 0, EXPLAIN_WHY_USER, "user alice: this is root");
	forget(&s);
}

static void test_overridden(void **state)
{
	struct story s;

	(void)state;
	ask(&s, "bind 1-1023 by user alice\nbind 1-100/tcp by user alice\n"
		"bind 80/tcp by user bob only\nbind 1-100/udp by user alice\n"
		"bind 90-91 by user alice\n");
	s.subject.capable = true;
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_REFUSED);
	assert_string_equal(s.told->capability,
			    "CAP_NET_BIND_SERVICE does not pass: policy.conf:3 says `only`");
	assert_int_equal(s.told->n_statements, 3);
	assert_told(&s, 0, EXPLAIN_DECIDES, "policy.conf:3", "bind 80/tcp by user bob only");
	assert_told(&s, 1, EXPLAIN_OVERRIDDEN, "policy.conf:2", "bind 1-100/tcp by user alice");
	assert_reason(&s, 1, 0, EXPLAIN_WHY_RANGE,
		      "ports 1-100: the narrower range 80 of policy.conf:3 decides alone");
	assert_true(s.told->statements[1].names_subject);
	assert_told(&s, 2, EXPLAIN_OVERRIDDEN, "policy.conf:1", "bind 1-1023 by user alice");
	assert_reason(&s, 2, 0, EXPLAIN_WHY_RANGE,
		      "ports 1-1023: the narrower range 80 of policy.conf:3 decides alone");

	s.subject.capable = false;
	tell(&s);
	assert_string_equal(
		s.told->capability,
		"CAP_NET_BIND_SERVICE would not pass either: policy.conf:3 says `only`");
	forget(&s);
}

static void test_capable(void **state)
{
	struct story s;

	(void)state;
	ask(&s, "bind 80 by user bob\n");
	s.subject.capable = true;
	s.user = "alice";
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_CAPABLE);
	assert_string_equal(s.told->summary,
			    "80/tcp on 0.0.0.0: no statement names user alice, and "
			    "CAP_NET_BIND_SERVICE passes");
	assert_string_equal(s.told->capability,
			    "CAP_NET_BIND_SERVICE passes: no deciding statement says `only`");
	forget(&s);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *address;
		bool v6only;
		const char *reason;
	} cases[] = {
		{ "10.0.0.1", false, "on 127.0.0.0/8, ::1: 10.0.0.1 is not in it" },
		{ "fd00::1", false, "on 127.0.0.0/8, ::1: fd00::1 is not in it" },
		{ "0.0.0.0", false,
		  "on 127.0.0.0/8, ::1: 0.0.0.0 stands for every IPv4 address, and needs "
		  "0.0.0.0/0" },
		{ "::ffff:0.0.0.0", false,
		  "on 127.0.0.0/8, ::1: 0.0.0.0 stands for every IPv4 address, and needs "
		  "0.0.0.0/0" },
		{ "::", true,
		  "on 127.0.0.0/8, ::1: :: stands for every IPv6 address, and needs ::/0" },
		{ "::", false,
		  "on 127.0.0.0/8, ::1: :: without IPV6_V6ONLY stands for every IPv6 and every "
		  "IPv4 address, and needs both ::/0 and 0.0.0.0/0" },
	};
	struct story s;

	(void)state;
	ask(&s, "bind 80 by user alice on 127.0.0.0/8, ::1\n");
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		s.target = target_of(PROTOCOL_TCP, 80, cases[i].address);
		s.target.v6only = cases[i].v6only;
		tell(&s);
		assert_int_equal(s.told->answer.verdict, VERDICT_REFUSED);
		assert_int_equal(s.told->statements[0].n_reasons, 1);
		assert_reason(&s, 0, 0, EXPLAIN_WHY_ADDRESS, cases[i].reason);
		assert_false(s.told->statements[0].names_subject);
	}
	s.subject.uid = BOB;
	tell(&s);
	assert_int_equal(s.told->statements[0].n_reasons, 2);
	assert_reason(&s, 0, 1, EXPLAIN_WHY_USER, "user alice: this is user 1001");
	s.subject.uid = ALICE;
	s.target = target_of(PROTOCOL_TCP, 80, "::1");
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_GRANTED);
	forget(&s);
}

static void test_observe(void **state)
{
	struct story s;

	(void)state;
	ask(&s, "observe bind 80 by user bob\nobserve bind 1-100 by user alice\n"
		"bind 80 by user alice\n");
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_GRANTED);
	assert_int_equal(s.told->observed.verdict, VERDICT_REFUSED);
	assert_int_equal(s.told->observed.rule.line, 1);
	assert_told(&s, 1, EXPLAIN_OBSERVES, "policy.conf:1", "observe bind 80 by user bob");
	assert_reason(&s, 1, 0, EXPLAIN_WHY_OBSERVE,
		      "observe: it only logs, and would refuse this");
	assert_reason(&s, 1, 1, EXPLAIN_WHY_USER, "user bob: this is user alice");
	assert_told(&s, 2, EXPLAIN_OBSERVES, "policy.conf:2", "observe bind 1-100 by user alice");
	assert_reason(&s, 2, 0, EXPLAIN_WHY_RANGE,
		      "ports 1-100: the narrower range 80 of policy.conf:1 decides alone");

	s.subject.uid = BOB;
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_REFUSED);
	assert_reason(&s, 1, 0, EXPLAIN_WHY_OBSERVE, "observe: it only logs, and would grant this");
	s.subject = (struct subject){ .uid = CAROL, .capable = true };
	tell(&s);
	assert_reason(&s, 1, 0, EXPLAIN_WHY_OBSERVE,
		      "observe: it only logs, and CAP_NET_BIND_SERVICE would pass");
	forget(&s);
}

/* The kernel's own rule, where no statement governs. */
static void test_ungoverned(void **state)
{
	struct story s;

	(void)state;
	ask(&s, "bind 443 by user bob\nobserve bind 80 by user bob\n");
	s.user = "alice";
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_KERNEL_REFUSED);
	assert_string_equal(
		s.told->summary,
		"80/tcp on 0.0.0.0: no rule names the port; below 1024 "
		"(ip_unprivileged_port_start) the kernel asks for CAP_NET_BIND_SERVICE, "
		"which user alice does not have here");
	assert_int_equal(s.told->n_statements, 1);
	assert_int_equal(s.told->statements[0].kind, EXPLAIN_OBSERVES);

	s.subject.capable = true;
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_UNGOVERNED);
	assert_string_equal(
		s.told->summary,
		"80/tcp on 0.0.0.0: no rule names the port; below 1024 "
		"(ip_unprivileged_port_start) the kernel asks for CAP_NET_BIND_SERVICE, "
		"which user alice has here");

	s.subject.capable = false;
	s.unprivileged_start = 80;
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_UNGOVERNED);
	assert_string_equal(s.told->summary,
			    "80/tcp on 0.0.0.0: no rule names the port, and the kernel lets anyone "
			    "bind it (ip_unprivileged_port_start is 80)");
	s.target.port = 0;
	s.unprivileged_start = 1024;
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_UNGOVERNED);
	assert_string_equal(s.told->summary, "0/tcp on 0.0.0.0: the kernel chooses a port, and no "
					     "rule governs that");
	forget(&s);
}

/* A policy of a million rules on one port must not come to a million lines; the answer stays. */
static void test_limits(void **state)
{
	enum { STATEMENTS = 300 };
	_cleanup_free_ char *text = NULL;
	struct writer writer;
	struct story s;

	(void)state;
	assert_int_equal(writer_open(&writer), 0);
	fprintf(writer.out, "bind 80 by ");
	for (unsigned i = 0; i < 40; i++)
		fprintf(writer.out, "%suser %u", i ? ", " : "", 5000 + i);
	fprintf(writer.out, "\n");
	for (unsigned i = 1; i < STATEMENTS; i++)
		fprintf(writer.out, "bind 80 by user %u\n", 6000 + i);
	fprintf(writer.out, "bind 80 by user alice\n");
	assert_int_equal(writer_close(&writer, &text), 0);
	ask(&s, text);
	tell(&s);
	assert_int_equal(s.told->n_statements, MAX_EXPLAIN_STATEMENTS);
	assert_int_equal(s.told->omitted, STATEMENTS + 1 - MAX_EXPLAIN_STATEMENTS);
	assert_told(&s, 0, EXPLAIN_ANSWERS, "policy.conf:301", "bind 80 by user alice");
	assert_int_equal(s.told->statements[1].n_reasons, MAX_EXPLAIN_REASONS);
	assert_int_equal(s.told->statements[1].omitted, 40 - MAX_EXPLAIN_REASONS);
	forget(&s);
}

/* Statements are told about by file as well as by line. */
static void test_files(void **state)
{
	struct sources *sources = sources_new();
	struct story s = { .unprivileged_start = 1024 };

	(void)state;
	assert_non_null(sources);
	assert_int_equal(sources_add(sources, "a.conf", "bind 80 by user bob\n", 20), 0);
	assert_int_equal(sources_add(sources, "b.conf", "bind 80 by user alice", 21), 0);
	loaded_read(&s.loaded, sources, &loaded_machine);
	assert_int_equal(policy_compile(s.loaded.policy, &s.loaded.diagnostics, &s.loaded.compiled),
			 0);
	assert_int_equal(ranges_new(s.loaded.policy, &s.ranges), 0);
	s.subject = (struct subject){ .uid = ALICE };
	s.target = target_of(PROTOCOL_TCP, 80, "0.0.0.0");
	tell(&s);
	assert_told(&s, 0, EXPLAIN_ANSWERS, "b.conf:1", "bind 80 by user alice");
	assert_told(&s, 1, EXPLAIN_DECIDES, "a.conf:1", "bind 80 by user bob");
	s.target.protocol = PROTOCOLS;
	assert_int_equal(
		explain(s.ranges, s.loaded.compiled,
			&(struct explain_request){ .subject = &s.subject, .target = &s.target },
			&s.told),
		-EINVAL);
	forget(&s);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(explain_verdict_name(VERDICT_KERNEL_REFUSED), "kernel-refused");
	for (unsigned i = 0; i < VERDICTS; i++)
		assert_non_null(explain_verdict_name((enum verdict)i));
	for (unsigned i = 0; i < EXPLAIN_KINDS; i++)
		assert_non_null(explain_kind_name((enum explain_kind)i));
	for (unsigned i = 0; i < EXPLAIN_WHYS; i++)
		assert_non_null(explain_why_name((enum explain_why)i));
	assert_string_equal(explain_verdict_name(VERDICTS), "unknown");
}

static void test_holders(void **state)
{
	struct holders *holders = NULL;
	const struct port_entry *ports;
	struct story s;

	(void)state;
	ask(&s, "bind 80/tcp by user www-data exe /usr/sbin/nginx, group developers on "
		"127.0.0.0/8, ::1\n"
		"bind 80/tcp by unit db@*.service, anyone\nbind 80/tcp by unit db@*.service, user "
		"ghost\n"
		"bind 81 by root only\nbind 81 by user 4711 group 4712\nbind 82 by user ghost\n");
	ports = s.loaded.compiled->ports;
	assert_int_equal(holders_new(s.ranges, ports[80].enforced, &holders), 0);
	assert_int_equal(holders->n_principals, 4);
	assert_string_equal(holders->principals[0],
			    "user www-data exe /usr/sbin/nginx (on 127.0.0.0/8, ::1)");
	assert_string_equal(holders->principals[1], "group developers (on 127.0.0.0/8, ::1)");
	assert_string_equal(holders->principals[2], "unit db@*.service");
	assert_string_equal(holders->principals[3], "anyone");
	assert_true(holders->capable);
	holders_free(holders);

	assert_int_equal(holders_new(s.ranges, ports[81].enforced, &holders), 0);
	assert_int_equal(holders->n_principals, 2);
	assert_string_equal(holders->principals[0], "root");
	assert_string_equal(holders->principals[1], "user 4711 group 4712");
	assert_false(holders->capable);
	holders_free(holders);

	assert_int_equal(holders_new(s.ranges, ports[82].enforced, &holders), 0);
	assert_int_equal(holders->n_principals, 0);
	holders_free(holders);

	holders = NULL;
	assert_int_equal(holders_new(s.ranges, 0, &holders), -EINVAL);
	assert_int_equal(holders_new(s.ranges, (uint32_t)s.ranges->n_sets, &holders), -EINVAL);
	assert_null(holders);
	forget(&s);
}

static void test_many_holders(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct holders *holders = NULL;
	struct writer writer;
	struct story s;

	(void)state;
	assert_int_equal(writer_open(&writer), 0);
	for (unsigned i = 0; i < MAX_HOLDERS + 10; i++)
		fprintf(writer.out, "bind 80 by user %u\n", 5000 + i);
	assert_int_equal(writer_close(&writer, &text), 0);
	ask(&s, text);
	assert_int_equal(holders_new(s.ranges, 1, &holders), 0);
	assert_int_equal(holders->n_principals, MAX_HOLDERS);
	assert_int_equal(holders->omitted, 10);
	holders_free(holders);
	forget(&s);
}

/* A reader that goes back, or is asked for what is not there. */
static void test_words_reader(void **state)
{
	static const struct {
		uint32_t line;
		const char *text;
	} cases[] = {
		{ 5, "bind 82 by user bob" },
		{ 2, "" }, /* no line that could be a statement */
		{ 3, "bind 81 by group \"dba\", user alice" },
		{ 3, "bind 81 by group \"dba\", user alice" },
		{ 1, "" },
		{ 9, "" },
		{ 0, "" },
	};
	static const char source[] = "\n"
				     "bind 80 by \"alice\"x\n"
				     "bind 81 by \\\r\n"
				     "\tgroup \"dba\" , user alice # x\n"
				     "bind 82 by user bob";
	struct sources *sources = sources_new();
	struct words_reader reader = { 0 };

	(void)state;
	assert_non_null(sources);
	assert_int_equal(sources_add(sources, "a.conf", source, strlen(source)), 0);
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		const struct rule rule = { .line = cases[i].line };
		_cleanup_free_ char *text = NULL;
		struct writer writer;

		assert_int_equal(writer_open(&writer), 0);
		words_statement(&reader, sources, &rule, writer.out);
		assert_int_equal(writer_close(&writer, &text), 0);
		assert_string_equal(text, cases[i].text);
	}
	sources_free(sources);
}

/* Principals are counted by their commas, wherever the line is broken. */
static void test_words_written(void **state)
{
	static const char source[] =
		"bind 80, 81 by user \"by\", \\\n group x unit a*, root on ::1, ::2 only\n";
	static const char *const principals[] = { "user \"by\"", "group x unit a*", "root", "" };
	struct sources *sources = sources_new();
	struct words_reader reader = { 0 };
	const struct rule rule = { .line = 1 };

	(void)state;
	assert_non_null(sources);
	assert_int_equal(sources_add(sources, "a.conf", source, strlen(source)), 0);
	for (size_t i = 0; i < ELEMENTS(principals); i++) {
		_cleanup_free_ char *text = NULL;
		struct writer writer;

		assert_int_equal(writer_open(&writer), 0);
		words_written(&reader, sources, &rule, i, writer.out);
		assert_int_equal(writer_close(&writer, &text), 0);
		assert_string_equal(text, principals[i]);
	}
	sources_free(sources);
}

/* Silence about where calls go, or about those that come from elsewhere; and a word too many. */
static void test_redirects(void **state)
{
	struct story s;

	(void)state;
	ask(&s, "redirect 80 to 8080\nbind 8080 by user alice\nredirect 90-92 to 8080\n");
	tell(&s);
	assert_string_equal(s.told->redirect,
			    "calls of 80/tcp are led to a listener at 8080 (policy.conf:1), where "
			    "policy.conf:2 governs who may listen; the accept rules of 80 say who "
			    "may call");
	s.target.port = 8080;
	tell(&s);
	assert_string_equal(s.told->redirect, "led here are calls of 80/tcp (policy.conf:1), "
					      "90-92/tcp (policy.conf:3)");
	s.target.port = 93;
	tell(&s);
	assert_null(s.told->redirect);
	s.target = target_of(PROTOCOL_UDP, 80, "0.0.0.0");
	tell(&s);
	assert_null(s.told->redirect);
	forget(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_granted),       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_subject_names), cmocka_unit_test(test_overridden),
		cmocka_unit_test(test_capable),       cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_observe),       cmocka_unit_test(test_ungoverned),
		cmocka_unit_test(test_limits),        cmocka_unit_test(test_files),
		cmocka_unit_test(test_names),         cmocka_unit_test(test_holders),
		cmocka_unit_test(test_many_holders),  cmocka_unit_test(test_words_reader),
		cmocka_unit_test(test_words_written), cmocka_unit_test(test_redirects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
