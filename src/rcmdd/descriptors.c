/* SPDX-License-Identifier: MIT */
#include "rcmdd/descriptors.h"

#include <errno.h>
#include <fcntl.h>
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

int descriptor_set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}
