/* SPDX-License-Identifier: MIT */
/*
 * varlink_buffer.c - the one place where bytes of a peer are counted
 *
 * Reading: room() and filled() take bytes in, next() takes whole messages out. Writing: put() takes
 * whole messages in, sent() bytes out. Memory doubles as it fills, so it stays below twice the
 * limit that the caller names each time.
 */
#include "control/varlink_message.h"

#include <errno.h>
#include <string.h>

#include "base/grow.h"

void varlink_buffer_clear(struct varlink_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct varlink_buffer){ 0 };
}

void varlink_buffer_relax(struct varlink_buffer *buffer)
{
	if (varlink_buffer_held(buffer) == 0 && buffer->allocated > VARLINK_BUFFER_KEEP)
		varlink_buffer_clear(buffer);
}

/* compact() - what was taken from the front is room at the end again */
static void compact(struct varlink_buffer *buffer)
{
	size_t held = varlink_buffer_held(buffer);

	if (buffer->start == 0)
		return;
	if (held > 0)
		memmove(buffer->data, buffer->data + buffer->start, held);
	buffer->end = held;
	buffer->scanned = buffer->scanned > buffer->start ? buffer->scanned - buffer->start : 0;
	buffer->start = 0;
}

int varlink_buffer_room(struct varlink_buffer *buffer, size_t max, char **ret_room,
			size_t *ret_size)
{
	size_t held = varlink_buffer_held(buffer), left, size;
	int r;

	if (held > max)
		return -EMSGSIZE;
	left = max - held + 1;
	compact(buffer);
	size = left < VARLINK_BUFFER_KEEP ? left : VARLINK_BUFFER_KEEP;
	r = grow(&buffer->data, &buffer->allocated, buffer->end, size, 1);
	if (r < 0)
		return r;

	size = buffer->allocated - buffer->end;
	*ret_room = buffer->data + buffer->end;
	*ret_size = size < left ? size : left;
	return 0;
}

void varlink_buffer_filled(struct varlink_buffer *buffer, size_t size)
{
	buffer->end += size;
}

/* find_nul() - the NUL that ends the first message, NULL where it has not arrived */
static const char *find_nul(struct varlink_buffer *buffer)
{
	const char *nul;

	if (buffer->scanned < buffer->start)
		buffer->scanned = buffer->start;
	if (buffer->scanned == buffer->end)
		return NULL;
	nul = memchr(buffer->data + buffer->scanned, '\0', buffer->end - buffer->scanned);
	buffer->scanned = nul ? (size_t)(nul - buffer->data) : buffer->end;
	return nul;
}

bool varlink_buffer_pending(struct varlink_buffer *buffer)
{
	return find_nul(buffer) != NULL;
}

int varlink_buffer_next(struct varlink_buffer *buffer, size_t max, const char **ret_message,
			size_t *ret_length)
{
	const char *nul = find_nul(buffer), *message;
	size_t length;

	if (!nul)
		return varlink_buffer_held(buffer) > max ? -EMSGSIZE : 0;
	message = buffer->data + buffer->start;
	length = (size_t)(nul - message);
	if (length > max)
		return -EMSGSIZE;

	buffer->start += length + 1;
	*ret_message = message;
	*ret_length = length;
	return 1;
}

void varlink_buffer_sent(struct varlink_buffer *buffer, size_t size)
{
	buffer->start += size;
	buffer->scanned = buffer->start;
}

/* struct put - a message on its way into a buffer; @error: of the first piece that could not be put */
struct put {
	struct varlink_buffer *buffer;
	size_t room;
	int error;
};

/*
 * put_bytes() - for json_dump_callback()
 *
 * Where the name of a member cannot be put, jansson goes on (2.14, dump.c: it drops what dump_string()
 * returns); so nothing is put any more once something was not.
 */
static int put_bytes(const char *bytes, size_t size, void *userdata)
{
	struct put *put = userdata;
	struct varlink_buffer *buffer = put->buffer;

	if (put->error < 0)
		return -1;
	if (size > put->room) {
		put->error = -ENOBUFS;
		return -1;
	}
	/* Not at every byte sent, or a long queue would be moved over and over. */
	if (buffer->start >= varlink_buffer_held(buffer))
		compact(buffer);
	put->error = grow(&buffer->data, &buffer->allocated, buffer->end, size, 1);
	if (put->error < 0)
		return -1;
	memcpy(buffer->data + buffer->end, bytes, size);
	buffer->end += size;
	put->room -= size;
	return 0;
}

int varlink_buffer_put(struct varlink_buffer *buffer, const json_t *message, size_t room)
{
	struct put put = { .buffer = buffer, .room = room };
	size_t held = varlink_buffer_held(buffer);

	if (json_dump_callback(message, put_bytes, &put, JSON_COMPACT) == 0 &&
	    put_bytes("", 1, &put) == 0)
		return 0;
	buffer->end = buffer->start + held;
	return put.error < 0 ? put.error : -EINVAL;
}
