/* SPDX-License-Identifier: MIT */
#include "kernel/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"

#define FIRST_READ 4096U

int procfs_read(int directory, const char *path, size_t limit, char **ret_text, size_t *ret_size)
{
	size_t size = 0, allocated = 0;
	_cleanup_close_ int fd = -EBADF;
	_cleanup_free_ char *text = NULL;

	fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got;
		int error = grow(&text, &allocated, size, FIRST_READ, 1);

		if (error < 0)
			return error;
		got = read(fd, text + size, allocated - size - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		size += (size_t)got;
		if (size > limit)
			return -EFBIG;
	}
	text[size] = '\0';
	*ret_text = TAKE_PTR(text);
	if (ret_size)
		*ret_size = size;
	return 0;
}

int procfs_link(int directory, const char *path, char **ret_target)
{
	char target[PATH_MAX];
	char *copy;
	ssize_t length = readlinkat(directory, path, target, sizeof(target));

	if (length < 0)
		return -errno;
	if ((size_t)length == sizeof(target))
		return -ENAMETOOLONG;
	copy = strndup(target, (size_t)length);
	if (!copy)
		return -ENOMEM;
	*ret_target = copy;
	return 0;
}

int procfs_link_inode(const char *target, const char *type, uint64_t *ret_inode)
{
	size_t length = strlen(type);
	unsigned long long inode;
	char *end;

	if (strncmp(target, type, length) != 0 || strncmp(target + length, ":[", 2) != 0)
		return -EINVAL;
	target += length + 2;
	if (*target < '0' || *target > '9')
		return -EINVAL;
	errno = 0;
	inode = strtoull(target, &end, 10);
	if (errno || strcmp(end, "]") != 0)
		return -EINVAL;
	*ret_inode = inode;
	return 0;
}

int procfs_list(int directory, const char *path, DIR **ret_list)
{
	int fd = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list;

	if (fd < 0)
		return -errno;
	list = fdopendir(fd);
	if (!list) {
		/* It asks for the status first, and /proc/PID/fd has none once the process has ended. */
		int error = -errno;

		close(fd);
		return error;
	}
	*ret_list = list;
	return 0;
}
