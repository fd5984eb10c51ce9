/* SPDX-License-Identifier: MIT */
/*
 * Real processes holding real sockets. Caught: the real user id taken for the effective one, a
 * capability of another user namespace counted, a holder missed or listed twice, a process that
 * ends during the pass making it fail, a unit read from the wrong place of a path.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <mntent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/cgroup.h"
#include "kernel/processes.h"
#include "requirement.h"

#define NOBODY 65534U

static int socket_of_test(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static uint64_t inode_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return status.st_ino;
}

/* struct child - a process that has done @prepare and waits for its end */
struct child {
	pid_t pid;
	int prepared; /* what it returned */
};

/* Never fails in the child: what @prepare returns arrives here. */
static struct child child_start(int (*prepare)(void *data), void *data)
{
	struct child child;
	int ready[2];

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		int result = prepare(data);

		prctl(PR_SET_PDEATHSIG, SIGKILL); /* after a failed assertion nobody else ends it */
		if (write(ready[1], &result, sizeof(result)) == sizeof(result))
			for (;;)
				pause();
		_exit(EXIT_FAILURE);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &child.prepared, sizeof(child.prepared)),
			 sizeof(child.prepared));
	close(ready[0]);
	return child;
}

static void child_end(struct child child)
{
	assert_int_equal(kill(child.pid, SIGKILL), 0);
	assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
}

static int prepare_nothing(void *data)
{
	(void)data;
	return 0;
}

/* The one process with that id among those that hold the socket. */
static const struct process *holder(const struct processes *processes, uint64_t inode, pid_t pid)
{
	const struct process *found = NULL;
	const struct holding *holdings;
	size_t n;

	holdings = processes_holding(processes, inode, &n);
	for (size_t i = 0; i < n; i++) {
		const struct process *process = &processes->items[holdings[i].process];

		if (process->pid != pid)
			continue;
		assert_null(found);
		found = process;
	}
	return found;
}

static struct processes *scan(uint64_t inode, const char *attached)
{
	struct processes *processes;

	assert_int_equal(processes_scan(&inode, 1, attached, &processes), 0);
	return processes;
}

static void test_holders(void **state)
{
	_cleanup_close_ int fd = socket_of_test(), other = socket_of_test();
	_cleanup_close_ int again = dup(fd);
	uint64_t inodes[] = { inode_of(other), 0, inode_of(fd), inode_of(fd) };
	struct processes *processes;
	struct child child;
	size_t n;

	(void)state;
	assert_true(again >= 0);
	child = child_start(prepare_nothing, NULL);
	assert_int_equal(processes_scan(inodes, ELEMENTS(inodes), NULL, &processes), 0);
	processes_holding(processes, inode_of(fd), &n);
	assert_int_equal(n, 2); /* not three: two descriptors of one process are one holding */
	assert_non_null(holder(processes, inode_of(fd), getpid()));
	assert_non_null(holder(processes, inode_of(fd), child.pid));
	processes_holding(processes, inode_of(other), &n);
	assert_int_equal(n, 2);
	assert_int_equal(processes->n_items, 2);
	processes_holding(processes, 1, &n);
	assert_int_equal(n, 0);
	processes_free(processes);
	child_end(child);

	processes = scan(inode_of(fd), NULL);
	assert_null(holder(processes, inode_of(fd), child.pid));
	processes_free(processes);
}

static void test_details(void **state)
{
	_cleanup_close_ int fd = socket_of_test();
	struct processes *processes = scan(inode_of(fd), NULL);
	const struct process *self = holder(processes, inode_of(fd), getpid());
	char path[4096] = "";
	int n_groups = getgroups(0, NULL);

	(void)state;
	assert_non_null(self);
	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	assert_string_equal(self->executable, path);
	assert_false(self->executable_deleted);
	assert_int_equal(self->uid, geteuid());
	assert_int_equal(self->gid, getegid());
	assert_int_equal(self->n_groups, n_groups);
	assert_int_equal(strncmp(self->command, strrchr(path, '/') + 1, MAX_COMMAND - 1), 0);
	assert_null(self->unit);
	processes_free(processes);
}

static int become_other(void *data)
{
	static const gid_t groups[] = { 7, 70000, 4000000000U };

	(void)data;
	if (setgroups(ELEMENTS(groups), groups) < 0 || setresgid(0, 1234, 0) < 0 ||
	    setresuid(0, NOBODY, 0) < 0)
		return errno;
	return 0;
}

