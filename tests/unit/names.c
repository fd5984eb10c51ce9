/* SPDX-License-Identifier: MIT */
/*
 * The name service as the daemon uses it, with name service modules that misbehave: the lookups of
 * the C library are replaced in this program (names_modules.c), and so in the workers that it forks.
 *
 * Caught: a privilege that the service keeps, a lookup that hangs or crashes and takes the service
 * with it, a service that outlives its daemon, nonsense taken for an answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/isolate.h"
#include "names_modules.h"
#include "portcredd/names.h"
#include "requirement.h"

#define LIMIT_MS 600U /* of a worker, in most tests */

static struct names *start(unsigned limit_ms)
{
	struct names *names;

	assert_int_equal(names_start(limit_ms, &names), 0);
	names_allow(names, 60000);
	return names;
}

static int lookup(struct names *names, const char *user, uint32_t *ret_uid)
{
	struct policy_environment environment_of_names = { 0 };

	names_environment(names, &environment_of_names);
	return environment_of_names.find_user(environment_of_names.data, user, ret_uid);
}

static uint32_t value(struct names *names, const char *user)
{
	uint32_t id = 0;

	assert_int_equal(lookup(names, user, &id), 0);
	return id;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_lookups(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(LIMIT_MS);
	struct policy_environment machine = { 0 };
	uint16_t service[PROTOCOLS] = { 7, 7 };
	uint8_t protocols = 0;
	uint32_t id = 7;

	(void)state;
	names_environment(names, &machine);
	assert_int_equal(machine.find_user(machine.data, "alice", &id), 0);
	assert_int_equal(id, 4000000001U);
	assert_int_equal(machine.find_user(machine.data, "developers", &id), -ENOENT);
	assert_int_equal(machine.find_user(machine.data, "absent-esrch", &id), -ENOENT);
	assert_int_equal(machine.find_user(machine.data, "broken", &id), -EIO);
	assert_int_equal(machine.find_user(machine.data, "nobody-at-all", &id), -ENOENT);
	assert_int_equal(id, 4000000001U); /* left alone on failure */
	assert_int_equal(machine.find_user(machine.data, "large", &id), 0);
	assert_int_equal(machine.find_group(machine.data, "developers", &id), 0);
	assert_int_equal(id, 500);
	assert_int_equal(machine.find_group(machine.data, "alice", &id), -ENOENT);
	assert_int_equal(machine.find_service(machine.data, "http", service, &protocols), 0);
	assert_int_equal(protocols, 1U << PROTOCOL_TCP);
	assert_int_equal(service[PROTOCOL_TCP], 80);
	assert_int_equal(service[PROTOCOL_UDP], 0);
	assert_int_equal(machine.find_service(machine.data, "two", service, &protocols), 0);
	assert_int_equal(protocols, 3);
	assert_int_equal(service[PROTOCOL_TCP], 512);
	assert_int_equal(service[PROTOCOL_UDP], 513);
	assert_int_equal(machine.find_service(machine.data, "alice", service, &protocols), -ENOENT);
}

/* No name that cannot be one travels, and none is cut. */
static void test_names_refused(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(LIMIT_MS);
	char longest[MAX_NAME_BYTES + 2];
	uint32_t id;

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(lookup(names, longest, &id), -ENOENT);
	longest[sizeof(longest) - 2] = '\0';
	assert_int_equal(lookup(names, longest, &id), -ENOENT);
	assert_int_equal(lookup(names, "", &id), -ENOENT);
	assert_int_equal(lookup(names, "alice\n", &id), -ENOENT);
	assert_int_equal(lookup(names, "alice:x", &id), -ENOENT);
	assert_int_equal(value(names, "alice"), 4000000001U);
}

/* What a module finds itself to be; first that the test itself is more. */
static void test_privileges(void **state)
{
	struct names *names;
	sigset_t some;

	(void)state;
	require_root();
	assert_true(count_bounding() > 0 && count_capabilities() && geteuid() == 0);
	assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	assert_int_equal(setenv("NAMES_TEST_SECRET", "1", 1), 0);
	sigemptyset(&some); /* as a daemon with a signalfd does */
	sigaddset(&some, SIGTERM);
	sigaddset(&some, SIGHUP);
	assert_int_equal(sigprocmask(SIG_BLOCK, &some, NULL), 0);
	names = start(LIMIT_MS);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &some, NULL), 0);
	assert_int_equal(value(names, "effective-user"), ISOLATED_NAMES);
	assert_int_equal(value(names, "effective-group"), ISOLATED_NAMES);
	assert_int_equal(value(names, "groups"), 0);
	assert_int_equal(value(names, "capabilities"), 0);
	assert_int_equal(value(names, "bounding"), 0);
	assert_int_equal(value(names, "no-new-privileges"), 1);
	assert_int_equal(value(names, "become-root"), 0);
	assert_int_equal(value(names, "descriptors"), 4);
	assert_int_equal(value(names, "signals"), 0);
	assert_int_equal(value(names, "core"), 0);
	assert_int_equal(value(names, "environment"), 0);
	names_stop(names);
}

