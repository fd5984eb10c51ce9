/* SPDX-License-Identifier: MIT */
#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define WALK_FLAGS (O_PATH | O_NOFOLLOW | O_CLOEXEC)

/* struct walk - how far a path has been followed */
struct walk {
	int root; /* borrowed */
	uid_t owner;
	bool or_root;   /* what is root's is trusted too */
	int at;         /* what has been reached: a directory, or at the end anything */
	char *name;     /* its absolute path, no links in it; "" is the root directory */
	char *rest;     /* what is still to be walked */
	unsigned links; /* followed so far */
};

static void walk_clear(struct walk *walk)
{
	cleanup_close(&walk->at);
	free(walk->name);
	free(walk->rest);
}

static bool only_owner_writes(const struct walk *walk, const struct stat *status)
{
	if (status->st_uid != walk->owner && !(walk->or_root && status->st_uid == 0))
		return false;
	/* The mode of a link means nothing. */
	return S_ISLNK(status->st_mode) || !(status->st_mode & (S_IWGRP | S_IWOTH));
}

/* walk_to_root() - begin again at the root directory */
static int walk_to_root(struct walk *walk)
{
	struct stat status;
	int fd = openat(walk->root, ".", WALK_FLAGS | O_DIRECTORY);

	if (fd < 0)
		return -errno;
	cleanup_close(&walk->at);
	walk->at = fd;
	walk->name[0] = '\0';
	if (fstat(fd, &status) < 0)
		return -errno;
	return only_owner_writes(walk, &status) ? 0 : -EPERM;
}

/* walk_up() - `..`: the name holds no links, so its last component is what is left */
static int walk_up(struct walk *walk)
{
	char *slash = strrchr(walk->name, '/');
	int fd;

	if (!slash)
		return 0; /* above the root directory is the root directory */
	fd = openat(walk->at, "..", WALK_FLAGS | O_DIRECTORY);
	if (fd < 0)
		return -errno;
	cleanup_close(&walk->at);
	walk->at = fd;
	*slash = '\0';
	return 0;
}

/* walk_link() - put the target of link @fd before the rest of the way */
static int walk_link(struct walk *walk, int fd)
{
	char target[PATH_MAX];
	char *rest;
	ssize_t n;

	if (++walk->links > TRUST_MAX_LINKS)
		return -ELOOP;
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ENOENT;
	target[n] = '\0';
	/* The rest is empty or begins with '/'. */
	if (asprintf(&rest, "%s%s", target, walk->rest) < 0)
		return -ENOMEM;
	free(walk->rest);
	walk->rest = rest;
	/* The link's own name is no part of where its target stands. */
	*strrchr(walk->name, '/') = '\0';
	return target[0] == '/' ? walk_to_root(walk) : 0;
}

/* walk_into() - one component that is neither `.` nor `..` */
static int walk_into(struct walk *walk, const char *component, size_t length)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat status;
	char *name;

	if (length > NAME_MAX || strlen(walk->name) + length + 1 >= PATH_MAX)
		return -ENAMETOOLONG;
	if (asprintf(&name, "%s/%.*s", walk->name, (int)length, component) < 0)
		return -ENOMEM;
	free(walk->name);
	walk->name = name;

	fd = openat(walk->at, strrchr(name, '/') + 1, WALK_FLAGS);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!only_owner_writes(walk, &status))
		return -EPERM;
	if (S_ISLNK(status.st_mode))
		return walk_link(walk, fd);
	cleanup_close(&walk->at);
	walk->at = TAKE_FD(fd);
	return 0;
}

static int walk_step(struct walk *walk)
{
	_cleanup_free_ char *component = NULL;
	size_t skipped = strspn(walk->rest, "/");
	size_t length = strcspn(walk->rest + skipped, "/");
	bool must_be_directory = walk->rest[skipped + length] == '/';
	struct stat status;
	int r;

	component = strndup(walk->rest + skipped, length);
	if (!component)
		return -ENOMEM;
	memmove(walk->rest, walk->rest + skipped + length,
		strlen(walk->rest + skipped + length) + 1);

	if (length == 0 || strcmp(component, ".") == 0)
		r = 0;
	else if (strcmp(component, "..") == 0)
		r = walk_up(walk);
	else
		r = walk_into(walk, component, length);
	if (r < 0 || !must_be_directory)
		return r;
	if (fstat(walk->at, &status) < 0)
		return -errno;
	return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

/* walk_all() - from the root directory to the end of @path, which is absolute */
static int walk_all(struct walk *walk, const char *path, int *ret_fd, char **ret_culprit)
{
	int r;

	walk->name = strdup("");
	walk->rest = strdup(path);
	if (!walk->name || !walk->rest)
		return -ENOMEM;
	r = walk_to_root(walk);
	while (r == 0 && walk->rest[0])
		r = walk_step(walk);
	if (r < 0) {
		*ret_culprit = walk->name[0] ? TAKE_PTR(walk->name) : strdup("/");
		return r;
	}
	*ret_fd = TAKE_FD(walk->at);
	return 0;
}

int trust_open_in(int root, uid_t owner, const char *path, int *ret_fd, char **ret_culprit)
{
	_cleanup_(walk_clear) struct walk walk = { .root = root, .owner = owner, .at = -EBADF };

	return path[0] == '/' ? walk_all(&walk, path, ret_fd, ret_culprit) : -EINVAL;
}

/* open_here() - from the real root directory, @path perhaps relative to the working directory */
static int open_here(uid_t owner, const char *path, int *ret_fd, char **ret_culprit)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(walk_clear) struct walk walk = {
		.root = root, .owner = owner, .or_root = true, .at = -EBADF
	};
	_cleanup_free_ char *directory = NULL, *absolute = NULL;

	if (root < 0)
		return -errno;
	if (path[0] == '/')
		return walk_all(&walk, path, ret_fd, ret_culprit);
	directory = getcwd(NULL, 0);
	if (!directory)
		return -errno;
	if (asprintf(&absolute, "%s/%s", directory, path) < 0) {
		absolute = NULL;
		return -ENOMEM;
	}
	return walk_all(&walk, absolute, ret_fd, ret_culprit);
}

int trust_open(const char *path, int *ret_fd, char **ret_culprit)
{
	return open_here(0, path, ret_fd, ret_culprit);
}

int trust_open_own(const char *path, int *ret_fd, char **ret_culprit)
{
	return open_here(geteuid(), path, ret_fd, ret_culprit);
}

int trust_path(const char *path, char **ret_culprit)
{
	_cleanup_close_ int fd = -EBADF;

	return trust_open(path, &fd, ret_culprit);
}
