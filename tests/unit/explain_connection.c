/* SPDX-License-Identifier: MIT */
/*
 * explain_connection.c - what is told about a verdict on a caller or a service; that it agrees with
 * the verdict, property.c shows
 */
#include "loaded.h"

#include "policy/explain.h"

#define KEY(last) "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" last "="
#define HOSTS                                                                                      \
	"host db1 key " KEY("E") " at 10.0.0.11\n"                                                 \
				 "host db2 key " KEY("I") " at 10.0.0.12\n"

/* struct story - a policy, a question and its explanation */
struct story {
	struct loaded loaded;
	struct ranges *ranges;
	struct other_end end;
	enum statement_kind kind;
	const char *user;
	struct explanation *told;
};

/* ask() - user alice@db1 for a listener on 80 unless the caller changes that before tell() */
static void ask(struct story *story, const struct policy_environment *machine, const char *text)
{
	*story = (struct story){ .kind = STATEMENT_ACCEPT };
	loaded_text(&story->loaded, "policy.conf", text, machine);
	assert_int_equal(policy_compile(story->loaded.policy, &story->loaded.diagnostics,
					&story->loaded.compiled),
			 0);
	assert_int_equal(ranges_new(story->loaded.policy, &story->ranges), 0);
	story->end = (struct other_end){
		.host = verdict_find_host(story->loaded.compiled, "db1"),
		.uid = ALICE,
		.owner_uid = UID_NONE,
		.owner_gid = UID_NONE,
	};
}

static void tell(struct story *story)
{
	const struct explain_connection request = {
		.kind = story->kind,
		.port = 80,
		.end = &story->end,
		.user = story->user,
	};

	explanation_free(story->told);
	story->told = NULL;
	assert_int_equal(
		explain_connection(story->ranges, story->loaded.compiled, &request, &story->told),
		0);
}

static void forget(struct story *story)
{
	explanation_free(story->told);
	ranges_free(story->ranges);
	unload(&story->loaded);
}

static void from(struct story *story, const char *address, uint16_t port)
{
	struct target target = target_of(PROTOCOL_TCP, 0, address);

	story->end.family = target.family;
	memcpy(story->end.address, target.address, sizeof(target.address));
	story->end.port = port;
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

/* A statement of another kind, port or layer told about, or the wrong one said to grant. */
static void test_granted(void **state)
{
	struct story s;

	(void)state;
	ask(&s, &loaded_machine,
	    HOSTS "bind 80 by user alice\nconnect 80 to user alice@db1\naccept 81 from owner\n"
		  "accept 1-100 from user alice@db1\naccept 80 from user bob@db1\n"
		  "accept 80 from group dba@*, owner\nobserve accept 80 from user alice@db1\n"
		  "accept 80 from anyone@db1\n");
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_GRANTED);
	assert_int_equal(s.told->observed.verdict, VERDICT_GRANTED);
	assert_string_equal(s.told->summary,
			    "80/tcp from user alice@db1: granted by policy.conf:8");
	assert_null(s.told->capability);
	assert_int_equal(s.told->n_statements, 5);
	assert_told(&s, 0, EXPLAIN_ANSWERS, "policy.conf:8", "accept 80 from group dba@*, owner");
	assert_told(&s, 1, EXPLAIN_DECIDES, "policy.conf:7", "accept 80 from user bob@db1");
	assert_reason(&s, 1, 0, EXPLAIN_WHY_USER, "user bob@db1: this is user alice");
	assert_told(&s, 2, EXPLAIN_GRANTS_TOO, "policy.conf:10", "accept 80 from anyone@db1");
	assert_told(&s, 3, EXPLAIN_OVERRIDDEN, "policy.conf:6", "accept 1-100 from user alice@db1");
	assert_reason(&s, 3, 0, EXPLAIN_WHY_RANGE,
		      "ports 1-100: the narrower range 80 of policy.conf:7 decides alone");
	assert_told(&s, 4, EXPLAIN_OBSERVES, "policy.conf:9",
		    "observe accept 80 from user alice@db1");
	assert_reason(&s, 4, 0, EXPLAIN_WHY_OBSERVE, "observe: it only logs, and would grant this");
	forget(&s);
}

static const char every_caller[] =
	HOSTS "accept 80 from user bob@db1, group developers@local, anyone@db2, owner,\\\n"
	      "  group-of-owner, address 10.0.0.12, reserved 10.0.0.0/8, user alice@local\n";