/* A hanging module costs its time, once, and the next lookup is served. */
static void hanging(const char *user)
{
	_cleanup_(names_stopp) struct names *names = start(LIMIT_MS);
	long begun = now_ms(), took;
	uint32_t id;

	assert_int_equal(lookup(names, user, &id), -ETIMEDOUT);
	took = now_ms() - begun;
	assert_in_range(took, LIMIT_MS - 100, LIMIT_MS + NAMES_GRACE_MS);
	assert_int_equal(value(names, "alice"), 4000000001U);
}

static void test_hang(void **state)
{
	(void)state;
	hanging("hang");
	hanging("spin");
}

/* The time that is allowed is for all lookups together. */
static void test_allowance(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(5000);
	long begun;
	uint32_t id;

	(void)state;
	names_allow(names, 200);
	begun = now_ms();
	assert_int_equal(lookup(names, "hang", &id), -ETIMEDOUT);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(lookup(names, "alice", &id), -ETIMEDOUT);
	assert_in_range(now_ms() - begun, 190, 2000);
}

static void test_crash(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(LIMIT_MS);
	long begun = now_ms();
	uint32_t id;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(lookup(names, "crash", &id), -EIO);
		assert_int_equal(value(names, "alice"), 4000000001U);
	}
	assert_true(now_ms() - begun < 5 * (long)LIMIT_MS); /* said at once, not waited for */
}

/* A worker that is silent, or says what no worker may, is not waited for without an end. */
static void test_lies(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(LIMIT_MS);
	uint32_t id;

	(void)state;
	assert_int_equal(lookup(names, "garbage", &id), -EBADMSG);
	assert_int_equal(value(names, "alice"), 4000000001U);
	assert_int_equal(lookup(names, "leave", &id), -ETIMEDOUT);
	assert_int_equal(value(names, "alice"), 4000000001U);
	assert_int_equal(lookup(names, "flood", &id), -ETIMEDOUT);
	assert_int_equal(value(names, "alice"), 4000000001U);
}

/* One worker serves what comes closely together, and does not stay. */
static void test_workers(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(5000);
	uint32_t first = value(names, "pid");
	_cleanup_close_ int worker = (int)syscall(SYS_pidfd_open, (pid_t)first, 0);
	struct pollfd ended = { .fd = worker, .events = POLLIN };

	(void)state;
	assert_int_equal(value(names, "pid"), first);
	assert_true(worker >= 0);
	assert_int_equal(poll(&ended, 1, 5000), 1);
	assert_int_not_equal(value(names, "pid"), first);
}

static void test_gone(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(LIMIT_MS);
	uint32_t id;

	(void)state;
	assert_int_equal(kill(names_pid(names), SIGKILL), 0);
	assert_int_equal(waitpid(names_pid(names), NULL, 0), names_pid(names));
	assert_int_equal(lookup(names, "alice", &id), -EPIPE);
}

/* struct family - process ids of a service and of its worker */
struct family {
	pid_t service, worker;
};

static int drop_capabilities(void)
{
	cap_t none = cap_init();
	int result = none ? cap_set_proc(none) : -1;

	cap_free(none);
	return result;
}

/* A daemon that has a service with a hanging worker, and is killed. */
static struct family killed_daemon(bool capable)
{
	struct family family;
	int said[2], status;
	pid_t daemon;

	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	daemon = fork();
	if (daemon == 0) {
		struct names *names;
		struct names_answer answer;

		if (names_start(60000, &names) < 0 || (!capable && drop_capabilities() < 0))
			_exit(EXIT_FAILURE);
		names_allow(names, 60000);
		family.service = names_pid(names);
		if (names_lookup(names, NAMES_USER, "pid", &answer) < 0)
			_exit(EXIT_FAILURE);
		family.worker = (pid_t)answer.id;
		if (write(said[1], &family, sizeof(family)) != sizeof(family))
			_exit(EXIT_FAILURE);
		names_lookup(names, NAMES_USER, "hang", &answer);
		_exit(EXIT_FAILURE);
	}
	close(said[1]);
	assert_int_equal(read(said[0], &family, sizeof(family)), sizeof(family));
	close(said[0]);
	assert_int_equal(kill(daemon, SIGKILL), 0);
	assert_int_equal(waitpid(daemon, &status, 0), daemon);
	return family;
}

