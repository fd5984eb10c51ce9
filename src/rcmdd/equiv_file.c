/* SPDX-License-Identifier: MIT */
#include "rcmdd/equiv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/trust.h"
#include "base/why.h"
#include "rcmd/rhosts.h"

/*
 * open_file() - nothing is followed, and what is no file does not hold us up: a FIFO would until
 * somebody writes, a terminal would become ours
 */
static int open_file(int directory, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, directory, name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* check_file() - @owner: beside root */
static int check_file(int fd, uid_t owner, const char *path, char **ret_reason)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return why(ret_reason, -EPERM, "%s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return why(ret_reason, -EPERM, "%s is no regular file", path);
	if (status.st_uid != 0 && status.st_uid != owner)
		return why(ret_reason, -EPERM, "%s belongs to uid %u", path, status.st_uid);
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return why(ret_reason, -EPERM, "%s can be written by others than its owner", path);
	if (status.st_size > RHOSTS_MAX_BYTES)
		return why(ret_reason, -EPERM, "%s is larger than %d bytes", path,
			   RHOSTS_MAX_BYTES);
	return 0;
}

/* read_text() - the size may be another one by now, so it is looked at again */
static int read_text(int fd, const char *path, struct equiv_file *ret_file, char **ret_reason)
{
	_cleanup_free_ char *text = malloc(RHOSTS_MAX_BYTES + 1);
	size_t size = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	do {
		n = read(fd, text + size, RHOSTS_MAX_BYTES + 1 - size);
		if (n < 0 && errno != EINTR)
			return why(ret_reason, -EPERM, "%s: %s", path, strerror(errno));
		size += n > 0 ? (size_t)n : 0;
	} while (n != 0 && size <= RHOSTS_MAX_BYTES);
	if (size > RHOSTS_MAX_BYTES)
		return why(ret_reason, -EPERM, "%s is larger than %d bytes", path,
			   RHOSTS_MAX_BYTES);
	*ret_file = (struct equiv_file){ TAKE_PTR(text), size };
	return 0;
}

static int read_file(int directory, const char *name, uid_t owner, const char *path,
		     struct equiv_file *ret_file, char **ret_reason)
{
	_cleanup_close_ int fd = open_file(directory, name);
	int error;

	if (fd == -ENOENT)
		return fd;
	if (fd == -ELOOP)
		return why(ret_reason, -EPERM, "%s is a symbolic link", path);
	if (fd < 0)
		return why(ret_reason, -EPERM, "%s: %s", path, strerror(-fd));
	error = check_file(fd, owner, path, ret_reason);
	return error < 0 ? error : read_text(fd, path, ret_file, ret_reason);
}

/* distrust() - what trust_open() failed with, about a directory on the way to @path */
static int distrust(int error, const char *path, const char *culprit, char **ret_reason)
{
	if (error == -ENOENT || error == -ENOMEM)
		return error;
	if (error == -EPERM)
		return why(ret_reason, -EPERM, "%s: others can change %s", path, culprit);
	return why(ret_reason, -EPERM, "%s: %s: %s", path, culprit ? culprit : "its directory",
		   strerror(-error));
}

int equiv_file_of_host(const char *path, struct equiv_file *ret_file, char **ret_reason)
{
	_cleanup_free_ char *directory = strdup(path), *culprit = NULL;
	_cleanup_close_ int fd = -EBADF;
	char *slash;
	int error;

	if (!directory)
		return -ENOMEM;
	slash = strrchr(directory, '/');
	if (path[0] != '/' || !slash[1])
		return why(ret_reason, -EPERM, "%s is no absolute path of a file", path);
	slash[slash == directory ? 1 : 0] = '\0';
	error = trust_open(directory, &fd, &culprit);
	if (error < 0)
		return distrust(error, path, culprit, ret_reason);
	return read_file(fd, strrchr(path, '/') + 1, 0, path, ret_file, ret_reason);
}

int equiv_file_read_home(const struct equiv_account *account, struct equiv_file *ret_file,
			 char **ret_reason)
{
	_cleanup_free_ char *path = NULL, *culprit = NULL;
	_cleanup_close_ int fd = -EBADF;
	int error;

	if (account->home[0] != '/')
		return why(ret_reason, -EPERM, "home directory '%s' is no absolute path",
			   account->home);
	if (asprintf(&path, "%s/.rhosts", account->home) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	error = trust_open_own(account->home, &fd, &culprit);
	if (error < 0)
		return distrust(error, path, culprit, ret_reason);
	return read_file(fd, ".rhosts", account->uid, path, ret_file, ret_reason);
}
