/* SPDX-License-Identifier: MIT */
/*
 * The kernel's list of reserved ports, in a network namespace of the test's own. Caught: a port of
 * the administrator's taken out, one of ours left behind, a list cut off where the kernel takes only
 * a page at a time, and a crash at any moment after which the two can no longer be told apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/reserved.h"
#include "kernel/reserved_state.h"
#include "requirement.h"

#define RESERVED   "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define PORT_RANGE "/proc/sys/net/ipv4/ip_local_port_range"

static struct port_bitmap ports(const char *text)
{
	struct port_bitmap result;

	assert_int_equal(port_bitmap_parse(text, strlen(text), &result), 0);
	return result;
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *formatted; /* NULL: refused */
	} cases[] = {
		{ "", "" },
		{ "\n", "" },
		{ "0", "0" },
		{ "65535\n", "65535" },
		{ "0-65535", "0-65535" },
		{ "1-5,7", "1-5,7" },
		{ "7,1-5", "1-5,7" },
		{ "1-3,3-9,5", "1-9" },
		{ "1,2,3", "1-3" },
		{ "63,64,65", "63-65" },
		{ "5-5", "5" },
		{ "00080", "80" },
		{ "65536", NULL },
		{ "99999999999999999999", NULL },
		{ "1-65536", NULL },
		{ "9-1", NULL },
		{ "1,", NULL },
		{ ",1", NULL },
		{ "1,,2", NULL },
		{ "1-", NULL },
		{ "-1", NULL },
		{ "1-2-3", NULL },
		{ "1 ,2", NULL },
		{ " 1", NULL },
		{ "1\n\n", NULL },
		{ "1\n2", NULL },
		{ "0x50", NULL },
		{ "http", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *text = NULL;
		struct port_bitmap result;
		int error = port_bitmap_parse(cases[i].text, strlen(cases[i].text), &result);

		assert_int_equal(error, cases[i].formatted ? 0 : -EINVAL);
		if (error < 0)
			continue;
		assert_int_equal(port_bitmap_format(&result, &text), 0);
		assert_string_equal(text, cases[i].formatted);
	}
	/* A NUL byte is a byte like any other: refused, not an end. */
	struct port_bitmap result;

	assert_int_equal(port_bitmap_parse("1\0,2", 4, &result), -EINVAL);
}

static void test_sets(void **state)
{
	struct port_bitmap set = ports("10-20,63-64,65535"), other = ports("15-30,65535");

	(void)state;
	assert_int_equal(port_bitmap_count(&set), 14);
	assert_true(port_bitmap_has(&set, 64) && !port_bitmap_has(&set, 65));
	assert_false(port_bitmap_contains(&set, &other));
	port_bitmap_add(&set, &other);
	assert_true(port_bitmap_contains(&set, &other));
	port_bitmap_remove(&set, &other);
	assert_memory_equal(&set, &(struct port_bitmap[]){ ports("10-14,63-64") }[0], sizeof(set));
	port_bitmap_keep(&set, &(struct port_bitmap[]){ ports("12-63") }[0]);
	assert_memory_equal(&set, &(struct port_bitmap[]){ ports("12-14,63") }[0], sizeof(set));
}

/* struct place - a directory for the state, and a network namespace */
struct place {
	char path[64];
	int directory;
};

