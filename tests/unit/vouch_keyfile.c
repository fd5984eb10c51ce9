/* SPDX-License-Identifier: MIT */
/*
 * vouch_keyfile.c - key files on a real file system: who may have them, and that they stay whole
 *
 * In a directory below one that only root, or the user, can change: /run, else XDG_RUNTIME_DIR or HOME.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "vouch/keyfile.h"

/* struct world - a directory, and the paths in it */
struct world {
	char directory[PATH_MAX / 2];
	char file[PATH_MAX];
	char public[PATH_MAX];
	char next[PATH_MAX];
	char public_next[PATH_MAX];
	struct own_keys keys; /* what create() put there */
};

static const char *safe_place(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		return "/run";
	return runtime && *runtime ? runtime : getenv("HOME");
}

static int begin(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *place = safe_place();

	assert_non_null(world);
	*state = world;
	if (!place)
		return -1;
	snprintf(world->directory, sizeof(world->directory), "%s/portcred-test-XXXXXX", place);
	assert_non_null(mkdtemp(world->directory));
	snprintf(world->file, sizeof(world->file), "%s/host.key", world->directory);
	snprintf(world->public, sizeof(world->public), "%s/host.key.pub", world->directory);
	snprintf(world->next, sizeof(world->next), "%s/.host.key.new", world->directory);
	snprintf(world->public_next, sizeof(world->public_next), "%s/.host.key.pub.new",
		 world->directory);
	return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

static int end(void **state)
{
	struct world *world = *state;

	nftw(world->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(world);
	return 0;
}

/* assert_culprit() - and forget it */
static void assert_culprit(char **culprit, const char *expected)
{
	assert_non_null(*culprit);
	assert_string_equal(*culprit, expected);
	free(*culprit);
	*culprit = NULL;
}

static void create(struct world *world)
{
	char *culprit = NULL;

	world->keys.n = 1;
	assert_int_equal(key_generate(&world->keys.items[0]), 0);
	assert_int_equal(keyfile_create(world->file, &world->keys, &culprit), 0);
	assert_null(culprit);
}

static void assert_reads(const struct world *world)
{
	struct public_keys public = { 0 };
	struct own_keys keys = { 0 };
	char *culprit = NULL;

	assert_int_equal(keyfile_read(world->file, &keys, &culprit), 0);
	assert_int_equal(keys.n, world->keys.n);
	assert_int_equal(keys.switched, world->keys.switched);
	assert_int_equal(keyfile_read_public(world->file, &public, &culprit), 0);
	assert_int_equal(public.n, world->keys.n);
	assert_int_equal(public.switched, world->keys.switched);
	for (size_t i = 0; i < keys.n; i++) {
		assert_memory_equal(&keys.items[i], &world->keys.items[i], sizeof(keys.items[i]));
		assert_memory_equal(public.items[i], world->keys.items[i].public_key, KEY_BYTES);
	}
	assert_null(culprit);
}

static void assert_refused(const char *path, int error, const char *expected)
{
	struct own_keys keys = { 0 };
	char *culprit = NULL;

	assert_int_equal(keyfile_read(path, &keys, &culprit), -error);
	assert_int_equal(keys.n, 0);
	assert_culprit(&culprit, expected);
}

static void assert_public_refused(const struct world *world, int error, const char *expected)
{
	struct public_keys keys = { 0 };
	char *culprit = NULL;

	assert_int_equal(keyfile_read_public(world->file, &keys, &culprit), -error);
	assert_int_equal(keys.n, 0);
	assert_culprit(&culprit, expected);
}

static void assert_mode(const char *path, mode_t mode)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | mode);
	assert_int_equal(status.st_uid, geteuid());
}