/* Each kind of caller says what it lacks, and nothing that is there. */
static void test_refused(void **state)
{
	struct story s;

	(void)state;
	ask(&s, &loaded_machine, every_caller);
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_REFUSED);
	assert_string_equal(s.told->summary, "80/tcp from user alice@db1: refused, no statement "
					     "names it that decides (policy.conf:3 governs the "
					     "port)");
	assert_reason(&s, 0, 0, EXPLAIN_WHY_USER, "user bob@db1: this is user alice");
	assert_reason(&s, 0, 1, EXPLAIN_WHY_HOST, "group developers@local: this is host db1");
	assert_reason(&s, 0, 2, EXPLAIN_WHY_HOST, "anyone@db2: this is host db1");
	assert_reason(&s, 0, 3, EXPLAIN_WHY_OWNER_UNKNOWN,
		      "owner: the owner of the listener was not given");
	assert_reason(&s, 0, 4, EXPLAIN_WHY_OWNER_UNKNOWN,
		      "group-of-owner: the group of the listener was not given");
	assert_reason(&s, 0, 5, EXPLAIN_WHY_ADDRESS_UNKNOWN,
		      "address 10.0.0.12: the address was not given");
	assert_reason(&s, 0, 6, EXPLAIN_WHY_ADDRESS_UNKNOWN,
		      "reserved 10.0.0.0/8: the address was not given");
	assert_reason(&s, 0, 7, EXPLAIN_WHY_HOST, "user alice@local: this is host db1");

	s.end.host = HOST_LOCAL;
	s.end.uid = REDIS;
	s.end.owner_uid = BOB;
	s.end.owner_gid = DEVELOPERS;
	from(&s, "10.0.0.11", 40000);
	tell(&s);
	assert_reason(&s, 0, 0, EXPLAIN_WHY_HOST, "user bob@db1: this is this machine");
	assert_reason(&s, 0, 1, EXPLAIN_WHY_GROUP,
		      "group developers@local: user 100 is not in the group");
	assert_reason(&s, 0, 3, EXPLAIN_WHY_OWNER, "owner: the listener belongs to user bob");
	assert_reason(&s, 0, 4, EXPLAIN_WHY_GROUP,
		      "group-of-owner: user 100 is not in its group, developers");
	assert_reason(&s, 0, 5, EXPLAIN_WHY_ADDRESS, "address 10.0.0.12: 10.0.0.11 is not in it");
	assert_reason(&s, 0, 6, EXPLAIN_WHY_PORT,
		      "reserved 10.0.0.0/8: source port 40000 is not reserved (512-1023)");
	s.end.port = 0;
	tell(&s);
	assert_reason(&s, 0, 6, EXPLAIN_WHY_PORT,
		      "reserved 10.0.0.0/8: the source port was not given");
	s.end.port = 512;
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_GRANTED);
	forget(&s);
}

/* Without a vouch, whoever is named is not there; an address is called by its own name. */
static void test_no_vouch(void **state)
{
	struct story s;

	(void)state;
	ask(&s, &loaded_machine, every_caller);
	s.end.host = HOST_NONE;
	s.end.uid = UID_NONE;
	tell(&s);
	assert_non_null(
		strstr(s.told->summary, "80/tcp from a caller for which nobody vouches: refused"));
	assert_reason(&s, 0, 0, EXPLAIN_WHY_NO_VOUCH, "user bob@db1: nobody vouches for it");
	assert_reason(&s, 0, 1, EXPLAIN_WHY_NO_VOUCH,
		      "group developers@local: nobody vouches for it");
	assert_reason(&s, 0, 2, EXPLAIN_WHY_NO_VOUCH, "anyone@db2: nobody vouches for it");
	assert_reason(&s, 0, 3, EXPLAIN_WHY_NO_VOUCH, "owner: nobody vouches for it");
	from(&s, "10.0.0.12", 5);
	tell(&s);
	assert_string_equal(s.told->summary, "80/tcp from 10.0.0.12, for which nobody vouches: "
					     "granted by policy.conf:3");
	forget(&s);
}

/* A user whom the host may not speak for is somebody there and nobody here. */
static void test_not_shared(void **state)
{
	struct story s;

	(void)state;
	ask(&s, &loaded_machine, HOSTS "accept 80 from user redis@*, group dba@db1, owner\n");
	s.end.uid = verdict_map_uid(s.loaded.compiled, s.end.host, REDIS);
	assert_int_equal(s.end.uid, UID_NONE);
	tell(&s);
	assert_non_null(strstr(s.told->summary, "80/tcp from anyone@db1: refused"));
	assert_reason(&s, 0, 0, EXPLAIN_WHY_USER, "user redis@*: its user is not known");
	s.user = "redis";
	tell(&s);
	assert_non_null(strstr(s.told->summary, "80/tcp from user redis@db1: refused"));
	assert_reason(&s, 0, 0, EXPLAIN_WHY_USER,
		      "user redis@*: host db1 does not share user redis, who is nobody here");
	assert_reason(&s, 0, 1, EXPLAIN_WHY_USER,
		      "group dba@db1: host db1 does not share user redis, who is nobody here");
	assert_reason(&s, 0, 2, EXPLAIN_WHY_USER,
		      "owner: host db1 does not share user redis, who is nobody here");
	forget(&s);
}

