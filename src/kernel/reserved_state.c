/* SPDX-License-Identifier: MIT */
#include "kernel/reserved_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "kernel/procfs.h"
#include "kernel/reserved.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* since Linux 5.14 */
#endif

#define NEW_FILE  RESERVED_STATE_FILE ".new"
#define MAX_STATE (512U << 10)
#define FIRST     "portcred reserved-ports 1\n"
#define MAX_HERE  128

/* The line that names the list the record is about: this boot's, in this network namespace. */
static int here(char ret_line[static MAX_HERE])
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ char *boot = NULL;
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie;
	int error;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return -errno;
	error = procfs_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot, NULL);
	if (error < 0)
		return error;
	boot[strcspn(boot, "\n")] = '\0';
	snprintf(ret_line, MAX_HERE, "boot %s namespace %" PRIu64 "\n", boot, cookie);
	return 0;
}

/* Whether *text begins with @expected; then it moves behind it. */
static bool skip(const char **text, const char *expected)
{
	size_t length = strlen(expected);

	if (strncmp(*text, expected, length) != 0)
		return false;
	*text += length;
	return true;
}

/* A line "NAME PORTS\n"; *text moves behind it. Without its newline the file is not whole. */
static bool parse_ports(const char **text, const char *name, struct port_bitmap *ret_ports)
{
	const char *newline;

	if (!skip(text, name))
		return false;
	newline = strchr(*text, '\n');
	if (!newline || port_bitmap_parse(*text, (size_t)(newline - *text), ret_ports) < 0)
		return false;
	*text = newline + 1;
	return true;
}

static int parse(const char *text, size_t size, const char *line_here,
		 struct reserved_state *ret_state)
{
	const char *rest = text, *newline;
	struct reserved_state state = { 0 };
	bool elsewhere;

	if (!skip(&rest, FIRST))
		return -EBADMSG;
	elsewhere = !skip(&rest, line_here);
	newline = strchr(rest, '\n');
	if (elsewhere && (!newline || !skip(&rest, "boot ")))
		return -EBADMSG;
	if (elsewhere)
		rest = newline + 1;
	state.pending = skip(&rest, "pending\n");
	if (!state.pending && !skip(&rest, "settled\n"))
		return -EBADMSG;
	if (!parse_ports(&rest, "ours ", &state.ours) ||
	    !parse_ports(&rest, "restore ", &state.restore) || rest != text + size)
		return -EBADMSG;
	if (elsewhere)
		return -ENOENT;
	*ret_state = state;
	return 0;
}

int reserved_state_read(int directory, struct reserved_state *ret_state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -EBADF;
	char line[MAX_HERE], path[32];
	struct stat status;
	size_t size;
	int error = here(line);

	if (error < 0)
		return error;
	fd = openat(directory, RESERVED_STATE_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADMSG;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	error = procfs_read(AT_FDCWD, path, MAX_STATE, &text, &size);
	if (error < 0)
		return error == -EFBIG ? -EBADMSG : error;
	return parse(text, size, line, ret_state);
}

int reserved_state_write(int directory, const struct reserved_state *state)
{
	_cleanup_free_ char *ours = NULL, *restore = NULL;
	_cleanup_close_ int fd = -EBADF;
	char line[MAX_HERE];
	int written, error = here(line);

	if (error == 0)
		error = port_bitmap_format(&state->ours, &ours);
	if (error == 0)
		error = port_bitmap_format(&state->restore, &restore);
	if (error < 0)
		return error;
	if (unlinkat(directory, NEW_FILE, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(directory, NEW_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	errno = EIO;
	written = dprintf(fd, FIRST "%s%s\nours %s\nrestore %s\n", line,
			  state->pending ? "pending" : "settled", ours, restore);
	if (written < 0 || fsync(fd) < 0)
		return -errno;
	if (renameat(directory, NEW_FILE, directory, RESERVED_STATE_FILE) < 0)
		return -errno;
	return fsync(directory) < 0 ? -errno : 0;
}

int reserved_state_remove(int directory)
{
	if (unlinkat(directory, RESERVED_STATE_FILE, 0) < 0 && errno != ENOENT)
		return -errno;
	return fsync(directory) < 0 ? -errno : 0;
}
