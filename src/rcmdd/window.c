/* SPDX-License-Identifier: MIT */
#include "rcmdd/window.h"

#include <string.h>

static const uint8_t head[] = { 0xff, 0xff, 's', 's' };

static uint16_t number_at(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static struct winsize read_size(const uint8_t *bytes)
{
	bytes += sizeof(head);
	return (struct winsize){ number_at(bytes), number_at(bytes + 2), number_at(bytes + 4),
				 number_at(bytes + 6) };
}

/* fits() - whether what is held may still be the beginning of a size */
static bool fits(const struct window_reader *reader)
{
	size_t n = reader->n < sizeof(head) ? reader->n : sizeof(head);

	return memcmp(reader->held, head, n) == 0;
}

bool window_take(struct window_reader *reader, const uint8_t *bytes, size_t size, uint8_t *out,
		 size_t *ret_n, struct winsize *ret_size)
{
	bool found = false;
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		reader->held[reader->n++] = bytes[i];
		/* The first of them was typed, then; a size may begin with the next. */
		while (!fits(reader)) {
			out[n++] = reader->held[0];
			reader->n--;
			memmove(reader->held, reader->held + 1, reader->n);
		}
		if (reader->n < WINDOW_BYTES)
			continue;
		*ret_size = read_size(reader->held);
		found = true;
		reader->n = 0;
	}
	*ret_n = n;
	return found;
}
