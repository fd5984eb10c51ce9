/* SPDX-License-Identifier: MIT */
#include "kernel/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/mountinfo.h"
#include "kernel/procfs.h"

#define SLICE ".slice"

static bool is_slice(const char *name, size_t length)
{
	size_t n = strlen(SLICE);

	return length >= n && memcmp(name + length - n, SLICE, n) == 0;
}

int cgroup_unit(const char *cgroup, const char *attached, char **ret_unit)
{
	size_t length = strlen(attached);
	char *unit;

	while (length && attached[length - 1] == '/')
		length--;
	if (strncmp(cgroup, attached, length) != 0)
		return -ENOENT;
	for (cgroup += length; *cgroup == '/'; cgroup += length) {
		cgroup++;
		length = strcspn(cgroup, "/");
		if (length == 0 || (length == 2 && memcmp(cgroup, "..", 2) == 0))
			return -ENOENT; /* outside of our cgroup namespace */
		if (is_slice(cgroup, length))
			continue;
		unit = strndup(cgroup, length);
		if (!unit)
			return -ENOMEM;
		*ret_unit = unit;
		return 0;
	}
	return -ENOENT;
}

int cgroup_path(const char *directory, char **ret_path)
{
	_cleanup_(mount_clear) struct mount mount = { 0 };
	_cleanup_free_ char *absolute = NULL;
	_cleanup_close_ int fd = -EBADF;
	const char *root, *below;
	char link[64], *path;
	size_t length;
	int error;

	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = mountinfo_of_fd(fd, &mount, NULL);
	if (error < 0)
		return error;
	if (strcmp(mount.type, "cgroup2") != 0)
		return -EMEDIUMTYPE;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	error = procfs_link(AT_FDCWD, link, &absolute);
	if (error < 0)
		return error;
	length = strcmp(mount.point, "/") == 0 ? 0 : strlen(mount.point);
	if (strncmp(absolute, mount.point, length) != 0)
		return -ENODEV;
	below = absolute + length;
	root = strcmp(mount.root, "/") == 0 ? "" : mount.root;
	if (asprintf(&path, "%s%s", root, *root || *below ? below : "/") < 0)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

int cgroup_mounted(char **ret_path)
{
	_cleanup_fclose_ FILE *mounts = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (!mounts)
		return -errno;
	while (getline(&line, &size, mounts) > 0) {
		_cleanup_(mount_clear) struct mount mount = { 0 };
		int error = mountinfo_parse(line, &mount);

		if (error == -ENOMEM)
			return error;
		if (error == 0 && strcmp(mount.type, "cgroup2") == 0) {
			*ret_path = TAKE_PTR(mount.point);
			return 0;
		}
	}
	return -ENOENT;
}
