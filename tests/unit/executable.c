/* SPDX-License-Identifier: MIT */
/*
 * Real files, replaced as a package manager replaces them. Caught: st_dev taken for the super
 * block's device, a replacement missed, the program that still runs from the replaced file no longer
 * known, and an inode number that was given to another file still taken for the executable.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/executable.h"
#include "kernel/watch.h"
#include "requirement.h"

/* struct place - a directory of the test's own; paths in it are used one at a time */
struct place {
	char directory[64];
	char path[8][160];
	unsigned n;
};

static void place_make(struct place *place)
{
	*place = (struct place){ .directory = "/tmp/executable.XXXXXX" };
	assert_non_null(mkdtemp(place->directory));
}

static const char *in(struct place *place, const char *name)
{
	char *path = place->path[place->n++ % ELEMENTS(place->path)];

	assert_true(strlen(place->directory) + strlen(name) + 2 <= sizeof(place->path[0]));
	stpcpy(stpcpy(stpcpy(path, place->directory), "/"), name);
	return path;
}

static void remove_tree(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--one-file-system", path, (char *)NULL);
		_exit(EXIT_FAILURE);
	}
	assert_int_equal(waitpid(pid, &(int){ 0 }, 0), pid);
}

static void copy(const char *from, const char *to)
{
	_cleanup_close_ int source = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buffer[65536];
	ssize_t size;

	assert_true(source >= 0 && target >= 0);
	while ((size = read(source, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(target, buffer, (size_t)size), size);
}

/* What the kernel's own inode of a running program is: /proc/PID/maps shows i_ino and s_dev. */
static struct exe_key running_identity(const char *path)
{
	struct exe_key key = { 0 };
	char maps[64], line[512];
	_cleanup_fclose_ FILE *file = NULL;
	unsigned major, minor;
	unsigned long inode = 0;
	int begun[2];
	pid_t pid;

	assert_int_equal(pipe2(begun, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		execl(path, "sleep", "1000", (char *)NULL);
		_exit(EXIT_FAILURE);
	}
	close(begun[1]);
	assert_int_equal(read(begun[0], line, 1), 0); /* closed by exec */
	close(begun[0]);
	snprintf(maps, sizeof(maps), "/proc/%d/maps", pid);
	file = fopen(maps, "re");
	assert_non_null(file);
	while (!inode && fgets(line, sizeof(line), file))
		if (strstr(line, path))
			assert_int_equal(
				sscanf(line, "%*s %*s %*s %x:%x %lu", &major, &minor, &inode), 3);
	assert_true(inode != 0);
	key.inode = inode;
	key.device = major << 20 | minor;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &(int){ 0 }, 0), pid);
	return key;
}

static void assert_same(const struct exe_key *a, const struct exe_key *b)
{
	assert_int_equal(a->inode, b->inode);
	assert_int_equal(a->device, b->device);
}

static void test_identity(void **state)
{
	struct exe_key key, running;
	struct place place;
	int fd = -1;

	(void)state;
	place_make(&place);
	copy("/bin/sleep", in(&place, "program"));
	running = running_identity(in(&place, "program"));
	assert_int_equal(executable_identity(in(&place, "program"), &key, &fd), 0);
	assert_same(&key, &running);
	assert_int_equal(key.exe, 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);

	assert_int_equal(symlink("program", in(&place, "link")), 0);
	assert_int_equal(executable_identity(in(&place, "link"), &key, NULL), 0);
	assert_same(&key, &running);

	assert_int_equal(executable_identity(in(&place, "none"), &key, NULL), -ENOENT);
	assert_int_equal(executable_identity(place.directory, &key, NULL), -EISDIR);
	assert_int_equal(mkfifo(in(&place, "fifo"), 0600), 0);
	assert_int_equal(executable_identity(in(&place, "fifo"), &key, NULL), -EACCES);
	remove_tree(place.directory);
}

/*
 * A program in the lower layer of an overlay over two file systems: stat(2) gives it a device number
 * that no super block has. Returns 0, or the number of the step that failed.
 */
static int overlay_identity(const char *directory)
{
	struct exe_key key, running;
	struct stat status;
	char options[256];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("lower", directory, "tmpfs", 0, NULL) < 0 || chdir(directory) < 0)
		return 1;
	if (mkdir("lower", 0755) < 0 || mkdir("other", 0755) < 0 || mkdir("merged", 0755) < 0)
		return 2;
	if (mount("upper", "other", "tmpfs", 0, NULL) < 0 || mkdir("other/upper", 0755) < 0 ||
	    mkdir("other/work", 0755) < 0)
		return 3;
	copy("/bin/sleep", "lower/program");
	snprintf(options, sizeof(options),
		 "lowerdir=lower,upperdir=other/upper,workdir=other/work");
	if (mount("overlay", "merged", "overlay", 0, options) < 0)
		return 77;
	if (executable_identity("merged/program", &key, NULL) < 0 ||
	    stat("merged/program", &status) < 0)
		return 4;
	/* Before 6.7 the maps of a process show the file below the overlay, not the overlay's. */
	running = kernel_at_least(6, 7) ? running_identity("merged/program") : key;
	if (key.inode != running.inode || key.device != running.device)
		return 5;
	/* The premise: who believes stat(2) is wrong here. */
	return (major(status.st_dev) << 20 | minor(status.st_dev)) == key.device ? 6 : 0;
}