static void write_sysctl(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void assert_standing(const struct port_bitmap *expected)
{
	struct port_bitmap standing;

	assert_int_equal(reserved_read(&standing), 0);
	assert_memory_equal(&standing, expected, sizeof(standing));
}

static void assert_list(const char *expected)
{
	struct port_bitmap set = ports(expected);

	assert_standing(&set);
}

/* The whole range but the low ports is the kernel's to choose from, nothing is reserved. */
static struct place *place_new(void)
{
	struct place *place;

	require_root();
	require(unshare(CLONE_NEWNET) == 0, "network namespaces");
	write_sysctl(PORT_RANGE, "1024 65535");
	assert_list("");
	place = calloc(1, sizeof(*place));
	assert_non_null(place);
	/* As in service, a file system in memory: each change is synced several times. */
	strcpy(place->path,
	       access("/dev/shm", W_OK) == 0 ? "/dev/shm/reserved.XXXXXX" : "/tmp/reserved.XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->directory = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(place->directory >= 0);
	return place;
}

static void place_free(struct place *place)
{
	unlinkat(place->directory, RESERVED_STATE_FILE, 0);
	unlinkat(place->directory, RESERVED_STATE_FILE ".new", 0);
	close(place->directory);
	rmdir(place->path);
	free(place);
}

DEFINE_CLEANUP(struct place *, place_free)

static struct reserved *open_reserved(const struct place *place)
{
	struct reserved *reserved;
	bool damaged = true;

	assert_int_equal(reserved_open(place->directory, &reserved, &damaged), 0);
	assert_false(damaged);
	return reserved;
}

static bool state_exists(const struct place *place)
{
	return faccessat(place->directory, RESERVED_STATE_FILE, F_OK, 0) == 0;
}

static void update(struct reserved *reserved, const char *governed)
{
	struct port_bitmap set = ports(governed);

	assert_int_equal(reserved_update(reserved, &set), 0);
}

/* Only what lies in the ephemeral range is added, what stood there stays, and goes last. */
static void test_update(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	_cleanup_(reserved_closep) struct reserved *reserved = open_reserved(place);
	struct port_bitmap set;

	(void)state;
	update(reserved, "");
	assert_false(state_exists(place)); /* nothing to remember */
	write_sysctl(PORT_RANGE, "32768 60999");
	write_sysctl(RESERVED, "3000,40000-40010");
	update(reserved, "80,443,8080,32767-32769,40005-40015,60999-61001");
	assert_list("3000,32768-32769,40000-40015,60999");
	assert_true(state_exists(place));

	update(reserved, "32768");
	assert_list("3000,32768,40000-40010"); /* 40005 was there before us */
	set = ports("50000");
	assert_int_equal(reserved_extend(reserved, &set), 0);
	assert_list("3000,32768,40000-40010,50000"); /* and nothing taken out yet */
	update(reserved, "50000");
	assert_list("3000,40000-40010,50000");
	set = ports("50000");
	assert_memory_equal(reserved_ours(reserved), &set, sizeof(set));

	assert_int_equal(reserved_release(reserved), 0);
	assert_list("3000,40000-40010");
	assert_false(state_exists(place));
}

/* 28,000 ports that no range joins: 163 KB of list, forty pages. Two sets, so that both ways go. */
static void test_scattered(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	_cleanup_(reserved_closep) struct reserved *reserved = open_reserved(place);
	struct port_bitmap governed = { 0 }, others = { 0 }, all;

	(void)state;
	for (unsigned i = 0; i < 28000; i++)
		port_bitmap_set(&governed, (uint16_t)(1025 + 2 * i));
	for (unsigned i = 0; i < 3000; i++) /* more than a page of the administrator's, too */
		port_bitmap_set(&others, (uint16_t)(40000 + 4 * i));
	for (unsigned port = 40000; port < 52000; port += 4) {
		char text[16];
		_cleanup_close_ int fd = open(RESERVED, O_WRONLY | O_CLOEXEC);
		int size = snprintf(text, sizeof(text), "%u", port);

		assert_int_equal(pwrite(fd, text, (size_t)size, 1), size);
	}
	assert_standing(&others);
	assert_int_equal(reserved_update(reserved, &governed), 0);
	all = governed;
	port_bitmap_add(&all, &others);
	assert_standing(&all);

	/* Half of them go, which takes a replacement in many writes. */
	for (unsigned i = 0; i < 14000; i++)
		governed.words[(1025 + 2 * i) / 64] &= ~(1ULL << ((1025 + 2 * i) % 64));
	assert_int_equal(reserved_update(reserved, &governed), 0);
	all = governed;
	port_bitmap_add(&all, &others);
	assert_standing(&all);
	assert_int_equal(reserved_release(reserved), 0);
	assert_standing(&others);
}

/* `sysctl --system` writes the administrator's list over everything. */
static void test_recheck(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	_cleanup_(reserved_closep) struct reserved *reserved = open_reserved(place);
	size_t restored = 99;

	(void)state;
	write_sysctl(RESERVED, "3000");
	update(reserved, "8080,9090");
	assert_int_equal(reserved_recheck(reserved, &restored), 0);
	assert_int_equal(restored, 0);
	write_sysctl(RESERVED, "3000");
	assert_list("3000");
	assert_int_equal(reserved_recheck(reserved, &restored), 0);
	assert_int_equal(restored, 2);
	assert_list("3000,8080,9090");

	/* He now reserves 8080 himself: what stands after his write is his. */
	write_sysctl(RESERVED, "3000,8080");
	assert_int_equal(reserved_recheck(reserved, &restored), 0);
	assert_int_equal(restored, 1);
	assert_list("3000,8080,9090");
	assert_int_equal(reserved_release(reserved), 0);
	assert_list("3000,8080");
}

/* A wider ephemeral range reaches ports that were governed before. */
static void test_recheck_range(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	_cleanup_(reserved_closep) struct reserved *reserved = open_reserved(place);
	size_t restored;

	(void)state;
	write_sysctl(PORT_RANGE, "32768 60999");
	update(reserved, "8080,40000");
	assert_list("40000");
	write_sysctl(PORT_RANGE, "1024 60999");
	assert_int_equal(reserved_recheck(reserved, &restored), 0);
	assert_int_equal(restored, 1);
	assert_list("8080,40000");
	assert_int_equal(reserved_release(reserved), 0);
	assert_list("");
}

/* Rewritten, and released before anyone looked: what stands is the administrator's. */
static void test_release_after_rewrite(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	_cleanup_(reserved_closep) struct reserved *reserved = open_reserved(place);

	(void)state;
	update(reserved, "8080,9090");
	write_sysctl(RESERVED, "8080,3000");
	assert_int_equal(reserved_release(reserved), 0);
	assert_list("3000,8080");
}

/* Added by someone else meanwhile, beside ours: stays when ours go. */
static void test_release_keeps_later(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	_cleanup_(reserved_closep) struct reserved *reserved = open_reserved(place);

	(void)state;
	write_sysctl(RESERVED, "3000");
	update(reserved, "8080,9090");
	write_sysctl(RESERVED, "3000,8080,9090,5000");
	assert_int_equal(reserved_release(reserved), 0);
	assert_list("3000,5000");
}

/* The daemon dies, another one starts, and later one releases. */
static void test_next_process(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	struct reserved *reserved = open_reserved(place);
	struct port_bitmap set = ports("8080,9090");

	(void)state;
	write_sysctl(RESERVED, "3000");
	update(reserved, "8080,9090");
	reserved_close(reserved);
	assert_list("3000,8080,9090");

	reserved = open_reserved(place);
	assert_memory_equal(reserved_ours(reserved), &set, sizeof(set));
	update(reserved, "9090");
	assert_list("3000,9090");
	reserved_close(reserved);

	reserved = open_reserved(place);
	assert_int_equal(reserved_release(reserved), 0);
	assert_list("3000");
	reserved_close(reserved);
}

/* Killed after the record and before the list: nothing of it is ours but what stands there. */
static void test_crash_before_list(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	struct reserved_state record = { .ours = ports("8080,9090"), .pending = true };
	struct reserved *reserved;

	(void)state;
	write_sysctl(RESERVED, "3000,8080"); /* 8080 was added, 9090 not yet */
	assert_int_equal(reserved_state_write(place->directory, &record), 0);
	reserved = open_reserved(place);
	assert_int_equal(reserved_release(reserved), 0);
	assert_list("3000");
	reserved_close(reserved);
}

/* Killed between two pages of a replacement: what was the administrator's comes back. */
static void test_crash_in_replacement(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	struct reserved_state record = { .ours = ports("8080"),
					 .restore = ports("3000-3100,5000"),
					 .pending = true };
	struct reserved *reserved;

	(void)state;
	write_sysctl(RESERVED, "3000-3050");
	assert_int_equal(reserved_state_write(place->directory, &record), 0);
	reserved = open_reserved(place);
	update(reserved, "9090");
	assert_list("3000-3100,5000,9090");
	assert_int_equal(reserved_release(reserved), 0);
	assert_list("3000-3100,5000");
	reserved_close(reserved);
}

/* Without a record nothing is added: it could not be told apart afterwards. */
static void test_no_record_no_change(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	struct port_bitmap set = ports("8080");
	_cleanup_(reserved_closep) struct reserved *reserved = open_reserved(place);

	(void)state;
	assert_int_equal(rmdir(place->path), 0);
	assert_int_equal(reserved_update(reserved, &set), -ENOENT);
	assert_list("");
}

/* A record about another namespace's list says nothing of this one's. */
static void test_other_namespace(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	struct reserved *reserved = open_reserved(place);

	(void)state;
	update(reserved, "8080");
	reserved_close(reserved);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	write_sysctl(RESERVED, "8080");
	reserved = open_reserved(place);
	assert_int_equal(port_bitmap_count(reserved_ours(reserved)), 0);
	assert_int_equal(reserved_release(reserved), 0);
	assert_list("8080");
	reserved_close(reserved);
}

static void write_state(const struct place *place, const char *text, size_t size)
{
	_cleanup_close_ int fd = openat(place->directory, RESERVED_STATE_FILE,
					O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
}

static int read_state(const struct place *place, char *text, size_t size)
{
	_cleanup_close_ int fd =
		openat(place->directory, RESERVED_STATE_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	assert_true(fd >= 0);
	got = read(fd, text, size - 1);
	assert_true(got > 0);
	text[got] = '\0';
	return (int)got;
}

/* Every shorter file, and some longer and other ones, are seen to be damaged; nothing is taken out. */
static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"x",
		"portcred reserved-ports 2\n",
		"portcred reserved-ports 1\nboot a namespace 1\n",
		"portcred reserved-ports 1\nboot a namespace 1\nsettled\nours 1\nrestore \nmore\n",
		"portcred reserved-ports 1\nboot a namespace 1\nsettled\nours a\nrestore \n",
	};
	_cleanup_(place_freep) struct place *place = place_new();
	struct reserved *reserved = open_reserved(place);
	char whole[512];
	int size;

	(void)state;
	update(reserved, "8080");
	reserved_close(reserved);
	size = read_state(place, whole, sizeof(whole));
	for (int cut = 0; cut < size; cut++) {
		bool damaged = false;

		write_state(place, whole, (size_t)cut);
		assert_int_equal(reserved_open(place->directory, &reserved, &damaged), 0);
		assert_true(damaged);
		assert_int_equal(port_bitmap_count(reserved_ours(reserved)), 0);
		reserved_close(reserved);
	}
	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		bool damaged = false;

		write_state(place, texts[i], strlen(texts[i]));
		assert_int_equal(reserved_open(place->directory, &reserved, &damaged), 0);
		assert_true(damaged);
		reserved_close(reserved);
	}
	assert_int_equal(unlinkat(place->directory, RESERVED_STATE_FILE, 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", place->directory, RESERVED_STATE_FILE), 0);
	assert_int_equal(reserved_open(place->directory, &reserved, &(bool){ false }), 0);
	assert_int_equal(reserved_release(reserved), 0);
	assert_list("8080");
	reserved_close(reserved);
}

/* One change of policy in a process of its own, killed when it enters its @calls-th system call. */
static bool killed_at(const struct place *place, const struct port_bitmap *governed, int calls)
{
	struct reserved *reserved;
	pid_t child = fork();
	int status;

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(reserved_open(place->directory, &reserved, NULL) < 0 ||
		      reserved_update(reserved, governed) < 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status));
	for (int i = 0; i < 2 * calls - 1;
	     i++) { /* it stops at the entry and at the exit of each */
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return false;
		}
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return true;
}

/*
 * Killed before every single system call of a change that adds, and takes out of a list of
 * several pages: the next process must find its way back to exactly the administrator's ports.
 */
static void test_killed(void **state)
{
	_cleanup_(place_freep) struct place *place = place_new();
	struct port_bitmap others = { 0 }, first = { 0 }, second = { 0 };
	struct reserved *reserved;
	bool killed = true;
	int calls = 0;

	(void)state;
	for (unsigned i = 0; i < 800; i++) { /* a page holds some 680 of five digits */
		port_bitmap_set(&others, (uint16_t)(50000 + 2 * i));
		port_bitmap_set(&first, (uint16_t)(10000 + 2 * i));
		port_bitmap_set(&second, (uint16_t)(12000 + 2 * i));
	}
	reserved = open_reserved(place);
	assert_int_equal(reserved_update(reserved, &others), 0); /* a way to write a long list */
	reserved_close(reserved);
	assert_int_equal(unlinkat(place->directory, RESERVED_STATE_FILE, 0), 0);

	while (killed) {
		reserved = open_reserved(place);
		assert_int_equal(reserved_update(reserved, &first), 0);
		reserved_close(reserved);
		killed = killed_at(place, &second, ++calls);
		reserved = open_reserved(place);
		assert_int_equal(reserved_release(reserved), 0);
		assert_standing(&others);
		reserved_close(reserved);
	}
	assert_true(calls > 40); /* it did go through all those calls */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_scattered),
		cmocka_unit_test(test_recheck),
		cmocka_unit_test(test_recheck_range),
		cmocka_unit_test(test_release_after_rewrite),
		cmocka_unit_test(test_release_keeps_later),
		cmocka_unit_test(test_next_process),
		cmocka_unit_test(test_crash_before_list),
		cmocka_unit_test(test_crash_in_replacement),
		cmocka_unit_test(test_no_record_no_change),
		cmocka_unit_test(test_other_namespace),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
