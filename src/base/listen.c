/* SPDX-License-Identifier: MIT */
#include "base/listen.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"

/* Of connections that nobody has accepted yet: as many as the kernel allows (net.core.somaxconn). */
#define BACKLOG 4096

int listen_open(const struct sockaddr_storage *address, socklen_t size, int *ret_fd)
{
	_cleanup_close_ int fd =
		socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)address, size) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int listen_inherited(int fd)
{
	int listening, flags = fcntl(fd, F_GETFL);
	socklen_t size = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening)
		return -EINVAL;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}
