/* SPDX-License-Identifier: MIT */
#include "vouch/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/trust.h"

#define PUBLIC ".pub"

/* Permissions that nobody else may have. */
#define SECRET_REFUSED ((mode_t)(S_IRWXG | S_IRWXO))
#define PUBLIC_REFUSED ((mode_t)(S_IWGRP | S_IWOTH))

/* So many writers in a row may finish between our open() and our flock(). */
#define MAX_LOCK_TRIES 16U

/* struct text - of a file; one byte more than it may have, to notice what is too long */
struct text {
	char bytes[OWN_KEYS_BYTES + 1];
	size_t size;
};

static void text_clear(struct text *text)
{
	sodium_memzero(text, sizeof(*text));
}

/* struct place - a directory that was walked to, and the names that are used there */
struct place {
	const char *path;        /* of the key file; borrowed */
	const char *name;        /* its last component */
	int directory;           /* O_PATH */
	char next[NAME_MAX + 1]; /* what becomes the key file: the lock of who writes it, too */
	char public[NAME_MAX + 1];
	char public_next[NAME_MAX + 1];
};

static void place_clear(struct place *place)
{
	cleanup_close(&place->directory);
}

/* blame() - hand the error on, and the path that it is about */
static int blame(const char *path, const char *suffix, int error, char **ret_culprit)
{
	if (asprintf(ret_culprit, "%s%s", path, suffix) < 0)
		*ret_culprit = NULL;
	return error;
}

static int place_open(const char *path, struct place *place, char **ret_culprit)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	_cleanup_free_ char *directory = NULL;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return blame(path, "", -EISDIR, ret_culprit);
	if (strlen(name) + strlen("." PUBLIC ".new") > NAME_MAX)
		return blame(path, "", -ENAMETOOLONG, ret_culprit);
	place->path = path;
	place->name = name;
	snprintf(place->next, sizeof(place->next), ".%s.new", name);
	snprintf(place->public, sizeof(place->public), "%s" PUBLIC, name);
	snprintf(place->public_next, sizeof(place->public_next), ".%s" PUBLIC ".new", name);
	directory = slash ? strndup(path, (size_t)(name - path)) : strdup(".");
	return directory ? trust_open_own(directory, &place->directory, ret_culprit) : -ENOMEM;
}

/* check_file() - whether it is regular and ours, and others have no right of @refused */
static int check_file(int fd, mode_t refused)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return -EPERM;
	/* The group's bits are the mask of an access control list, if there is one: acl(5). */
	return status.st_mode & refused ? -EPERM : 0;
}

static int read_text(int directory, const char *name, mode_t refused, struct text *text)
{
	/* A FIFO must not make us wait. */
	_cleanup_close_ int fd =
		openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	r = check_file(fd, refused);
	if (r < 0)
		return r;
	do {
		n = read(fd, text->bytes + text->size, sizeof(text->bytes) - text->size);
		if (n < 0 && errno != EINTR)
			return -errno;
		text->size += n > 0 ? (size_t)n : 0;
	} while (n != 0 && text->size < sizeof(text->bytes));
	return text->size > OWN_KEYS_BYTES ? -EBADMSG : 0;
}

static int read_own(const struct place *place, struct own_keys *ret_keys, char **ret_culprit)
{
	_cleanup_(text_clear) struct text text = { 0 };
	int r = read_text(place->directory, place->name, SECRET_REFUSED, &text);

	if (r == 0)
		r = own_keys_parse(text.bytes, text.size, ret_keys);
	return r < 0 ? blame(place->path, "", r, ret_culprit) : 0;
}

int keyfile_read(const char *path, struct own_keys *ret_keys, char **ret_culprit)
{
	_cleanup_(place_clear) struct place place = { .directory = -EBADF };
	int r = place_open(path, &place, ret_culprit);

	return r < 0 ? r : read_own(&place, ret_keys, ret_culprit);
}

int keyfile_read_public(const char *path, struct public_keys *ret_keys, char **ret_culprit)
{
	_cleanup_(place_clear) struct place place = { .directory = -EBADF };
	struct text text = { 0 };
	int r = place_open(path, &place, ret_culprit);

	if (r < 0)
		return r;
	r = read_text(place.directory, place.public, PUBLIC_REFUSED, &text);
	if (r == 0)
		r = public_keys_parse(text.bytes, text.size, ret_keys);
	return r < 0 ? blame(path, PUBLIC, r, ret_culprit) : 0;
}

