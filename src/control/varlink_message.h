/* SPDX-License-Identifier: MIT */
/*
 * varlink_message.h - bytes to messages and back, without any I/O
 */
#ifndef PORTCRED_CONTROL_VARLINK_MESSAGE_H
#define PORTCRED_CONTROL_VARLINK_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/varlink.h"

/* An empty buffer keeps no more memory than this. */
#define VARLINK_BUFFER_KEEP 4096U

/* struct varlink_buffer - data[start .. end - 1] waits to be taken or sent; all zero is empty */
struct varlink_buffer {
	char *data;
	size_t start;
	size_t end;
	size_t scanned; /* start .. scanned - 1 has no NUL */
	size_t allocated;
};

static inline size_t varlink_buffer_held(const struct varlink_buffer *buffer)
{
	return buffer->end - buffer->start;
}

void varlink_buffer_clear(struct varlink_buffer *buffer);

/* varlink_buffer_relax() - gives memory back where the buffer is empty */
void varlink_buffer_relax(struct varlink_buffer *buffer);

/*
 * varlink_buffer_room() - where to read to, for messages of up to @max bytes
 * Announce what was read with varlink_buffer_filled().
 * Returns 0 with *@ret_size at least 1; -EMSGSIZE where the buffer holds more than @max bytes;
 * -ENOMEM.
 */
int varlink_buffer_room(struct varlink_buffer *buffer, size_t max, char **ret_room,
			size_t *ret_size);
void varlink_buffer_filled(struct varlink_buffer *buffer, size_t size);

/*
 * varlink_buffer_next() - take the next message, without its NUL
 * *@ret_message (NUL-terminated) is valid until the buffer is used again.
 * Returns 1; 0 where none is complete; -EMSGSIZE where it is, or is going to be, longer than @max.
 */
int varlink_buffer_next(struct varlink_buffer *buffer, size_t max, const char **ret_message,
			size_t *ret_length);

/* varlink_buffer_pending() - whether a complete message waits */
bool varlink_buffer_pending(struct varlink_buffer *buffer);

/* varlink_buffer_sent() - the first @size bytes are gone */
void varlink_buffer_sent(struct varlink_buffer *buffer, size_t size);

/*
 * varlink_buffer_put() - append @message (borrowed) and its NUL
 * Returns 0; -ENOBUFS where it takes more than @room bytes, -ENOMEM, -EINVAL where jansson cannot
 * write it, all with the buffer as it was.
 */
int varlink_buffer_put(struct varlink_buffer *buffer, const json_t *message, size_t room);

/*
 * struct varlink_request - a call as it arrived
 * @root: owns the rest
 * @method: as it was sent; @parameters: an object, never NULL
 * At most one of @more, @oneway and @upgrade is true.
 */
struct varlink_request {
	json_t *root;
	const char *method;
	json_t *parameters;
	bool more;
	bool oneway;
	bool upgrade;
};

/* varlink_request_parse() - 0; -EBADMSG where it is not a call; -ENOMEM */
int varlink_request_parse(const char *text, size_t length, struct varlink_request *ret_request);

static inline void varlink_request_clear(struct varlink_request *request)
{
	json_decref(request->root);
}

/* varlink_request_new() - @parameters stolen, NULL for none; NULL without memory */
json_t *varlink_request_new(const char *method, json_t *parameters, bool more);

/*
 * varlink_answer_parse() - what @ret_answer points to belongs to *@ret_root, the caller's
 * Returns 0; -EBADMSG where it is not an answer; -ENOMEM.
 */
int varlink_answer_parse(const char *text, size_t length, json_t **ret_root,
			 struct varlink_answer *ret_answer);

/* varlink_answer_new() - @parameters stolen, NULL for none; @error NULL for none */
json_t *varlink_answer_new(json_t *parameters, const char *error, bool continues);

#endif