/* Names that nobody has, and groups of which nobody said who is in them. */
static void test_unknown_names(void **state)
{
	struct policy_environment machine = loaded_machine;
	struct story s;

	(void)state;
	machine.find_members = NULL;
	machine.list_memberships = NULL;
	ask(&s, &machine,
	    HOSTS "accept 80 from user ghost@*, group ghosts@db1, group dba@db1, group-of-owner\n");
	tell(&s);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(explain_why_name(s.told->statements[0].reasons[i].why),
				    "unknown-name");
	assert_reason(&s, 0, 2, EXPLAIN_WHY_UNKNOWN_NAME,
		      "group dba@db1: a name in it is unknown so far, or who is in the group: it "
		      "admits no one");
	assert_reason(&s, 0, 3, EXPLAIN_WHY_UNKNOWN_NAME,
		      "group-of-owner: the members of groups are not known so far: it admits no "
		      "one");
	forget(&s);
}

static void test_connect(void **state)
{
	struct story s;

	(void)state;
	ask(&s, &loaded_machine,
	    HOSTS "accept 80 from user alice@db1\n"
		  "connect 80 to user bob@db1, approved@db1, approved@db2\n");
	s.kind = STATEMENT_CONNECT;
	tell(&s);
	assert_string_equal(s.told->summary, "80/tcp to user alice@db1: refused, no statement "
					     "names it that decides (policy.conf:4 governs the "
					     "port)");
	assert_int_equal(s.told->n_statements, 1);
	assert_reason(&s, 0, 1, EXPLAIN_WHY_NOT_APPROVED,
		      "approved@db1: no bind rule there approved the listener");
	assert_reason(&s, 0, 2, EXPLAIN_WHY_HOST, "approved@db2: this is host db1");
	s.end.approved = true;
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_GRANTED);
	assert_told(&s, 0, EXPLAIN_ANSWERS, "policy.conf:4",
		    "connect 80 to user bob@db1, approved@db1, approved@db2");
	s.user = NULL;
	s.end.uid = UID_NONE;
	tell(&s);
	assert_string_equal(s.told->summary, "80/tcp to approved@db1: granted by policy.conf:4");
	forget(&s);
}

static void test_ungoverned(void **state)
{
	struct story s;

	(void)state;
	ask(&s, &loaded_machine, HOSTS "bind 80 by user alice\n");
	tell(&s);
	assert_int_equal(s.told->answer.verdict, VERDICT_UNGOVERNED);
	assert_string_equal(s.told->summary, "80/tcp from user alice@db1: no accept rule names the "
					     "port, and whoever reaches it may connect");
	s.kind = STATEMENT_CONNECT;
	tell(&s);
	assert_string_equal(s.told->summary, "80/tcp to user alice@db1: no connect rule names the "
					     "port, and nothing is asked of the service");
	assert_int_equal(s.told->n_statements, 0);
	forget(&s);
}

/* A redirect is told to who asks about callers of a port here, not about a service elsewhere. */
static void test_redirect(void **state)
{
	struct story s;

	(void)state;
	ask(&s, &loaded_machine, HOSTS "redirect 80 to 8080\nbind 8080 by user alice\n");
	tell(&s);
	assert_non_null(strstr(s.told->redirect, "calls of 80/tcp are led to a listener at 8080"));
	s.kind = STATEMENT_CONNECT;
	tell(&s);
	assert_null(s.told->redirect);
	forget(&s);
}

static void test_wrong_kind(void **state)
{
	const struct other_end end = { 0 };
	const struct explain_connection request = { .kind = STATEMENT_BIND, .end = &end };
	struct explanation *told = NULL;
	struct story s;

	(void)state;
	ask(&s, &loaded_machine, "");
	assert_int_equal(explain_connection(s.ranges, s.loaded.compiled, &request, &told), -EINVAL);
	assert_null(told);
	forget(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_granted),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_vouch),   cmocka_unit_test(test_not_shared),
		cmocka_unit_test(test_connect),    cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_ungoverned), cmocka_unit_test(test_wrong_kind),
		cmocka_unit_test(test_redirect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
