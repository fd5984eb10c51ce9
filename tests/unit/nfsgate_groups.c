/* SPDX-License-Identifier: MIT */
/*
 * nfsgate_groups.c - groups asked of a child, which hangs, dies, or knows nothing
 *
 * The name service's functions stand here, in place of the C library's.
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>

#include <cmocka.h>

#include "nfsgate/groups.h"

enum { ALICE = 1001, CROWDED = 1002, HANGS = 1003, DIES = 1004, UNKNOWN = 1005, LONG = 1006 };

#define WAIT_MS 10000

static void hang(void)
{
	for (;;)
		pause();
}

int getpwuid_r(uid_t uid, struct passwd *resultbuf, char *buffer, size_t buflen,
	       struct passwd **result)
{
	static char name[] = "somebody";

	*result = NULL;
	if (uid == HANGS)
		hang();
	if (uid == DIES)
		raise(SIGKILL);
	if (uid == UNKNOWN)
		return 0;
	if (uid == LONG && buflen < 1 << 20)
		return ERANGE;
	*resultbuf = (struct passwd){ .pw_name = name, .pw_uid = uid, .pw_gid = uid + 1000 };
	*result = resultbuf;
	return 0;
}

int getgrouplist(const char *user, gid_t group, gid_t *groups, int *ngroups)
{
	int has = group == CROWDED + 1000 ? 2 * (int)MAX_USER_GROUPS : 3, room = *ngroups;

	for (int i = 0; i < has && i < room; i++)
		groups[i] = group + (gid_t)i;
	*ngroups = has;
	return has > room ? -1 : has;
}

struct fixture {
	int event;
	struct groups *groups;
};

static int begin(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->event = epoll_create1(EPOLL_CLOEXEC);
	*state = fixture;
	return groups_new(60, fixture->event, fixture, &fixture->groups);
}

static int end(void **state)
{
	struct fixture *fixture = *state;

	groups_free(fixture->groups);
	close(fixture->event);
	free(fixture);
	return 0;
}

/* answer() - waits for one, at @now of the test's own clock */
static void answer(struct fixture *fixture, int64_t now)
{
	struct epoll_event event;

	assert_int_equal(epoll_wait(fixture->event, &event, 1, WAIT_MS), 1);
	assert_ptr_equal(event.data.ptr, fixture);
	assert_int_equal(groups_receive(fixture->groups, now), 1);
}

static void test_asked_once(void **state)
{
	struct fixture *fixture = *state;
	struct user_groups found;

	assert_int_equal(groups_deadline(fixture->groups), INT64_MAX);
	assert_int_equal(groups_find(fixture->groups, ALICE, 0, &found), -EINPROGRESS);
	assert_int_equal(groups_find(fixture->groups, ALICE, 0, &found), -EINPROGRESS);
	answer(fixture, 0);
	assert_int_equal(groups_find(fixture->groups, ALICE, 59999, &found), 0);
	assert_true(found.known);
	assert_int_equal(found.gid, 2001);
	assert_int_equal(found.n, 3);
	assert_int_equal(found.gids[2], 2003);
	assert_int_equal(groups_deadline(fixture->groups), INT64_MAX);
	assert_int_equal(groups_find(fixture->groups, ALICE, 60000, &found), -EINPROGRESS);
	answer(fixture, 60000);
	groups_forget(fixture->groups, 60);
	assert_int_equal(groups_find(fixture->groups, ALICE, 60001, &found), -EINPROGRESS);
}

/* Catches an answer that may be of before the change for which all was to be forgotten. */
static void test_forgotten_while_asked(void **state)
{
	struct fixture *fixture = *state;
	struct user_groups found;

	assert_int_equal(groups_find(fixture->groups, ALICE, 0, &found), -EINPROGRESS);
	groups_forget(fixture->groups, 60);
	answer(fixture, 0);
	assert_int_equal(groups_find(fixture->groups, ALICE, 0, &found), -EINPROGRESS);
	answer(fixture, 0);
	assert_int_equal(groups_find(fixture->groups, ALICE, 59999, &found), 0);
	assert_true(found.known);
}

static void test_unknown_and_crowded(void **state)
{
	struct fixture *fixture = *state;
	struct user_groups found;

	assert_int_equal(groups_find(fixture->groups, UNKNOWN, 0, &found), -EINPROGRESS);
	assert_int_equal(groups_find(fixture->groups, CROWDED, 0, &found), -EINPROGRESS);
	answer(fixture, 0);
	answer(fixture, 0);
	assert_int_equal(groups_find(fixture->groups, UNKNOWN, 0, &found), 0);
	assert_false(found.known);
	assert_int_equal(groups_find(fixture->groups, CROWDED, 0, &found), 0);
	assert_true(found.known);
	assert_int_equal(found.n, MAX_USER_GROUPS);
}