static void test_overlay(void **state)
{
	struct place place;
	int status;
	pid_t pid;

	(void)state;
	require_root();
	place_make(&place);
	pid = fork();
	if (pid == 0)
		_exit(overlay_identity(place.directory));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	remove_tree(place.directory);
	assert_true(WIFEXITED(status));
	require(WEXITSTATUS(status) != 77, "overlayfs");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static struct executables *known(const char *path, const struct executables *previous)
{
	struct executables *executables;

	assert_int_equal(executables_new(&path, 1, previous, &executables), 0);
	return executables;
}

static void replace(struct place *place, const char *name)
{
	copy("/bin/sleep", in(place, "new"));
	assert_int_equal(rename(in(place, "new"), in(place, name)), 0);
}

/* An upgrade adds an identity and keeps the one before; nothing changed, nothing said. */
static void test_replaced(void **state)
{
	_cleanup_(executables_freep) struct executables *executables = NULL;
	struct executable_change change;
	struct exe_key before, after;
	struct place place;

	(void)state;
	place_make(&place);
	copy("/bin/sleep", in(&place, "program"));
	executables = known(in(&place, "program"), NULL);
	before = executables->items[0].files[0].key;
	assert_int_equal(executables_refresh(executables, 0, &change), 0);
	assert_false(change.added || change.dropped);

	replace(&place, "program");
	assert_int_equal(executable_identity(in(&place, "program"), &after, NULL), 0);
	assert_true(before.inode != after.inode);
	assert_int_equal(executables_refresh(executables, 0, &change), 0);
	assert_true(change.added && !change.dropped);
	assert_same(&change.new, &after);
	assert_int_equal(executables->items[0].n_files, 2);
	assert_same(&executables->items[0].files[0].key, &after);
	assert_same(&executables->items[0].files[1].key, &before);

	/* Gone altogether: what is known stays known. */
	assert_int_equal(unlink(in(&place, "program")), 0);
	assert_int_equal(executables_refresh(executables, 0, &change), 0);
	assert_false(change.added || change.dropped);
	assert_int_equal(executables->items[0].error, -ENOENT);
	assert_int_equal(executables->items[0].n_files, 2);
	remove_tree(place.directory);
}

/* An upgrade that is taken back: the old file is not a new one. */
static void test_taken_back(void **state)
{
	_cleanup_(executables_freep) struct executables *executables = NULL;
	struct executable_change change;
	struct exe_key before;
	struct place place;

	(void)state;
	place_make(&place);
	copy("/bin/sleep", in(&place, "program"));
	assert_int_equal(link(in(&place, "program"), in(&place, "kept")), 0);
	executables = known(in(&place, "program"), NULL);
	before = executables->items[0].files[0].key;
	replace(&place, "program");
	assert_int_equal(executables_refresh(executables, 0, &change), 0);
	assert_true(change.added);
	assert_int_equal(rename(in(&place, "kept"), in(&place, "program")), 0);
	assert_int_equal(executables_refresh(executables, 0, &change), 0);
	assert_false(change.added || change.dropped);
	assert_int_equal(executables->items[0].n_files, 2);
	assert_same(&executables->items[0].files[0].key, &before);
	remove_tree(place.directory);
}

/* The ninth upgrade drops the oldest file; its number stays taken until the caller lets go. */
static void test_oldest_dropped(void **state)
{
	_cleanup_(executables_freep) struct executables *executables = NULL;
	struct executable_change change;
	struct exe_key first;
	struct place place;
	struct stat status;

	(void)state;
	place_make(&place);
	copy("/bin/sleep", in(&place, "program"));
	executables = known(in(&place, "program"), NULL);
	first = executables->items[0].files[0].key;
	for (unsigned i = 0; i < MAX_OLD_EXECUTABLES; i++) {
		replace(&place, "program");
		assert_int_equal(executables_refresh(executables, 0, &change), 0);
		assert_true(change.added && !change.dropped);
	}
	replace(&place, "program");
	assert_int_equal(executables_refresh(executables, 0, &change), 0);
	assert_true(change.added && change.dropped);
	assert_same(&change.old, &first);
	assert_int_equal(fstat(change.held, &status), 0);
	assert_int_equal(status.st_ino, first.inode);
	assert_int_equal(status.st_nlink, 0);
	close(change.held);
	assert_int_equal(executables->items[0].n_files, 1 + MAX_OLD_EXECUTABLES);
	remove_tree(place.directory);
}

/*
 * The attack that the descriptors are for: a removed executable's inode number is given to a new
 * file. First that it does happen here without us.
 */
static void test_inode_not_reused(void **state)
{
	_cleanup_(executables_freep) struct executables *executables = NULL;
	struct exe_key before, after;
	bool reused = false;
	struct place place;

	(void)state;
	place_make(&place);
	for (int held = 0; held < 2; held++) {
		copy("/bin/true", in(&place, "program"));
		if (held)
			executables = known(in(&place, "program"), NULL);
		assert_int_equal(executable_identity(in(&place, "program"), &before, NULL), 0);
		assert_int_equal(unlink(in(&place, "program")), 0);
		reused = false;
		for (int i = 0; i < 100 && !reused; i++) {
			copy("/bin/true", in(&place, "other"));
			assert_int_equal(executable_identity(in(&place, "other"), &after, NULL), 0);
			assert_int_equal(unlink(in(&place, "other")), 0);
			reused = after.inode == before.inode && after.device == before.device;
		}
		if (!held && !reused)
			break;
	}
	remove_tree(place.directory);
	require(executables != NULL, "a file system in /tmp that uses inode numbers again");
	assert_false(reused);
}

/* A new policy knows what the old one knew, of the paths it still names. */
static void test_inherited(void **state)
{
	struct executables *first, *second;
	const char *paths[2];
	struct executable_change change;
	struct exe_key before;
	struct place place;

	(void)state;
	place_make(&place);
	copy("/bin/sleep", in(&place, "program"));
	first = known(in(&place, "program"), NULL);
	before = first->items[0].files[0].key;
	replace(&place, "program");

	paths[0] = "/nonexistent/program";
	paths[1] = in(&place, "program");
	assert_int_equal(executables_new(paths, 2, first, &second), 0);
	executables_free(first);
	assert_int_equal(second->items[0].n_files, 0);
	assert_int_equal(second->items[0].error, -ENOENT);
	assert_int_equal(second->items[1].n_files, 2);
	assert_same(&second->items[1].files[1].key, &before);
	assert_int_equal(second->items[1].files[0].key.exe, 1); /* its index in this policy */
	assert_int_equal(second->items[1].files[1].key.exe, 1);
	assert_int_equal(executables_refresh(second, 1, &change), 0);
	assert_false(change.added);
	executables_free(second);
	remove_tree(place.directory);
}

static void test_too_many(void **state)
{
	static const char *paths[MAX_EXECUTABLES + 1];
	struct executables *executables;

	(void)state;
	for (size_t i = 0; i < ELEMENTS(paths); i++)
		paths[i] = "/nonexistent/program";
	assert_int_equal(executables_new(paths, ELEMENTS(paths), NULL, &executables), -E2BIG);
}

/* Whether the one watched path is said to have changed. */
static bool said(struct watch *watch)
{
	struct pollfd ready = { .fd = watch_fd(watch), .events = POLLIN };
	bool changed = false;
	int n;

	if (poll(&ready, 1, 0) != 1) /* inotify's events are there when the call returns */
		return false;
	n = watch_read(watch, &changed);
	assert_int_equal(n, changed);
	assert_int_equal(watch_incomplete(watch), 0);
	return changed;
}

static struct watch *watch_one(const char *path)
{
	struct watch *watch;

	assert_int_equal(watch_new(&path, 1, 0, &watch), 0);
	assert_int_equal(watch_incomplete(watch), 0);
	return watch;
}

/* All ways by which another file can come to stand at DIRECTORY/a/b/program. */
static void test_watch(void **state)
{
	_cleanup_(watch_freep) struct watch *watch = NULL;
	struct place place;

	(void)state;
	place_make(&place);
	assert_int_equal(mkdir(in(&place, "a"), 0755), 0);
	assert_int_equal(mkdir(in(&place, "a/b"), 0755), 0);
	copy("/bin/true", in(&place, "a/b/program"));
	watch = watch_one(in(&place, "a/b/program"));
	assert_false(said(watch));

	copy("/bin/true", in(&place, "a/b/new")); /* beside it: nothing */
	assert_false(said(watch));
	assert_int_equal(rename(in(&place, "a/b/new"), in(&place, "a/b/program")), 0);
	assert_true(said(watch));
	assert_int_equal(unlink(in(&place, "a/b/program")), 0);
	assert_true(said(watch));
	copy("/bin/true", in(&place, "a/b/program"));
	assert_true(said(watch));

	/* A directory above goes, and another comes. */
	assert_int_equal(rename(in(&place, "a"), in(&place, "old")), 0);
	assert_true(said(watch));
	assert_int_equal(mkdir(in(&place, "a"), 0755), 0);
	assert_true(said(watch));
	assert_int_equal(mkdir(in(&place, "a/b"), 0755), 0);
	assert_true(said(watch));
	copy("/bin/true", in(&place, "a/b/program"));
	assert_true(said(watch));
	assert_int_equal(unlink(in(&place, "old/b/program")),
			 0); /* it is not on the way any more */
	assert_false(said(watch));
	remove_tree(place.directory);
}

/* program -> way/program, way -> one: both links, and what is behind them. */
static void test_watch_links(void **state)
{
	_cleanup_(watch_freep) struct watch *watch = NULL;
	struct place place;

	(void)state;
	place_make(&place);
	assert_int_equal(mkdir(in(&place, "one"), 0755), 0);
	assert_int_equal(mkdir(in(&place, "two"), 0755), 0);
	copy("/bin/true", in(&place, "one/program"));
	copy("/bin/true", in(&place, "two/program"));
	assert_int_equal(symlink("one", in(&place, "way")), 0);
	assert_int_equal(symlink(in(&place, "./way/../way/program"), in(&place, "program")), 0);
	watch = watch_one(in(&place, "program"));

	assert_int_equal(rename(in(&place, "one/program"), in(&place, "one/gone")), 0);
	assert_true(said(watch));
	assert_int_equal(symlink("two", in(&place, "new")), 0);
	assert_int_equal(rename(in(&place, "new"), in(&place, "way")), 0);
	assert_true(said(watch));
	assert_int_equal(rename(in(&place, "one/gone"), in(&place, "one/program")), 0);
	assert_false(said(watch)); /* the way leads through two now */
	copy("/bin/true", in(&place, "new"));
	assert_int_equal(rename(in(&place, "new"), in(&place, "two/program")), 0);
	assert_true(said(watch));
	assert_int_equal(unlink(in(&place, "program")), 0);
	assert_true(said(watch));

	/* A link to itself ends the way, not the program. */
	assert_int_equal(symlink("program", in(&place, "program")), 0);
	assert_true(said(watch));
	remove_tree(place.directory);
}

/* Only the path concerned is named; contents only where they were asked for. */
static void test_watch_several(void **state)
{
	_cleanup_(watch_freep) struct watch *plain = NULL;
	_cleanup_(watch_freep) struct watch *content = NULL;
	bool changed[2] = { false, false };
	const char *paths[2];
	struct place place;

	(void)state;
	place_make(&place);
	copy("/bin/true", in(&place, "one"));
	copy("/bin/true", in(&place, "two"));
	paths[0] = in(&place, "one");
	paths[1] = in(&place, "two");
	assert_int_equal(watch_new(paths, 2, 0, &plain), 0);
	assert_int_equal(watch_new(paths, 2, WATCH_CONTENT, &content), 0);
	copy("/bin/false", in(&place, "two")); /* in place */
	assert_int_equal(watch_read(plain, changed), 0);
	assert_int_equal(watch_read(content, changed), 1);
	assert_true(!changed[0] && changed[1]);

	assert_int_equal(unlink(in(&place, "one")), 0);
	changed[1] = false;
	assert_int_equal(watch_read(plain, changed), 1);
	assert_true(changed[0] && !changed[1]);
	assert_int_equal(watch_read(plain, changed), 0);
	remove_tree(place.directory);
}

/* More events than inotify keeps: then everything may have changed. */
static void test_watch_overflow(void **state)
{
	_cleanup_(watch_freep) struct watch *watch = NULL;
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	struct place place;
	unsigned limit;

	(void)state;
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%u", &limit), 1);
	require(limit <= 100000, "an inotify queue that can be filled");
	place_make(&place);
	watch = watch_one(in(&place, "program"));
	for (unsigned i = 0; i <= limit / 2; i++) {
		assert_int_equal(close(open(in(&place, "a"), O_CREAT | O_CLOEXEC, 0600)), 0);
		assert_int_equal(unlink(in(&place, "a")), 0);
	}
	assert_true(said(watch));
	remove_tree(place.directory);
}

static void test_watch_refused(void **state)
{
	const char *relative = "program";
	struct watch *watch;

	(void)state;
	assert_int_equal(watch_new(&relative, 1, 0, &watch), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),       cmocka_unit_test(test_overlay),
		cmocka_unit_test(test_replaced),       cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_oldest_dropped), cmocka_unit_test(test_inode_not_reused),
		cmocka_unit_test(test_inherited),      cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_watch),          cmocka_unit_test(test_watch_links),
		cmocka_unit_test(test_watch_several),  cmocka_unit_test(test_watch_overflow),
		cmocka_unit_test(test_watch_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