/* Real user and group stay root's: who reads those would call the process root. */
static void test_effective(void **state)
{
	_cleanup_close_ int fd = socket_of_test();
	struct processes *processes;
	const struct process *process;
	struct child child;

	(void)state;
	require_root();
	child = child_start(become_other, NULL);
	assert_int_equal(child.prepared, 0);
	processes = scan(inode_of(fd), NULL);
	assert_true(holder(processes, inode_of(fd), getpid())->capable);
	process = holder(processes, inode_of(fd), child.pid);
	assert_int_equal(process->uid, NOBODY);
	assert_int_equal(process->gid, 1234);
	assert_int_equal(process->n_groups, 3);
	assert_int_equal(process->groups[0], 7);
	assert_int_equal(process->groups[1], 70000);
	assert_int_equal(process->groups[2], 4000000000U);
	assert_false(process->capable);
	processes_free(processes);
	child_end(child);
}

static int enter_user_namespace(void *data)
{
	(void)data;
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

/* It has every capability there is, of a namespace of its own. */
static void test_user_namespace(void **state)
{
	_cleanup_close_ int fd = socket_of_test();
	struct processes *processes;
	struct child child;

	(void)state;
	require_root();
	child = child_start(enter_user_namespace, NULL);
	require(child.prepared == 0, "user namespaces");
	processes = scan(inode_of(fd), NULL);
	assert_true(holder(processes, inode_of(fd), getpid())->capable);
	assert_false(holder(processes, inode_of(fd), child.pid)->capable);
	processes_free(processes);
	child_end(child);
}

static void copy_program(const char *from, const char *to)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	char buffer[65536];
	ssize_t size;

	assert_true(in >= 0 && out >= 0);
	while ((size = read(in, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(out, buffer, (size_t)size), size);
	assert_int_equal(size, 0);
}

/* Starts a copy of sleep(1) at @path that holds @fd; it has begun when exec has closed the pipe. */
static pid_t run_copy(const char *path, int fd)
{
	int begun[2];
	char byte;
	pid_t pid;

	copy_program("/bin/sleep", path);
	assert_int_equal(pipe2(begun, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fcntl(fd, F_SETFD, 0);
		execl(path, "sleep", "1000", (char *)NULL);
		_exit(EXIT_FAILURE);
	}
	close(begun[1]);
	assert_int_equal(read(begun[0], &byte, 1), 0);
	close(begun[0]);
	return pid;
}

/* The text " (deleted)" is the kernel's, unless it is the file's own name. */
static void test_executable_deleted(void **state)
{
	static const char *const names[] = { "program", "program (deleted)" };
	char directory[] = "/tmp/processes.XXXXXX", path[64];
	_cleanup_close_ int fd = socket_of_test();

	(void)state;
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < ELEMENTS(names); i++) {
		struct processes *processes;
		const struct process *process;
		pid_t pid;

		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		pid = run_copy(path, fd);
		processes = scan(inode_of(fd), NULL);
		process = holder(processes, inode_of(fd), pid);
		assert_string_equal(process->executable, path);
		assert_false(process->executable_deleted);
		processes_free(processes);

		assert_int_equal(unlink(path), 0);
		processes = scan(inode_of(fd), NULL);
		process = holder(processes, inode_of(fd), pid);
		assert_string_equal(process->executable, path);
		assert_true(process->executable_deleted);
		processes_free(processes);
		child_end((struct child){ .pid = pid });
	}
	assert_int_equal(rmdir(directory), 0);
}

static void *wait_for_ever(void *data)
{
	(void)data;
	for (;;)
		pause();
	return NULL;
}

static _Noreturn void leave_thread_behind(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0)
		pthread_exit(NULL);
	_exit(EXIT_FAILURE);
}

/* The leader of the thread group has exited, /proc/PID/fd is empty; the socket is still held. */
static void test_exited_leader(void **state)
{
	_cleanup_close_ int fd = socket_of_test();
	const struct process *process = NULL;
	struct processes *processes = NULL;
	char path[64], text[512] = "";
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		leave_thread_behind();
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (!strstr(text, ") Z ")) {
		_cleanup_close_ int stat_fd = open(path, O_RDONLY | O_CLOEXEC);

		assert_true(read(stat_fd, text, sizeof(text) - 1) > 0);
		sched_yield();
	}
	processes = scan(inode_of(fd), NULL);
	process = holder(processes, inode_of(fd), pid);
	assert_non_null(process);
	assert_non_null(process->executable);
	processes_free(processes);
	child_end((struct child){ .pid = pid });
}

/* Processes come and go during thirty passes. */
static void test_vanishing(void **state)
{
	_cleanup_close_ int fd = socket_of_test();
	pid_t breeder = fork();

	(void)state;
	if (breeder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			pid_t pid = fork();

			if (pid == 0)
				_exit(EXIT_SUCCESS);
			waitpid(pid, NULL, 0);
		}
	}
	for (int i = 0; i < 30; i++) {
		struct processes *processes = scan(inode_of(fd), NULL);

		assert_non_null(holder(processes, inode_of(fd), getpid()));
		processes_free(processes);
	}
	child_end((struct child){ .pid = breeder });
}

