/* SPDX-License-Identifier: MIT */
/*
 * trust.c - who can change what stands at a path
 *
 * In a directory of the test's own that plays the root directory, its owner playing root:
 *
 *	/bin/server           a program
 *	/bin/current -> server, /bin/absolute -> /bin/server, /bin/chain -> ../lib/link
 *	/lib/link -> /bin/server
 *	/open/ (0777)         anyone may put a file there
 *	/open/file, /bin/out -> /open/file
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/trust.h"

/* struct world - the test's root directory */
struct world {
	char path[64];
	int root;
};

static void make_file(const struct world *world, const char *name, mode_t mode)
{
	int fd = openat(world->root, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void make_directory(const struct world *world, const char *name, mode_t mode)
{
	assert_int_equal(mkdirat(world->root, name, 0700), 0);
	assert_int_equal(fchmodat(world->root, name, mode, 0), 0);
}

static void make_link(const struct world *world, const char *target, const char *name)
{
	assert_int_equal(symlinkat(target, world->root, name), 0);
}

static int begin(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	strcpy(world->path, "/tmp/portcred-test-XXXXXX");
	assert_non_null(mkdtemp(world->path));
	assert_int_equal(chmod(world->path, 0755), 0);
	world->root = open(world->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(world->root >= 0);
	make_directory(world, "bin", 0755);
	make_directory(world, "lib", 0755);
	make_directory(world, "open", 0777);
	make_file(world, "bin/server", 0755);
	make_file(world, "open/file", 0755);
	make_link(world, "server", "bin/current");
	make_link(world, "/bin/server", "bin/absolute");
	make_link(world, "../lib/link", "bin/chain");
	make_link(world, "/bin/server", "lib/link");
	make_link(world, "/open/file", "bin/out");
	*state = world;
	return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

static int end(void **state)
{
	struct world *world = *state;

	close(world->root);
	nftw(world->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(world);
	return 0;
}

/* assert_trusted() - and that it is @expected that was found */
static void assert_trusted(const struct world *world, const char *path, const char *expected)
{
	_cleanup_free_ char *culprit = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct stat found, wanted;

	assert_int_equal(trust_open_in(world->root, geteuid(), path, &fd, &culprit), 0);
	assert_null(culprit);
	assert_int_equal(fstat(fd, &found), 0);
	assert_int_equal(fstatat(world->root, expected, &wanted, 0), 0);
	assert_int_equal(found.st_ino, wanted.st_ino);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void assert_refused(const struct world *world, const char *path, int error,
			   const char *expected)
{
	_cleanup_free_ char *culprit = NULL;
	int fd = -EBADF;

	assert_int_equal(trust_open_in(world->root, geteuid(), path, &fd, &culprit), -error);
	assert_string_equal(culprit, expected);
	assert_int_equal(fd, -EBADF);
}

static void plain_paths(void **state)
{
	const struct world *world = *state;

	assert_trusted(world, "/bin/server", "bin/server");
	assert_trusted(world, "/", ".");
	assert_trusted(world, "/bin", "bin");
	assert_trusted(world, "/bin/", "bin");
	assert_trusted(world, "//bin///server", "bin/server");
	assert_trusted(world, "/./bin/./server", "bin/server");
	assert_trusted(world, "/lib/../bin/server", "bin/server");
	/* Above the root directory is the root directory: not the real one. */
	assert_trusted(world, "/../../bin/server", "bin/server");
}

static void links(void **state)
{
	const struct world *world = *state;

	assert_trusted(world, "/bin/current", "bin/server");
	assert_trusted(world, "/bin/absolute", "bin/server");
	assert_trusted(world, "/bin/chain", "bin/server");
	make_link(world, "bin", "sbin");
	assert_trusted(world, "/sbin/chain", "bin/server");
	make_link(world, "/", "top");
	assert_trusted(world, "/top/top/sbin/../lib/link", "bin/server");
	make_link(world, "bin/", "slashed");
	assert_trusted(world, "/slashed", "bin");
}

static void missing(void **state)
{
	const struct world *world = *state;

	assert_refused(world, "/bin/none", ENOENT, "/bin/none");
	assert_refused(world, "/none/server", ENOENT, "/none");
	make_link(world, "/lib/none", "bin/dangling");
	assert_refused(world, "/bin/dangling", ENOENT, "/lib/none");
	assert_refused(world, "/bin/server/x", ENOTDIR, "/bin/server");
	assert_refused(world, "/bin/server/", ENOTDIR, "/bin/server");
	assert_refused(world, "/bin/server/..", ENOTDIR, "/bin/server");
	assert_refused(world, "/bin/current/", ENOTDIR, "/bin/server");
}

static void loops(void **state)
{
	const struct world *world = *state;
	char name[32], target[32];

	make_link(world, "loop", "loop");
	assert_refused(world, "/loop", ELOOP, "/loop");
	make_link(world, "/b", "a");
	make_link(world, "/a", "b");
	assert_refused(world, "/a", ELOOP, "/a");
	/* As many links as path_resolution(7) follows are followed, and one more is not. */
	make_link(world, "bin/server", "l0");
	for (unsigned i = 1; i <= TRUST_MAX_LINKS; i++) {
		snprintf(name, sizeof(name), "l%u", i);
		snprintf(target, sizeof(target), "l%u", i - 1);
		make_link(world, target, name);
	}
	assert_trusted(world, "/l39", "bin/server");
	assert_refused(world, "/l40", ELOOP, "/l0");
}

/* The path, or a link in it, passes where anyone may write. */
static void open_directories(void **state)
{
	const struct world *world = *state;

	assert_refused(world, "/open/file", EPERM, "/open");
	assert_refused(world, "/bin/out", EPERM, "/open");
	assert_refused(world, "/open/../bin/server", EPERM, "/open");
	/* A sticky bit does not help: whoever puts the file there first owns it. */
	assert_int_equal(fchmodat(world->root, "open", 01777, 0), 0);
	assert_refused(world, "/open/file", EPERM, "/open");
	assert_int_equal(fchmodat(world->root, "open", 0755, 0), 0);
	assert_trusted(world, "/bin/out", "open/file");
}

/* assert_mode() - whether the program is trusted when @name has this mode */
static void assert_mode(const struct world *world, const char *name, mode_t mode, bool trusted,
			const char *culprit)
{
	struct stat before;

	assert_int_equal(fstatat(world->root, name, &before, 0), 0);
	assert_int_equal(fchmodat(world->root, name, mode, 0), 0);
	if (trusted)
		assert_trusted(world, "/bin/server", "bin/server");
	else
		assert_refused(world, "/bin/server", EPERM, culprit);
	assert_int_equal(fchmodat(world->root, name, before.st_mode & 07777, 0), 0);
}

static void modes(void **state)
{
	const struct world *world = *state;

	assert_mode(world, "bin/server", 0775, false, "/bin/server");
	assert_mode(world, "bin/server", 0757, false, "/bin/server");
	assert_mode(world, "bin/server", 04755, true, NULL);
	assert_mode(world, "bin/server", 0500, true, NULL);
	assert_mode(world, "bin", 0775, false, "/bin");
	assert_mode(world, "bin", 0757, false, "/bin");
	assert_mode(world, ".", 0775, false, "/");
	assert_mode(world, "lib", 0777, true, NULL);
}

/* Everything belongs to somebody who is not the owner that is asked for. */
static void other_owner(void **state)
{
	const struct world *world = *state;
	_cleanup_free_ char *culprit = NULL;
	int fd = -EBADF;

	assert_int_equal(trust_open_in(world->root, geteuid() + 1, "/bin/server", &fd, &culprit),
			 -EPERM);
	assert_string_equal(culprit, "/");
	if (geteuid() != 0)
		return;
	assert_int_equal(fchownat(world->root, "bin/server", 65534, 0, 0), 0);
	assert_refused(world, "/bin/server", EPERM, "/bin/server");
	assert_int_equal(fchownat(world->root, "bin/server", 0, 65534, 0), 0);
	assert_trusted(world, "/bin/server", "bin/server");
	assert_int_equal(fchownat(world->root, "bin", 65534, 0, 0), 0);
	assert_refused(world, "/bin/server", EPERM, "/bin");
	assert_int_equal(fchownat(world->root, "bin", 0, 0, 0), 0);
	assert_int_equal(fchownat(world->root, "bin/current", 65534, 0, AT_SYMLINK_NOFOLLOW), 0);
	assert_refused(world, "/bin/current", EPERM, "/bin/current");
}

/*
 * An access control list that lets user 65534 write, as setfacl(1) stores it: version 2, then tag,
 * permissions and id of user::rwx, user:65534:rwx, group::r-x, mask::rwx, other::r-x. The mask shows
 * in the mode's group bits, which is why the mode alone is looked at.
 */
static void access_control_list(void **state)
{
	static const unsigned char list[] = {
		2,    0, 0, 0,                         /* version */
		0x01, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* ACL_USER_OBJ */
		0x02, 0, 7, 0, 0xfe, 0xff, 0,    0,    /* ACL_USER */
		0x04, 0, 5, 0, 0xff, 0xff, 0xff, 0xff, /* ACL_GROUP_OBJ */
		0x10, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* ACL_MASK */
		0x20, 0, 5, 0, 0xff, 0xff, 0xff, 0xff, /* ACL_OTHER */
	};
	const struct world *world = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/bin/server", world->path);
	assert_trusted(world, "/bin/server", "bin/server");
	if (setxattr(path, "system.posix_acl_access", list, sizeof(list), 0) < 0)
		skip(); /* the file system has none */
	assert_refused(world, "/bin/server", EPERM, "/bin/server");
}

static void names_too_long(void **state)
{
	const struct world *world = *state;
	_cleanup_free_ char *culprit = NULL;
	char path[2 * PATH_MAX] = "/bin/../";
	int fd = -EBADF;

	memset(path + strlen(path), 'x', NAME_MAX + 1);
	assert_refused(world, path, ENAMETOOLONG, "/");
	path[0] = '\0';
	while (strlen(path) < PATH_MAX)
		strcat(path, "/bin/..");
	/* What has been walked stays short. */
	strcat(path, "/bin/server");
	assert_trusted(world, path, "bin/server");
	assert_int_equal(trust_open_in(world->root, geteuid(), "bin", &fd, &culprit), -EINVAL);
}

/* A relative path begins in the working directory, and that is walked like the rest. */
static void relative_path(void **state)
{
	const struct world *world = *state;
	_cleanup_close_ int here = open(".", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *culprit = NULL;

	assert_int_equal(fchdir(world->root), 0);
	assert_int_equal(trust_path("bin/server", &culprit), -EPERM);
	assert_int_equal(fchdir(here), 0);
	assert_string_equal(culprit, "/tmp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_paths, begin, end),
		cmocka_unit_test_setup_teardown(links, begin, end),
		cmocka_unit_test_setup_teardown(missing, begin, end),
		cmocka_unit_test_setup_teardown(loops, begin, end),
		cmocka_unit_test_setup_teardown(open_directories, begin, end),
		cmocka_unit_test_setup_teardown(modes, begin, end),
		cmocka_unit_test_setup_teardown(other_owner, begin, end),
		cmocka_unit_test_setup_teardown(access_control_list, begin, end),
		cmocka_unit_test_setup_teardown(names_too_long, begin, end),
		cmocka_unit_test_setup_teardown(relative_path, begin, end),
	};

	return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
