/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_names.c - whose an address is, asked of a name service that misbehaves (rcmdd_names_fake.h)
 *
 * Caught: the name that somebody gave his own address believed, a name that is more than one, a
 * session that hangs or dies with its resolver, a privilege that the child keeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "rcmdd/names.h"
#include "rcmdd_names_fake.h"
#include "requirement.h"

#define LIMIT_MS 20000U

static struct names *start(unsigned limit_ms)
{
	struct names *names = NULL;

	assert_int_equal(names_new(limit_ms, &names), 0);
	return names;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int host_of(struct names *names, unsigned last, char host[static NAMES_HOST_SIZE])
{
	struct sockaddr_storage address = address_of(last);

	return names_host_of(names, &address, host);
}

static int is_host(struct names *names, const char *host, unsigned last)
{
	struct sockaddr_storage address = address_of(last);

	return names_is_host(names, host, &address);
}

/* Backward and forward: whoever has an address can have any name written to it. */
static void test_host_of(void **state)
{
	_cleanup_(names_freep) struct names *names = start(LIMIT_MS);
	char host[NAMES_HOST_SIZE] = "untouched";

	(void)state;
	assert_int_equal(host_of(names, 2, host), -EPERM);
	assert_int_equal(host_of(names, 3, host), -ENOENT);
	assert_int_equal(host_of(names, 12, host), -EAGAIN);
	assert_string_equal(host, "untouched");
	assert_int_equal(host_of(names, 1, host), 0);
	assert_string_equal(host, "web1.example");
	assert_int_equal(host_of(names, 9, host), 0);
}

static void test_no_names(void **state)
{
	_cleanup_(names_freep) struct names *names = start(LIMIT_MS);
	char host[NAMES_HOST_SIZE] = "untouched";

	(void)state;
	assert_int_equal(host_of(names, 6, host), -EPERM);
	assert_int_equal(host_of(names, 7, host), -EPERM);
	assert_int_equal(host_of(names, 8, host), -EPERM);
	assert_int_equal(host_of(names, 13, host), -EPERM);
	assert_string_equal(host, "untouched");
	assert_true(names_host_valid("a", 2) && names_host_valid("3com.example", 64));
	assert_false(names_host_valid("", 1) || names_host_valid("127.1", 6));
	assert_false(names_host_valid(".a", 3) || names_host_valid("A", 2));
	assert_false(names_host_valid("a b", 4) || names_host_valid("a", 1));
}

/* As many addresses of a name as are looked at, and one more. */
static void test_many_addresses(void **state)
{
	_cleanup_(names_freep) struct names *names = start(LIMIT_MS);
	char host[NAMES_HOST_SIZE];

	(void)state;
	assert_int_equal(host_of(names, 10, host), 0);
	assert_int_equal(host_of(names, 11, host), -EPERM);
	assert_int_equal(is_host(names, "many", 10), 1);
	assert_int_equal(is_host(names, "many", 11), 0);
}

static void test_is_host(void **state)
{
	_cleanup_(names_freep) struct names *names = start(LIMIT_MS);
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;

	(void)state;
	assert_int_equal(is_host(names, "web1", 1), 1);
	assert_int_equal(is_host(names, "web1", 2), 0);
	assert_int_equal(is_host(names, "none", 1), 0);
	assert_int_equal(is_host(names, "again", 1), -EAGAIN);
	assert_int_equal(is_host(names, "", 1), -EINVAL);
	assert_int_equal(is_host(names, "-froot", 1), -EINVAL);
	assert_int_equal(is_host(names, "web1 web2", 1), -EINVAL);
	assert_int_equal(is_host(names, "web1", 1), 1); /* one that cannot be said harms no other */
	six->sin6_family = AF_INET6;
	six->sin6_addr.s6_addr[0] = 0xfd;
	six->sin6_addr.s6_addr[15] = 1;
	assert_int_equal(names_is_host(names, "web1", &address), 1);
	six->sin6_addr.s6_addr[14] = 1;
	assert_int_equal(names_is_host(names, "web1", &address), 0);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.0.1", &six->sin6_addr), 1);
	assert_int_equal(names_is_host(names, "web1", &address), 1);
	address.ss_family = AF_UNIX;
	assert_int_equal(names_is_host(names, "web1", &address), -EINVAL);
}

/* A netgroup that nobody could read is not one that has not the member. */
static void test_netgroups(void **state)
{
	_cleanup_(names_freep) struct names *names = start(LIMIT_MS);

	(void)state;
	assert_int_equal(names_netgroup_has_host(names, "webs", "web1"), 1);
	assert_int_equal(names_netgroup_has_host(names, "webs", "web2"), 0);
	assert_int_equal(names_netgroup_has_user(names, "admins", "alice"), 1);
	assert_int_equal(names_netgroup_has_user(names, "admins", "web1"), 0);
	assert_int_equal(names_netgroup_has_user(names, "none", "alice"), -ENOENT);
	assert_int_equal(names_netgroup_has_user(names, "", "alice"), -EINVAL);
}

/* The child has become nobody, with one socket. */
static void test_privileges(void **state)
{
	_cleanup_(names_freep) struct names *names = start(LIMIT_MS);
	char host[NAMES_HOST_SIZE];

	(void)state;
	require_root();
	assert_int_equal(host_of(names, 20, host), 0);
	assert_string_equal(host, "nobody");
}

/* A resolver that hangs costs its time once, and takes nothing with it. */
static void test_hang(void **state)
{
	static const char *const kinds[] = { "address", "host", "netgroup" };
	long start_ms;

	(void)state;
	for (size_t i = 0; i < ELEMENTS(kinds); i++) {
		_cleanup_(names_freep) struct names *names = start(150);
		char host[NAMES_HOST_SIZE];
		int error;

		start_ms = now_ms();
		error = i == 0   ? host_of(names, 4, host)
			: i == 1 ? is_host(names, "hang", 1)
				 : names_netgroup_has_user(names, "hang", "alice");
		assert_int_equal(error, -ETIMEDOUT);
		assert_in_range(now_ms() - start_ms, 140, 10000);
		assert_int_equal(is_host(names, "web1", 1), -ETIMEDOUT);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nor is a process left */
}

/* The time is that of all questions: a file with many slow names has no more. */
static void test_time_of_all(void **state)
{
	_cleanup_(names_freep) struct names *names = start(250);
	unsigned answered = 0;

	(void)state;
	while (answered < 20 && is_host(names, "slow", 1) == 0)
		answered++;
	assert_in_range(answered, 1, 2);
	assert_int_equal(is_host(names, "web1", 1), -ETIMEDOUT);
}

static void test_crash(void **state)
{
	_cleanup_(names_freep) struct names *names = start(LIMIT_MS);

	(void)state;
	assert_int_equal(is_host(names, "crash", 1), -EIO);
	assert_int_equal(is_host(names, "web1", 1), -EIO);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_many_questions(void **state)
{
	_cleanup_(names_freep) struct names *names = start(LIMIT_MS);

	(void)state;
	for (unsigned i = 0; i < NAMES_MAX_QUESTIONS; i++)
		assert_int_equal(is_host(names, "web1", 1), 1);
	assert_int_equal(is_host(names, "web1", 1), -EDQUOT);
}

/* A session that is killed leaves no child behind, not even one that hangs. */
static void test_ends_with_session(void **state)
{
	const struct itimerval soon = { .it_value.tv_usec = 50 * 1000 };
	int status;
	pid_t session;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	session = fork();
	if (session == 0) {
		struct names *names = start(LIMIT_MS);

		setitimer(ITIMER_REAL, &soon, NULL);
		is_host(names, "hang", 1);
		_exit(0);
	}
	assert_int_equal(waitpid(session, &status, 0), session);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_int_equal(waitpid(-1, &status, 0), -1);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

/* What a child may send, and what it may not, whoever has become its master. */
static void test_answers(void **state)
{
	struct names_answer answer = { .found = 1 };
	const size_t size = sizeof(answer);

	(void)state;
	assert_int_equal(names_answer_check(&answer, size, NAMES_IS_HOST), 0);
	assert_int_equal(names_answer_check(&answer, size - 1, NAMES_IS_HOST), -EBADMSG);
	assert_int_equal(names_answer_check(&answer, size + 1, NAMES_IS_HOST), -EBADMSG);
	assert_int_equal(names_answer_check(&answer, size, NAMES_HOST_OF), -EBADMSG);
	answer.found = 2;
	assert_int_equal(names_answer_check(&answer, size, NAMES_IS_HOST), -EBADMSG);
	answer.found = 1;
	answer.status = -ENOENT;
	assert_int_equal(names_answer_check(&answer, size, NAMES_IS_HOST), -EBADMSG);
	answer.found = 0;
	assert_int_equal(names_answer_check(&answer, size, NAMES_IS_HOST), 0);
	answer.status = 1;
	assert_int_equal(names_answer_check(&answer, size, NAMES_IS_HOST), -EBADMSG);
	answer.status = -5000;
	assert_int_equal(names_answer_check(&answer, size, NAMES_IS_HOST), -EBADMSG);
	answer.status = 0;
	assert_int_equal(names_answer_check(&answer, size, NAMES_HOST_OF), -EPERM);
	answer.host[0] = 'a';
	assert_int_equal(names_answer_check(&answer, size, NAMES_HOST_OF), 0);
	assert_int_equal(names_answer_check(&answer, size, NAMES_IS_HOST), -EBADMSG);
	memset(answer.host, 'a', sizeof(answer.host));
	assert_int_equal(names_answer_check(&answer, size, NAMES_HOST_OF), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_of),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_is_host),
		cmocka_unit_test(test_netgroups),
		cmocka_unit_test(test_privileges),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_time_of_all),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_many_questions),
		cmocka_unit_test(test_ends_with_session),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests_name("rcmdd_names", tests, NULL, NULL);
}