static int scan_as_nobody(void *data)
{
	struct processes *processes;
	uint64_t inode = *(uint64_t *)data;
	int result;

	if (setgroups(0, NULL) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
	    processes_scan(&inode, 1, NULL, &processes) < 0)
		return -1;
	result = processes->unreadable > 0 && !holder(processes, inode, getppid());
	processes_free(processes);
	return result;
}

/* What may not be looked into is counted; a silent gap would read as "nobody holds it". */
static void test_unreadable(void **state)
{
	_cleanup_close_ int fd = socket_of_test();
	uint64_t inode = inode_of(fd);
	struct processes *processes;
	struct child child;

	(void)state;
	require_root();
	processes = scan(inode, NULL);
	assert_int_equal(processes->unreadable, 0);
	processes_free(processes);
	child = child_start(scan_as_nobody, &inode);
	assert_int_equal(child.prepared, 1);
	child_end(child);
}

static void test_unit(void **state)
{
	static const struct {
		const char *cgroup, *attached, *unit;
	} cases[] = {
		{ "/system.slice/nginx.service", "/", "nginx.service" },
		{ "/system.slice/nginx.service/worker", "/", "nginx.service" },
		{ "/nginx.service", "/", "nginx.service" },
		{ "/a.slice/a-b.slice/c.scope", "/", "c.scope" },
		{ "/user.slice/user-1000.slice/user@1000.service/nginx.service", "/",
		  "user@1000.service" }, /* nobody makes himself a unit below his own */
		{ "/system.slice", "/", NULL },
		{ "/", "/", NULL },
		{ "/test/system.slice/x.service", "/test", "x.service" },
		{ "/test/system.slice/x.service", "/test/", "x.service" },
		{ "/test/system.slice/x.service", "/", "test" },
		{ "/test/x.service", "/test/x.service", NULL },
		{ "/tester/x.service", "/test", NULL },
		{ "/other/x.service", "/test", NULL },
		{ "/../x.service", "/", NULL }, /* outside of our cgroup namespace */
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *unit = NULL;
		int error = cgroup_unit(cases[i].cgroup, cases[i].attached, &unit);

		assert_int_equal(error, cases[i].unit ? 0 : -ENOENT);
		if (cases[i].unit)
			assert_string_equal(unit, cases[i].unit);
	}
}

/* Where cgroup2 is mounted, NULL if it is not. */
static char *cgroup2_mount(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry;
	char *found = NULL;

	assert_non_null(mounts);
	while (!found && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "cgroup2") == 0)
			found = strdup(entry->mnt_dir);
	endmntent(mounts);
	return found;
}