static void assert_entries(const struct world *world, size_t expected)
{
	DIR *directory = opendir(world->directory);
	size_t n = 0;

	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(directory);
	assert_int_equal(n, expected);
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* Would catch: secrets that a permissive umask gives away, public keys that a strict one hides. */
static void created(void **state)
{
	static const mode_t masks[] = { 0, 022, 0777 };
	struct world *world = *state;

	for (size_t i = 0; i < ELEMENTS(masks); i++) {
		mode_t before = umask(masks[i]);

		create(world);
		umask(before);
		assert_mode(world->file, 0600);
		assert_mode(world->public, 0644);
		assert_entries(world, 2);
		assert_reads(world);
		assert_int_equal(unlink(world->file), 0);
	}
}

static void not_overwritten(void **state)
{
	struct world *world = *state;
	struct own_keys others = { .n = 1 };
	char *culprit = NULL;

	create(world);
	assert_int_equal(key_generate(&others.items[0]), 0);
	assert_int_equal(keyfile_create(world->file, &others, &culprit), -EEXIST);
	assert_culprit(&culprit, world->file);
	assert_reads(world);
	assert_entries(world, 2);
	/* Nor is a link that leads nowhere. */
	assert_int_equal(unlink(world->file), 0);
	assert_int_equal(symlink("nowhere", world->file), 0);
	assert_int_equal(keyfile_create(world->file, &others, &culprit), -EEXIST);
	assert_culprit(&culprit, world->file);
}

static void missing(void **state)
{
	struct world *world = *state;
	char parent[PATH_MAX], path[PATH_MAX + 16];

	assert_refused(world->file, ENOENT, world->file);
	assert_public_refused(world, ENOENT, world->public);
	snprintf(parent, sizeof(parent), "%s/none", world->directory);
	snprintf(path, sizeof(path), "%s/host.key", parent);
	assert_refused(path, ENOENT, parent);
	snprintf(path, sizeof(path), "%s/", world->directory);
	assert_refused(path, EISDIR, path);
	snprintf(path, sizeof(path), "%s/..", world->directory);
	assert_refused(path, EISDIR, path);
	assert_refused("", EISDIR, "");
}

/* Would catch: a secret that others know, or have chosen, used as if nothing were. */
static void modes(void **state)
{
	static const mode_t bad[] = { 0640, 0620, 0604, 0602, 0601, 0610, 0644, 0666 };
	struct world *world = *state;

	create(world);
	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		assert_int_equal(chmod(world->file, bad[i]), 0);
		assert_refused(world->file, EPERM, world->file);
	}
	assert_int_equal(chmod(world->file, 0400), 0);
	assert_reads(world);
	assert_int_equal(chmod(world->public, 0664), 0);
	assert_public_refused(world, EPERM, world->public);
	assert_int_equal(chmod(world->public, 0646), 0);
	assert_public_refused(world, EPERM, world->public);
}

static void other_owner(void **state)
{
	struct world *world = *state;

	if (geteuid() != 0)
		skip();
	create(world);
	assert_int_equal(chown(world->file, 65534, 0), 0);
	assert_refused(world->file, EPERM, world->file);
	assert_int_equal(chown(world->file, 0, 65534), 0);
	assert_reads(world);
	assert_int_equal(chown(world->public, 65534, 0), 0);
	assert_public_refused(world, EPERM, world->public);
	assert_int_equal(chown(world->directory, 65534, 0), 0);
	assert_refused(world->file, EPERM, world->directory);
}

/* Would catch: a directory above in which somebody else can put another file in its place. */
static void parents(void **state)
{
	static const mode_t bad[] = { 0777, 0720, 0702, 01777 };
	struct world *world = *state;
	struct own_keys keys = { .n = 1 };
	char *culprit = NULL;

	create(world);
	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		assert_int_equal(chmod(world->directory, bad[i]), 0);
		assert_refused(world->file, EPERM, world->directory);
		assert_public_refused(world, EPERM, world->directory);
		assert_int_equal(keyfile_create(world->file, &keys, &culprit), -EPERM);
		assert_culprit(&culprit, world->directory);
	}
	assert_int_equal(chmod(world->directory, 0755), 0);
	assert_reads(world);
	assert_refused("/tmp/host.key", EPERM, "/tmp");
}

