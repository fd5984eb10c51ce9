/* SPDX-License-Identifier: MIT */
#include "rcmdd/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int descriptors_keep(const int kept[], size_t n)
{
	unsigned next = 0;

	for (size_t i = 0; i < n; i++) {
		if ((unsigned)kept[i] > next && close_range(next, (unsigned)kept[i] - 1, 0) < 0)
			return -errno;
		next = (unsigned)kept[i] + 1;
	}
	return close_range(next, ~0U, 0) < 0 ? -errno : 0;
}

int descriptors_keep_two(int one, int other)
{
	const int kept[] = { one < other ? one : other, one < other ? other : one };

	return descriptors_keep(kept, 2);
}

int descriptors_keep_three(int one, int two, int three)
{
	int kept[] = { one, two, three };

	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 2; j++) {
			int low = kept[j];

			if (low <= kept[j + 1])
				continue;
			kept[j] = kept[j + 1];
			kept[j + 1] = low;
		}
	}
	return descriptors_keep(kept, 3);
}

int descriptor_set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

/* union room - for one descriptor, aligned */
union room {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int descriptor_send(int to, int fd, const void *bytes, size_t size)
{
	union room room = { .header = { .cmsg_len = CMSG_LEN(sizeof(fd)),
					.cmsg_level = SOL_SOCKET,
					.cmsg_type = SCM_RIGHTS } };
	struct iovec data = { (void *)bytes, size };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &room,
				  .msg_controllen = sizeof(room) };

	memcpy(CMSG_DATA(&room.header), &fd, sizeof(fd));
	if (sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size)
		return -errno;
	return 0;
}

int descriptor_receive(int from, void *bytes, size_t size, int *ret_fd)
{
	union room room = { 0 };
	struct iovec data = { bytes, size };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &room,
				  .msg_controllen = sizeof(room) };
	const struct cmsghdr *part;
	ssize_t n;

	do
		n = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ENODATA;
	part = CMSG_FIRSTHDR(&message);
	if (!part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS ||
	    part->cmsg_len != CMSG_LEN(sizeof(*ret_fd)))
		return -EBADMSG;
	memcpy(ret_fd, CMSG_DATA(part), sizeof(*ret_fd));
	if ((size_t)n == size && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 0;
	close(*ret_fd);
	return -EBADMSG;
}
