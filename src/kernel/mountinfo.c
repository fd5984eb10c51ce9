/* SPDX-License-Identifier: MIT */
#include "kernel/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "kernel/procfs.h"

#define MAX_MOUNTINFO (64U << 20) /* bytes: fs.mount-max (100,000) lines of moderate length */
#define MAX_FDINFO    65536U

/* Undoes the kernel's \040 for space, tab, newline and backslash, in place. */
static void unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; out++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			*out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* 36 35 98:0 /root /point options optional… - type source super-options */
int mountinfo_parse(const char *line, struct mount *ret_mount)
{
	_cleanup_free_ char *root = NULL, *point = NULL, *type = NULL;
	uint32_t major, minor;
	const char *rest;
	int fields;
	uint64_t id;

	fields = sscanf(line, "%" SCNu64 " %*d %" SCNu32 ":%" SCNu32 " %ms %ms", &id, &major,
			&minor, &root, &point);
	if (fields != 5)
		return -EBADMSG;
	rest = strstr(line, " - ");
	if (!rest || sscanf(rest, " - %ms", &type) != 1)
		return -EBADMSG;
	unescape(root);
	unescape(point);
	unescape(type);
	*ret_mount = (struct mount){
		.id = id,
		.major = major,
		.minor = minor,
		.root = TAKE_PTR(root),
		.point = TAKE_PTR(point),
		.type = TAKE_PTR(type),
	};
	return 0;
}

static int find_mount(uint64_t id, struct mount *ret_mount)
{
	_cleanup_free_ char *text = NULL;
	char *state = NULL;
	int error = procfs_read(AT_FDCWD, "/proc/self/mountinfo", MAX_MOUNTINFO, &text, NULL);

	if (error < 0)
		return error;
	for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		uint64_t this;

		if (sscanf(line, "%" SCNu64 " ", &this) == 1 && this == id)
			return mountinfo_parse(line, ret_mount);
	}
	return -ENODEV;
}

/* The number on the line of fdinfo that begins with @name. */
static int fdinfo_number(const char *text, const char *name, uint64_t *ret_number)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, name, length) == 0)
			return sscanf(line + length, "%" SCNu64, ret_number) == 1 ? 0 : -EBADMSG;
	}
	return -ENODATA;
}

int mountinfo_of_fd(int fd, struct mount *ret_mount, uint64_t *ret_inode)
{
	_cleanup_free_ char *text = NULL;
	uint64_t id, inode = 0;
	char path[64];
	int error;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	error = procfs_read(AT_FDCWD, path, MAX_FDINFO, &text, NULL);
	if (error < 0)
		return error;
	error = fdinfo_number(text, "mnt_id:", &id);
	if (error < 0)
		return error;
	if (ret_inode) {
		error = fdinfo_number(text, "ino:", &inode); /* since Linux 5.14 */
		if (error < 0)
			return error;
	}
	error = find_mount(id, ret_mount);
	if (error < 0)
		return error;
	if (ret_inode)
		*ret_inode = inode;
	return 0;
}

void mount_clear(struct mount *mount)
{
	free(mount->root);
	free(mount->point);
	free(mount->type);
	*mount = (struct mount){ 0 };
}
