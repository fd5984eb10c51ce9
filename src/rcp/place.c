/* SPDX-License-Identifier: MIT */
#include "rcp/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* How often something may appear or vanish between a look and the opening. */
#define TRIES 3

#define MODE_BITS    (S_IRWXU | S_IRWXG | S_IRWXO)
#define SET_ID_BITS  (S_ISUID | S_ISGID)
#define NANOSECONDS  1000
#define BENEATH_ONLY (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)

/*
 * open_at() - openat2(2) below the directory
 * Where a filter of system calls does not know that call, openat(2) does the same: the name is one
 * component, no "..", so only a link could lead away.
 */
static int open_at(const struct place *place, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOCTTY),
		.mode = mode,
		.resolve = BENEATH_ONLY,
	};
	long fd;

	if (place->typed) {
		fd = openat(place->directory, place->name, flags | O_CLOEXEC | O_NOCTTY, mode);
		return fd < 0 ? -errno : (int)fd;
	}
	fd = syscall(SYS_openat2, place->directory, place->name, &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(place->directory, place->name,
			    flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, mode);
	return fd < 0 ? -errno : (int)fd;
}

/* check_kind() - before the opening: to open a device for writing can do something by itself */
static int check_kind(const struct place *place, const struct stat *status)
{
	if (S_ISREG(status->st_mode))
		return 0;
	if (S_ISDIR(status->st_mode))
		return -EISDIR;
	if (place->typed)
		return 0;
	return S_ISLNK(status->st_mode) ? -ELOOP : -EINVAL;
}

static int open_existing(const struct place *place, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat status;
	int r;

	if (fstatat(place->directory, place->name, &status,
		    place->typed ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = check_kind(place, &status);
	if (r < 0)
		return r;
	/* Another may have come meanwhile: a FIFO without reader would hold us. */
	fd = open_at(place, O_WRONLY | (place->typed ? 0 : O_NONBLOCK), 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	r = check_kind(place, &status);
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

int place_open_file(const struct place *place, unsigned mode, int *ret_fd)
{
	int r = -ENOENT;

	for (unsigned i = 0; i < TRIES; i++) {
		int fd;

		r = open_existing(place, ret_fd);
		if (r != -ENOENT)
			return r;
		fd = open_at(place, O_WRONLY | O_CREAT | O_EXCL, mode & MODE_BITS);
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (fd != -EEXIST)
			return fd;
	}
	return r;
}

int place_open_directory(const struct place *place, unsigned mode, int *ret_fd, bool *ret_made)
{
	bool made = mkdirat(place->directory, place->name, (mode & MODE_BITS) | S_IRWXU) == 0;
	int fd;

	if (!made && errno != EEXIST)
		return -errno;
	fd = open_at(place, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd == -ELOOP ? -ENOTDIR : fd;
	*ret_fd = fd;
	*ret_made = made;
	return 0;
}

int place_preserve(int fd, unsigned mode, const struct line *times)
{
	struct stat status;

	if (times) {
		const struct timespec both[] = {
			{ times->accessed, (long)times->accessed_us * NANOSECONDS },
			{ times->modified, (long)times->modified_us * NANOSECONDS },
		};

		if (futimens(fd, both) < 0)
			return -errno;
	}
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid())
		mode &= ~(unsigned)SET_ID_BITS;
	return fchmod(fd, mode & LINE_MODES) < 0 ? -errno : 0;
}

int place_restrict(int fd, unsigned mode)
{
	struct stat status;

	if ((mode & S_IRWXU) == S_IRWXU)
		return 0;
	if (fstat(fd, &status) < 0)
		return -errno;
	return fchmod(fd, status.st_mode & LINE_MODES & ~(S_IRWXU & ~mode)) < 0 ? -errno : 0;
}
