/* SPDX-License-Identifier: MIT */
/*
 * varlink_socket.c - the socket's name in the file system, for both ends
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "control/varlink.h"

/* Connections that the kernel holds until they are accepted. */
#define BACKLOG 128

/* How long to wait for a place among them. */
#define CONNECT_SECONDS 3

/* Every local user may connect; the methods say who may call them. */
#define SOCKET_MODE 0666

static int set_address(struct sockaddr_un *address, int directory, const char *name)
{
	int n;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", directory,
		     name);
	return n < 0 || (size_t)n >= sizeof(address->sun_path) ? -ENAMETOOLONG : 0;
}

/*
 * remove_stale() - remove a socket on which nobody accepts any more
 * Whatever else connect() says but ECONNREFUSED, somebody may be there: the socket stays.
 */
static int remove_stale(int directory, const char *name, const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat status;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlinkat(directory, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int varlink_listen_at(int directory, const char *name, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	struct sockaddr_un address;
	int r;

	r = set_address(&address, directory, name);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno != EADDRINUSE)
			return -errno;
		r = remove_stale(directory, name, &address);
		if (r < 0)
			return r;
		if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
			return -errno;
	}
	/* Until here the umask kept others out: nobody gets in before listen(). */
	if (fchmodat(directory, name, SOCKET_MODE, 0) < 0 || listen(fd, BACKLOG) < 0) {
		r = -errno;
		unlinkat(directory, name, 0);
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* find_address() - the address of @path; where that is too long, through descriptor *@ret_fd */
static int find_address(struct sockaddr_un *address, const char *path, int *ret_fd)
{
	int fd, n;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path) + 1);
		return 0;
	}
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	n = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d", fd);
	return n < 0 ? -EINVAL : 0;
}

int varlink_connect(const char *path, struct varlink_client **ret_client)
{
	/* On a unix socket this also limits how long connect() waits for a full backlog. */
	const struct timeval timeout = { .tv_sec = CONNECT_SECONDS };
	_cleanup_close_ int fd = -EBADF, socket_fd = -EBADF;
	struct sockaddr_un address;
	int r;

	r = find_address(&address, path, &socket_fd);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	r = varlink_client_new(fd, ret_client);
	if (r >= 0)
		TAKE_FD(fd);
	return r;
}