/* Catches an entry that is longer than what there is room for at first, taken for none. */
static void test_long(void **state)
{
	struct fixture *fixture = *state;
	struct user_groups found;

	assert_int_equal(groups_find(fixture->groups, LONG, 0, &found), -EINPROGRESS);
	answer(fixture, 0);
	assert_int_equal(groups_find(fixture->groups, LONG, 0, &found), 0);
	assert_true(found.known);
	assert_int_equal(found.gid, LONG + 1000);
}

/* Catches a user whose lookup hangs, and who stops all others for good. */
static void test_hangs(void **state)
{
	struct fixture *fixture = *state;
	struct user_groups found;

	assert_int_equal(groups_find(fixture->groups, HANGS, 0, &found), -EINPROGRESS);
	assert_int_equal(groups_find(fixture->groups, ALICE, 0, &found), -EINPROGRESS);
	assert_int_equal(groups_deadline(fixture->groups), GROUPS_LIMIT_MS);
	assert_int_equal(groups_expire(fixture->groups, GROUPS_LIMIT_MS - 1), 0);
	assert_int_equal(groups_expire(fixture->groups, GROUPS_LIMIT_MS), 1);
	assert_int_equal(groups_find(fixture->groups, HANGS, GROUPS_LIMIT_MS, &found), 0);
	assert_false(found.known);
	answer(fixture, GROUPS_LIMIT_MS); /* another child has been asked about her */
	assert_int_equal(groups_find(fixture->groups, ALICE, GROUPS_LIMIT_MS, &found), 0);
	assert_true(found.known);
}

static void test_dies(void **state)
{
	struct fixture *fixture = *state;
	struct user_groups found;

	assert_int_equal(groups_find(fixture->groups, DIES, 0, &found), -EINPROGRESS);
	answer(fixture, 0);
	assert_int_equal(groups_find(fixture->groups, DIES, 0, &found), 0);
	assert_false(found.known);
	assert_int_equal(groups_find(fixture->groups, DIES, GROUPS_LIMIT_MS, &found), -EINPROGRESS);
	answer(fixture, GROUPS_LIMIT_MS);
	assert_int_equal(groups_find(fixture->groups, ALICE, 0, &found), -EINPROGRESS);
	answer(fixture, 0);
	assert_int_equal(groups_find(fixture->groups, ALICE, 0, &found), 0);
	assert_true(found.known);
}

/* Catches a cache that grows with the users that root of another host makes up, or loses questions. */
static void test_many(void **state)
{
	struct fixture *fixture = *state;
	struct user_groups found;

	for (uint32_t uid = 10000; uid < 10000 + 3 * GROUPS_CACHED; uid++) {
		int r = groups_find(fixture->groups, uid, uid, &found);

		assert_int_equal(r, -EINPROGRESS);
		if (uid % 2)
			answer(fixture, uid);
	}
	while (groups_deadline(fixture->groups) != INT64_MAX)
		answer(fixture, 20000);
	while (groups_find(fixture->groups, ALICE, 20000, &found) < 0)
		answer(fixture, 20000);
	assert_int_equal(found.gid, 2001);
}

static void test_answers(void **state)
{
	static struct groups_answer answer;
	size_t head = offsetof(struct groups_answer, gids);

	answer = (struct groups_answer){ .uid = 5, .known = 1, .gid = 6, .n = 2 };
	assert_true(groups_answer_valid(&answer, head + 8, 5));
	assert_false(groups_answer_valid(&answer, head + 8, 6));
	assert_false(groups_answer_valid(&answer, head + 4, 5));
	assert_false(groups_answer_valid(&answer, head + 12, 5));
	assert_false(groups_answer_valid(&answer, head - 1, 5));
	answer.known = 0;
	assert_false(groups_answer_valid(&answer, head + 8, 5));
	answer = (struct groups_answer){ .uid = 5, .known = 1, .n = UINT32_MAX };
	assert_false(groups_answer_valid(&answer, head - 4, 5));
	answer.n = MAX_USER_GROUPS + 1;
	assert_false(groups_answer_valid(&answer, sizeof(answer) + 4, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_asked_once, begin, end),
		cmocka_unit_test_setup_teardown(test_forgotten_while_asked, begin, end),
		cmocka_unit_test_setup_teardown(test_unknown_and_crowded, begin, end),
		cmocka_unit_test_setup_teardown(test_long, begin, end),
		cmocka_unit_test_setup_teardown(test_hangs, begin, end),
		cmocka_unit_test_setup_teardown(test_dies, begin, end),
		cmocka_unit_test_setup_teardown(test_many, begin, end),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