static void write_text(const char *directory, const char *name, const char *text)
{
	char path[512];
	_cleanup_close_ int fd = -EBADF;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Compared with what the kernel itself says of a process in such a group. */
static void test_cgroup(void **state)
{
	_cleanup_free_ char *mount = cgroup2_mount(), *path = NULL, *root = NULL;
	char attached[256], slice[300], unit[320], pid[32];
	_cleanup_close_ int fd = socket_of_test();
	const struct process *process;
	struct processes *processes;
	struct child child;

	(void)state;
	require_root();
	require(mount != NULL, "cgroup2");
	assert_int_equal(cgroup_path("/tmp", &path), -EMEDIUMTYPE);
	assert_int_equal(cgroup_path(mount, &root), 0);
	assert_string_equal(root, "/");
	snprintf(attached, sizeof(attached), "%s/portcred-test-%d", mount, getpid());
	snprintf(slice, sizeof(slice), "%s/some.slice", attached);
	snprintf(unit, sizeof(unit), "%s/name.service", slice);
	assert_int_equal(mkdir(attached, 0755), 0);
	assert_int_equal(mkdir(slice, 0755), 0);
	assert_int_equal(mkdir(unit, 0755), 0);

	child = child_start(prepare_nothing, NULL);
	snprintf(pid, sizeof(pid), "%d", child.pid);
	write_text(unit, "cgroup.procs", pid);
	assert_int_equal(cgroup_path(attached, &path), 0);
	processes = scan(inode_of(fd), path);
	process = holder(processes, inode_of(fd), child.pid);
	assert_string_equal(process->unit, "name.service");
	free(path);
	assert_int_equal(cgroup_path(unit, &path), 0);
	assert_string_equal(process->cgroup, path);
	assert_null(holder(processes, inode_of(fd), getpid())->unit);
	processes_free(processes);
	child_end(child);
	assert_int_equal(rmdir(unit), 0);
	assert_int_equal(rmdir(slice), 0);
	assert_int_equal(rmdir(attached), 0);
}

static int bind_loopback(void *data)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	*(uint64_t *)data = inode_of(fd);
	return fd;
}

/* The duplicate is the very socket: what is set on it here is so for its owner. */
static void test_process_socket(void **state)
{
	_cleanup_close_ int mine = socket_of_test();
	_cleanup_close_ int duplicate = -EBADF, by_number = -EBADF, owned = -EBADF;
	uint64_t inode = inode_of(mine);
	const struct holding *holdings;
	struct processes *processes;
	struct child child;
	size_t n;

	(void)state;
	child = child_start(prepare_nothing, NULL);
	duplicate = process_socket(child.pid, inode);
	require(duplicate != -EPERM, "permission to take descriptors of one's own child");
	assert_true(duplicate >= 0);
	assert_int_equal(inode_of(duplicate), inode);
	assert_int_equal(fcntl(duplicate, F_GETFD), FD_CLOEXEC);
	assert_int_equal(process_socket(child.pid, inode + 1000000), -ENOENT);
	assert_int_equal(process_socket(child.pid, 0), -ENOENT);

	/* By the number that a scan gives; of a number that is another file, or none, nothing. */
	processes = scan(inode, NULL);
	holdings = processes_holding(processes, inode, &n);
	assert_true(n >= 1);
	assert_int_equal(holdings[0].number, mine); /* the child has the numbers of its parent */
	processes_free(processes);
	by_number = process_socket_at(child.pid, mine, inode);
	assert_true(by_number >= 0);
	assert_int_equal(inode_of(by_number), inode);
	assert_int_equal(fcntl(by_number, F_GETFD), FD_CLOEXEC);
	assert_int_equal(process_socket_at(child.pid, mine, inode + 1), -ENOENT);
	assert_int_equal(process_socket_at(child.pid, 0, inode), -ENOENT);
	assert_int_equal(process_socket_at(child.pid, 1000000, inode), -ENOENT);

	/* One that this process never had. */
	owned = bind_loopback(&inode);
	assert_true(owned >= 0);
	assert_int_equal(process_socket(child.pid, inode), -ENOENT);
	child_end(child);
	assert_int_equal(process_socket(child.pid, inode), -ESRCH);
	assert_int_equal(process_socket_at(child.pid, mine, inode), -ESRCH);
}

static int64_t boot_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Catches a time of another clock, or another field: a number that comes round would pass for its first owner. */
static void test_started(void **state)
{
	const int64_t tick = 1000000000 / sysconf(_SC_CLK_TCK);
	int64_t before = boot_clock(), after;
	struct child child = child_start(prepare_nothing, NULL);
	uint64_t started = 0;
	int directory;

	after = boot_clock();
	directory = process_open(child.pid);
	assert_true(directory >= 0);
	assert_int_equal(process_started(directory, &started), 0);
	assert_in_range(started, before - tick, after);
	child_end(child);
	assert_true(process_started(directory, &started) < 0);
	close(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holders),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_effective),
		cmocka_unit_test(test_user_namespace),
		cmocka_unit_test(test_executable_deleted),
		cmocka_unit_test(test_exited_leader),
		cmocka_unit_test(test_vanishing),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_process_socket),
		cmocka_unit_test(test_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
