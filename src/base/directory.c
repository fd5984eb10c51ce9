/* SPDX-License-Identifier: MIT */
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int directory_open(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat status;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if ((status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & 022) != 0)
		return -EPERM;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int directory_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
}
