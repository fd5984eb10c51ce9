/* SPDX-License-Identifier: MIT */
#include "base/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DOUBLE_UP_TO 1000000U

int grow(void *array, size_t *allocated, size_t n, size_t more, size_t size)
{
	size_t wanted, room = *allocated;
	void *old, *new;

	if (__builtin_add_overflow(n, more, &wanted))
		return -ENOMEM;
	if (wanted <= room)
		return 0;
	room += room < DOUBLE_UP_TO ? room : room / 4;
	if (room < 8)
		room = 8;
	if (room < wanted)
		room = wanted;

	memcpy(&old, array, sizeof(old));
	new = reallocarray(old, room, size);
	if (!new)
		return -ENOMEM;
	memcpy(array, &new, sizeof(new));
	*allocated = room;
	return 0;
}