/* Orphans become this process's children; the worker's may also have been its service's to reap. */
static void assert_ended(pid_t pid)
{
	_cleanup_close_ int process = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = { .fd = process, .events = POLLIN };

	if (process < 0) {
		assert_int_equal(errno, ESRCH);
		return;
	}
	assert_int_equal(poll(&ended, 1, 5000), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_dies_with_daemon(void **state)
{
	struct family family;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	family = killed_daemon(true);
	assert_ended(family.service);
	assert_ended(family.worker);
}

/*
 * The signal at a parent's death needs the parent's permission to send it, which a daemon has not
 * that gave up CAP_KILL: the end of the socket pair must do.
 */
static void test_dies_with_confined_daemon(void **state)
{
	struct family family;

	(void)state;
	require_root();
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	family = killed_daemon(false);
	assert_ended(family.service);
	assert_ended(family.worker);
}

static void test_stop(void **state)
{
	struct names *names = start(LIMIT_MS);
	pid_t pid = names_pid(names);
	long begun = now_ms();

	(void)state;
	names_stop(names);
	assert_true(now_ms() - begun < 900); /* it ended by itself, and was reaped */
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static int as_user(void)
{
	struct names_answer answer;
	struct names *names;

	if (setgroups(0, NULL) < 0 || setresgid(1234, 1234, 1234) < 0 ||
	    setresuid(1234, 1234, 1234) < 0 || names_start(LIMIT_MS, &names) < 0)
		return 1;
	names_allow(names, 5000);
	if (names_lookup(names, NAMES_USER, "effective-user", &answer) < 0 || answer.id != 1234)
		return 2;
	names_stop(names);
	return 0;
}

/* Without root there is no user to change to; the rest holds. */
static void test_without_root(void **state)
{
	int status;
	pid_t child;

	(void)state;
	require_root();
	child = fork();
	if (child == 0)
		_exit(as_user());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int in_small_namespace(void)
{
	struct names *names;
	int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);

	/* Root is mapped here and no group is: supplementary groups cannot be given up. */
	if (fd < 0 || write(fd, "0 0 1", 5) != 5)
		return 77;
	return names_start(LIMIT_MS, &names) == -EPERM ? 0 : 1;
}

/* Where privileges cannot be given up, there is no service. */
static void test_not_isolated(void **state)
{
	int status;
	pid_t child;

	(void)state;
	require_root();
	child = fork();
	if (child == 0)
		_exit(syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) < 0
			      ? 77
			      : in_small_namespace());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	require(WEXITSTATUS(status) != 77, "user namespaces");
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* map_ids() - root and nobody of a child's user namespace are those of this one; nobody else is there */
static void map_ids(pid_t child)
{
	static const char map[] = "0 0 1\n65534 65534 1\n";
	static const char *const names[] = { "uid_map", "gid_map" };

	for (size_t i = 0; i < ELEMENTS(names); i++) {
		_cleanup_close_ int fd = -EBADF;
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)child, names[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(write(fd, map, strlen(map)), strlen(map));
	}
}

/* in_namespace_of_two() - @go: a byte comes when ids are mapped */
static int in_namespace_of_two(int said, int go)
{
	struct names *names;
	char byte = syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) < 0 ? 'n' : 'y';

	if (write(said, &byte, 1) != 1 || byte == 'n' || read(go, &byte, 1) != 1)
		return 77;
	if (names_start(LIMIT_MS, &names) < 0)
		return 1;
	names_allow(names, 60000);
	return value(names, "effective-user") == ISOLATED_NOBODY &&
			       value(names, "effective-group") == ISOLATED_NOBODY
		       ? 0
		       : 2;
}

/* A container has not the service's own user: there it is nobody. */
static void test_nobody_in_a_namespace(void **state)
{
	int said[2], go[2], status;
	char byte = 0;
	pid_t child;

	(void)state;
	require_root();
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	child = fork();
	if (child == 0)
		_exit(in_namespace_of_two(said[1], go[0]));
	assert_int_equal(read(said[0], &byte, 1), 1);
	if (byte == 'y')
		map_ids(child);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	require(WEXITSTATUS(status) != 77, "user namespaces");
	assert_int_equal(WEXITSTATUS(status), 0);
	for (int i = 0; i < 2; i++) {
		close(said[i]);
		close(go[i]);
	}
}

static void test_frames(void **state)
{
	struct names_request request = { .sequence = 5, .kind = NAMES_GROUP, .name = "dba" };
	struct names_answer answer = { .sequence = 5, .ports = { 80, 0 }, .protocols = 1 };
	uint8_t frame[NAMES_REQUEST_MAX], reply[NAMES_ANSWER_SIZE];
	int size = names_request_encode(&request, frame);

	(void)state;
	assert_int_equal(size, 9);
	assert_int_equal(names_request_decode(frame, 9, &request), 0);
	assert_string_equal(request.name, "dba");
	assert_int_equal(names_request_decode(frame, 8, &request), -EBADMSG);
	assert_int_equal(names_request_decode(frame, 10, &request), -EBADMSG);
	assert_int_equal(names_request_decode(frame, 0, &request), -EBADMSG);
	frame[4] = NAMES_KINDS;
	assert_int_equal(names_request_decode(frame, 9, &request), -EBADMSG);
	frame[4] = NAMES_USER;
	frame[6] = '\0';
	assert_int_equal(names_request_decode(frame, 9, &request), -EBADMSG);
	frame[6] = 'd';
	memset(frame, 0, 4);
	assert_int_equal(names_request_decode(frame, 9, &request), -EBADMSG);

	names_answer_encode(&answer, reply);
	assert_int_equal(names_answer_decode(reply, sizeof(reply), &answer), 0);
	assert_int_equal(names_answer_decode(reply, sizeof(reply) - 1, &answer), -EBADMSG);
	reply[16] = 2; /* the port of the other protocol */
	assert_int_equal(names_answer_decode(reply, sizeof(reply), &answer), -EBADMSG);
	reply[16] = 5;
	assert_int_equal(names_answer_decode(reply, sizeof(reply), &answer), -EBADMSG);
	reply[16] = 1;
	reply[19] = 1;
	assert_int_equal(names_answer_decode(reply, sizeof(reply), &answer), -EBADMSG);
	reply[19] = 0;
	memcpy(reply + 4, &(int){ -ENOENT }, 4); /* an error, and yet something found */
	assert_int_equal(names_answer_decode(reply, sizeof(reply), &answer), -EBADMSG);
	memset(reply + 12, 0, 8);
	assert_int_equal(names_answer_decode(reply, sizeof(reply), &answer), 0);
	memcpy(reply + 4, &(int){ 1 }, 4);
	assert_int_equal(names_answer_decode(reply, sizeof(reply), &answer), -EBADMSG);
}

/* struct heard - what a listing told */
struct heard {
	uint32_t pairs[64][2];
	size_t n;
	size_t end_at; /* not 0: -ENOSPC when so many were told */
};

static int hear(void *closure, uint32_t gid, uint32_t uid)
{
	struct heard *heard = closure;

	if (heard->n < ELEMENTS(heard->pairs)) {
		heard->pairs[heard->n][0] = gid;
		heard->pairs[heard->n][1] = uid;
	}
	heard->n++;
	return heard->n == heard->end_at ? -ENOSPC : 0;
}

static bool has(const struct heard *heard, uint32_t gid, uint32_t uid)
{
	for (size_t i = 0; i < heard->n && i < ELEMENTS(heard->pairs); i++) {
		if (heard->pairs[i][0] == gid && heard->pairs[i][1] == uid)
			return true;
	}
	return false;
}

static int members(struct names *names, uint32_t gid, struct heard *heard)
{
	struct policy_environment machine = { 0 };

	names_environment(names, &machine);
	heard->n = 0;
	return machine.find_members(machine.data, gid, hear, heard);
}

/* Members by their own entries, by the group's, by both, and by another name of the group. */
static void test_members(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(LIMIT_MS);
	struct policy_environment machine = { 0 };
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(members(names, 500, &heard), 0);
	assert_int_equal(heard.n, 4);
	assert_true(has(&heard, 500, 4000000001U) && has(&heard, 500, 1002));
	assert_true(has(&heard, 500, 1001) && has(&heard, 500, 3000));
	assert_int_equal(members(names, 501, &heard), 0);
	assert_int_equal(heard.n, 1);
	assert_true(has(&heard, 501, 1001));
	assert_int_equal(members(names, 502, &heard), 0);
	assert_true(has(&heard, 502, 1001) && has(&heard, 502, 1002) && has(&heard, 502, 3000));
	assert_int_equal(members(names, 4711, &heard), 0);
	assert_int_equal(heard.n, 0);

	names_environment(names, &machine);
	assert_int_equal(machine.list_memberships(machine.data, hear, &heard), 0);
	assert_int_equal(heard.n, 3 + 2 + 2 + 2);
	assert_true(has(&heard, 500, 3000) && has(&heard, 501, 1001) && has(&heard, 502, 3000));
}

/* More than one frame of them, all of which arrive; more than there may be, none of which count. */
static void test_many_members(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(5000);
	struct heard heard = { 0 };

	(void)state;
	assert_true(MANY_MEMBERS > 9 * MAX_NAMES_PAIRS);
	assert_int_equal(members(names, 600, &heard), 0);
	assert_int_equal(heard.n, MANY_MEMBERS);
	assert_int_equal(members(names, 601, &heard), -E2BIG);
	assert_int_equal(heard.n, MAX_NAMES_LISTED);
	assert_int_equal(value(names, "alice"), 4000000001U);
}

/* Who has heard enough says so; what still comes is not taken for the next answer. */
static void test_listing_ended(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(5000);
	struct heard heard = { .end_at = 3 };

	(void)state;
	assert_int_equal(members(names, 600, &heard), -ENOSPC);
	assert_int_equal(heard.n, 3);
	assert_int_equal(value(names, "alice"), 4000000001U);
	heard.end_at = 0;
	assert_int_equal(members(names, 501, &heard), 0);
	assert_int_equal(heard.n, 1);
}

/* A database that fails on the way: no half of a list is taken for the whole. */
static void test_listing_fails(void **state)
{
	_cleanup_(names_stopp) struct names *names = start(LIMIT_MS);
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(members(names, 701, &heard), -EIO);
	assert_int_equal(members(names, 503, &heard), -EIO);
	assert_int_equal(members(names, 700, &heard), -ETIMEDOUT);
	assert_int_equal(members(names, UINT32_MAX, &heard), -EINVAL);
	assert_int_equal(members(names, 501, &heard), 0);
}

static void test_pairs(void **state)
{
	struct names_request request = { .sequence = 5, .kind = NAMES_MEMBERS, .gid = 500 };
	struct names_pairs pairs = { .sequence = 5, .n = 2, .pairs = { { 1, 2 }, { 3, 4 } } };
	uint8_t frame[NAMES_PAIRS_MAX], again[NAMES_REQUEST_MAX];

	(void)state;
	assert_int_equal(names_request_encode(&request, again), 10);
	request.gid = 0;
	assert_int_equal(names_request_decode(again, 10, &request), 0);
	assert_int_equal(request.gid, 500);
	assert_int_equal(names_request_decode(again, 9, &request), -EBADMSG);
	memset(again + NAMES_REQUEST_HEAD, 0xff, 4);
	assert_int_equal(names_request_decode(again, 10, &request), -EBADMSG);
	request.kind = NAMES_MEMBERSHIPS; /* which is about no one group */
	assert_int_equal(names_request_encode(&request, again), -EINVAL);
	request.gid = 0;
	assert_int_equal(names_request_encode(&request, again), 6);
	request.name[0] = 'x';
	assert_int_equal(names_request_encode(&request, again), -EINVAL);

	assert_int_equal(names_pairs_encode(&pairs, frame), 24);
	assert_int_equal(names_pairs_decode(frame, 24, &pairs), 0);
	assert_int_equal(pairs.pairs[1].uid, 4);
	assert_int_equal(names_pairs_decode(frame, 23, &pairs), -EBADMSG);
	assert_int_equal(names_pairs_decode(frame, 32, &pairs), -EBADMSG);
	assert_int_equal(names_pairs_decode(frame, 8, &pairs), -EBADMSG);
	assert_int_equal(names_pairs_decode(frame, 0, &pairs), -EBADMSG);
	frame[4] = 0;
	assert_int_equal(names_pairs_decode(frame, 8, &pairs), -EBADMSG);
	frame[4] = 2;
	memset(frame + 20, 0xff, 4);
	assert_int_equal(names_pairs_decode(frame, 24, &pairs), -EBADMSG);
	memset(frame + 4, 0xff, 4);
	assert_int_equal(names_pairs_decode(frame, 24, &pairs), -EBADMSG);
}

static void test_watch(void **state)
{
	_cleanup_(watch_freep) struct watch *watch = NULL;
	bool changed[NAMES_WATCHED] = { false };

	(void)state;
	assert_int_equal(names_watch(&watch), 0);
	assert_int_equal(watch_incomplete(watch), 0);
	assert_int_equal(watch_read(watch, changed), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_names_refused),
		cmocka_unit_test(test_privileges),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_allowance),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_dies_with_daemon),
		cmocka_unit_test(test_dies_with_confined_daemon),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_without_root),
		cmocka_unit_test(test_not_isolated),
		cmocka_unit_test(test_nobody_in_a_namespace),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_many_members),
		cmocka_unit_test(test_listing_ended),
		cmocka_unit_test(test_listing_fails),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