/* What is read must be what stands in the safe directory itself; a link to the directory is fine. */
static void links(void **state)
{
	struct world *world = *state;
	char elsewhere[PATH_MAX + 16], through[PATH_MAX + 64];
	struct own_keys keys = { 0 };
	char *culprit = NULL;

	create(world);
	snprintf(elsewhere, sizeof(elsewhere), "%s.real", world->file);
	assert_int_equal(rename(world->file, elsewhere), 0);
	assert_int_equal(symlink("host.key.real", world->file), 0);
	assert_refused(world->file, ELOOP, world->file);
	assert_int_equal(unlink(world->public), 0);
	assert_int_equal(symlink("host.key.real", world->public), 0);
	assert_public_refused(world, ELOOP, world->public);
	assert_int_equal(unlink(world->file), 0);
	assert_int_equal(rename(elsewhere, world->file), 0);

	snprintf(elsewhere, sizeof(elsewhere), "%s/link", world->directory);
	assert_int_equal(symlink(".", elsewhere), 0);
	snprintf(through, sizeof(through), "%s/host.key", elsewhere);
	assert_int_equal(keyfile_read(through, &keys, &culprit), 0);
	assert_memory_equal(&keys.items[0], &world->keys.items[0], sizeof(keys.items[0]));
}

/* Would catch: a reader that waits for somebody to write into a FIFO. */
static void other_kinds(void **state)
{
	struct world *world = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct own_keys keys = { .n = 1 };
	char *culprit = NULL;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(mkfifo(world->file, 0600), 0);
	assert_refused(world->file, EINVAL, world->file);
	assert_int_equal(unlink(world->file), 0);
	assert_int_equal(mkdir(world->file, 0700), 0);
	assert_refused(world->file, EISDIR, world->file);
	assert_int_equal(rmdir(world->file), 0);
	assert_true(snprintf(address.sun_path, sizeof(address.sun_path), "%s", world->file) <
		    (int)sizeof(address.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_refused(world->file, ENXIO, world->file);
	assert_int_equal(unlink(world->file), 0);
	/* A lock that is none of ours is not written to. */
	assert_int_equal(symlink("host.key", world->next), 0);
	assert_int_equal(keyfile_create(world->file, &keys, &culprit), -ELOOP);
	assert_culprit(&culprit, world->file);
}

static void damaged(void **state)
{
	struct world *world = *state;
	char bytes[2 * OWN_KEYS_BYTES] = { 0 }, large[16384] = { 0 };
	size_t size;

	create(world);
	size = own_keys_print(&world->keys, bytes);
	write_bytes(world->file, "", 0);
	assert_refused(world->file, EBADMSG, world->file);
	write_bytes(world->file, bytes, size - 1);
	assert_refused(world->file, EBADMSG, world->file);
	write_bytes(world->file, bytes, size + 1);
	assert_refused(world->file, EBADMSG, world->file);
	write_bytes(world->file, bytes, sizeof(bytes));
	assert_refused(world->file, EBADMSG, world->file);
	write_bytes(world->file, bytes, OWN_KEYS_BYTES);
	assert_refused(world->file, EBADMSG, world->file);
	memcpy(large, bytes, size);
	write_bytes(world->file, large, sizeof(large));
	assert_refused(world->file, EBADMSG, world->file);
	/* What is for everyone is no secret key, and the other way round. */
	write_bytes(world->public, bytes, size);
	assert_public_refused(world, EBADMSG, world->public);
	write_bytes(world->file, bytes, size);
	assert_int_equal(keyfile_read(world->file, &world->keys, &(char *){ NULL }), 0);
}

static int rotate(struct own_keys *keys, void *data)
{
	int r = own_keys_rotate(keys);

	*(struct own_keys *)data = *keys;
	return r;
}

static int refuse(struct own_keys *keys, void *data)
{
	keys->n = 2;
	return -ECANCELED;
}

/* Would catch: a change that readers see in part, a mode that is lost on the way. */
static void changed(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int before = -EBADF;
	char *culprit = NULL;
	char bytes[OWN_KEYS_BYTES + 1];

	create(world);
	before = open(world->file, O_RDONLY | O_CLOEXEC);
	assert_true(before >= 0);
	assert_int_equal(keyfile_change(world->file, rotate, &world->keys, &culprit), 0);
	assert_int_equal(world->keys.n, 2);
	assert_reads(world);
	assert_mode(world->file, 0600);
	assert_mode(world->public, 0644);
	assert_entries(world, 2);
	/* Who had opened the file has the old one, whole. */
	assert_int_equal(read(before, bytes, sizeof(bytes)), 65);

	assert_int_equal(keyfile_change(world->file, refuse, NULL, &culprit), -ECANCELED);
	assert_culprit(&culprit, world->file);
	assert_reads(world);
	assert_entries(world, 2);
}

static void change_of_nothing(void **state)
{
	struct world *world = *state;
	struct own_keys keys;
	char *culprit = NULL;

	assert_int_equal(keyfile_change(world->file, rotate, &keys, &culprit), -ENOENT);
	assert_culprit(&culprit, world->file);
	assert_entries(world, 0);
	write_bytes(world->file, "rubbish", 7);
	assert_int_equal(keyfile_change(world->file, rotate, &keys, &culprit), -EBADMSG);
	assert_culprit(&culprit, world->file);
	assert_entries(world, 1);
}

/* Would catch: two that write at once, of which one's key is lost after it was given to others. */
static void one_writer(void **state)
{
	struct world *world = *state;
	struct own_keys keys;
	char *culprit = NULL;
	int fd;

	create(world);
	fd = open(world->next, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(keyfile_change(world->file, rotate, &keys, &culprit), -EBUSY);
	assert_culprit(&culprit, world->file);
	assert_reads(world);
	close(fd);
	assert_int_equal(keyfile_change(world->file, rotate, &world->keys, &culprit), 0);
	assert_reads(world);
}

/* Would catch: a crash at the wrong moment after which no key can be made, or one with a tail. */
static void leavings(void **state)
{
	struct world *world = *state;
	char rubbish[4 * OWN_KEYS_BYTES];

	memset(rubbish, 'x', sizeof(rubbish));
	write_bytes(world->next, rubbish, sizeof(rubbish));
	write_bytes(world->public_next, rubbish, sizeof(rubbish));
	create(world);
	assert_reads(world);
	assert_entries(world, 2);
}

/* Would catch: a full disk that costs the old key. */
static void no_room(void **state)
{
	struct world *world = *state;
	struct rlimit before, little = { 0 };
	struct own_keys keys;
	char *culprit = NULL;
	int r;

	create(world);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	little = (struct rlimit){ .rlim_cur = 10, .rlim_max = before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	r = keyfile_change(world->file, rotate, &keys, &culprit);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(r, -EFBIG);
	assert_culprit(&culprit, world->file);
	assert_reads(world);
	assert_entries(world, 2);
}

/* A relative path begins in the working directory, which is walked to like the rest. */
static void relative(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct own_keys keys = { 0 };
	char *culprit = NULL;

	create(world);
	assert_int_equal(chdir(world->directory), 0);
	assert_int_equal(keyfile_read("host.key", &keys, &culprit), 0);
	assert_int_equal(chmod(world->directory, 0777), 0);
	assert_int_equal(keyfile_read("host.key", &keys, &culprit), -EPERM);
	assert_int_equal(fchdir(here), 0);
	assert_culprit(&culprit, world->directory);
}

static void long_names(void **state)
{
	struct world *world = *state;
	char path[PATH_MAX + NAME_MAX], name[NAME_MAX + 1] = { 0 };
	struct own_keys keys = { 0 };
	char *culprit = NULL;

	/* Room for ".NAME.pub.new" is what it takes. */
	memset(name, 'k', NAME_MAX - 9);
	snprintf(path, sizeof(path), "%s/%s", world->directory, name);
	keys.n = 1;
	assert_int_equal(key_generate(&keys.items[0]), 0);
	assert_int_equal(keyfile_create(path, &keys, &culprit), 0);
	strcat(path, "k");
	assert_int_equal(keyfile_create(path, &keys, &culprit), -ENAMETOOLONG);
	assert_culprit(&culprit, path);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(created),  TEST(not_overwritten), TEST(missing),    TEST(modes),
		TEST(parents),  TEST(other_owner),     TEST(links),      TEST(other_kinds),
		TEST(damaged),  TEST(changed),         TEST(one_writer), TEST(change_of_nothing),
		TEST(leavings), TEST(no_room),         TEST(relative),   TEST(long_names),
	};

	return cmocka_run_group_tests_name("vouch_keyfile", tests, NULL, NULL);
}