/* write_text() - all of it, on disk */
static int write_text(int fd, mode_t mode, const struct text *text)
{
	size_t done = 0;

	if (ftruncate(fd, 0) < 0 || fchmod(fd, mode) < 0)
		return -errno;
	while (done < text->size) {
		ssize_t n = write(fd, text->bytes + done, text->size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_own(int fd, const struct own_keys *keys)
{
	_cleanup_(text_clear) struct text text = { 0 };

	text.size = own_keys_print(keys, text.bytes);
	return write_text(fd, 0600, &text);
}

static int write_public(const struct place *place, const struct own_keys *keys)
{
	const struct public_keys public = own_keys_public(keys);
	_cleanup_close_ int fd = -EBADF;
	struct text text = { 0 };

	/* Left behind by a writer that was interrupted: we have the lock. */
	if (unlinkat(place->directory, place->public_next, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(place->directory, place->public_next,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	text.size = public_keys_print(&public, text.bytes);
	return write_text(fd, 0644, &text);
}

/* put_in_place() - both new files, which are on disk; the secrets first */
static int put_in_place(const struct place *place)
{
	_cleanup_close_ int directory =
		openat(place->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return -errno;
	if (renameat(directory, place->next, directory, place->name) < 0 ||
	    renameat(directory, place->public_next, directory, place->public) < 0)
		return -errno;
	return fsync(directory) < 0 ? -errno : 0;
}

/* is_named() - whether @fd is what the name stands for */
static bool is_named(int fd, int directory, const char *name)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 &&
	       fstatat(directory, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* lock() - be the one who writes, until @ret_fd is closed */
static int lock(const struct place *place, int *ret_fd)
{
	for (unsigned i = 0; i < MAX_LOCK_TRIES; i++) {
		_cleanup_close_ int fd = openat(
			place->directory, place->next,
			O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
		int r;

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
		/* Who had it before may have renamed it: then it locks nothing any more. */
		if (!is_named(fd, place->directory, place->next))
			continue;
		r = check_file(fd, SECRET_REFUSED);
		if (r == 0)
			*ret_fd = TAKE_FD(fd);
		return r;
	}
	return -EBUSY;
}

/* store() - with the lock, which is the file to be */
static int store(const struct place *place, int fd, const struct own_keys *keys)
{
	int r = write_own(fd, keys);

	if (r == 0)
		r = write_public(place, keys);
	return r == 0 ? put_in_place(place) : r;
}

static void remove_leavings(const struct place *place)
{
	unlinkat(place->directory, place->public_next, 0);
	unlinkat(place->directory, place->next, 0);
}

int keyfile_create(const char *path, const struct own_keys *keys, char **ret_culprit)
{
	_cleanup_(place_clear) struct place place = { .directory = -EBADF };
	_cleanup_close_ int fd = -EBADF;
	struct stat status;
	int r = place_open(path, &place, ret_culprit);

	if (r < 0)
		return r;
	r = lock(&place, &fd);
	if (r < 0)
		return blame(path, "", r, ret_culprit);
	if (fstatat(place.directory, place.name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		r = -EEXIST;
	else
		r = errno == ENOENT ? store(&place, fd, keys) : -errno;
	if (r == 0)
		return 0;
	remove_leavings(&place);
	return blame(path, "", r, ret_culprit);
}

int keyfile_change(const char *path, int (*change)(struct own_keys *keys, void *data), void *data,
		   char **ret_culprit)
{
	_cleanup_(place_clear) struct place place = { .directory = -EBADF };
	_cleanup_(own_keys_clear) struct own_keys keys = { 0 };
	_cleanup_close_ int fd = -EBADF;
	int r = place_open(path, &place, ret_culprit);

	if (r < 0)
		return r;
	r = lock(&place, &fd);
	if (r < 0)
		return blame(path, "", r, ret_culprit);
	r = read_own(&place, &keys, ret_culprit);
	if (r == 0) {
		r = change(&keys, data);
		if (r == 0)
			r = store(&place, fd, &keys);
		if (r < 0)
			blame(path, "", r, ret_culprit);
	}
	if (r < 0)
		remove_leavings(&place);
	return r;
}
