/* SPDX-License-Identifier: MIT */
/*
 * rcmd.c - libFuzzer target: what strangers send to the rsh family
 *
 * The first byte chooses: the opening bytes of a service, or the second channel as a client reads it.
 * A reader must come to the same however the bytes are cut, take nothing behind its end, keep to its
 * limits; and what was taken and is built again is read as the same request.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rcmd/request.h"
#include "rcmd/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* read_request() - in steps of @step bytes; returns the last answer and how much was taken */
static int read_request(struct rcmd_reader *reader, const char *bytes, size_t size, size_t step,
			size_t *ret_taken)
{
	int r = RCMD_MORE;

	*ret_taken = 0;
	while (*ret_taken < size && r >= 0 && r != RCMD_DONE) {
		size_t left = size - *ret_taken, taken;

		r = rcmd_reader_take(reader, bytes + *ret_taken, left < step ? left : step, &taken);
		*ret_taken += taken;
		assert(taken > 0 || r < 0);
		assert(reader->size <= reader->allocated);
	}
	assert(*ret_taken <= size);
	assert((r < 0) == (reader->fault != NULL));
	return r;
}

static void check_request(const struct rcmd_request *request)
{
	assert(rcmd_user_valid(request->user));
	assert(strlen(request->user) <= RCMD_USER_MAX && request->user[0] != '-');
	assert(!request->framed || request->port);
	if (request->service != RCMD_EXEC)
		assert(rcmd_user_valid(request->remote_user));
	else
		assert(strlen(request->password) <= RCMD_PASSWORD_MAX);
	if (request->service == RCMD_LOGIN)
		assert(!request->terminal[0] || rcmd_terminal_valid(request->terminal));
	else
		assert(strlen(request->command) <= RCMD_COMMAND_MAX);
}

static int same(const char *one, const char *other)
{
	return one && other ? strcmp(one, other) == 0 : one == other;
}

/* rebuild() - the same fields come out of what is built of them */
static void rebuild(const struct rcmd_request *request)
{
	struct rcmd_reader reader;
	size_t size, taken;
	char *bytes;

	/* "TERM/" without a speed grows by the default one, and may not fit any more. */
	if (rcmd_request_build(request, true, &bytes, &size) < 0) {
		assert(request->service == RCMD_LOGIN);
		return;
	}
	rcmd_reader_init(&reader, request->service);
	assert(read_request(&reader, bytes, size, size, &taken) == RCMD_DONE && taken == size);
	assert(same(reader.request.user, request->user));
	assert(same(reader.request.remote_user, request->remote_user));
	assert(same(reader.request.password, request->password));
	assert(same(reader.request.command, request->command));
	assert(same(reader.request.terminal, request->terminal));
	assert(reader.request.speed == request->speed);
	assert(reader.request.port == request->port && reader.request.framed == request->framed);
	rcmd_reader_clear(&reader);
	free(bytes);
}

static void try_request(enum rcmd_service service, const char *bytes, size_t size)
{
	struct rcmd_reader whole, cut;
	size_t taken, taken_cut;
	int r;

	rcmd_reader_init(&whole, service);
	rcmd_reader_init(&cut, service);
	r = read_request(&whole, bytes, size, size, &taken);
	assert(read_request(&cut, bytes, size, 1, &taken_cut) == r);
	if (r == RCMD_DONE) {
		assert(taken == taken_cut && taken > 0 && bytes[taken - 1] == '\0');
		check_request(&whole.request);
		assert(same(whole.request.user, cut.request.user));
		rebuild(&whole.request);
	}
	rcmd_reader_clear(&whole);
	rcmd_reader_clear(&cut);
}

/* struct heard - a digest of what a client makes of a channel */
struct heard {
	uint64_t digest;
	size_t size;
	int exits, result;
};

static void hear(struct heard *heard, const struct rcmd_piece *piece)
{
	heard->exits += piece->kind == RCMD_PIECE_EXIT;
	for (size_t i = 0; i < piece->size; i++)
		heard->digest = (heard->digest ^ piece->bytes[i]) * 0x100000001b3ULL;
	heard->size += piece->size;
}

static struct heard read_channel(const uint8_t *bytes, size_t size, size_t step)
{
	struct rcmd_status_reader reader = { 0 };
	struct heard heard = { 0 };
	struct rcmd_piece piece;

	for (size_t done = 0; done < size;) {
		size_t left = size - done < step ? size - done : step, taken;

		heard.result = rcmd_status_take(&reader, bytes + done, left, &taken, &piece);
		if (heard.result < 0)
			return heard;
		assert(taken <= left && (taken > 0 || piece.size > 0));
		hear(&heard, &piece);
		done += taken;
	}
	heard.result = rcmd_status_end(&reader, &piece);
	hear(&heard, &piece);
	return heard;
}

static void try_channel(const uint8_t *bytes, size_t size)
{
	struct heard whole = read_channel(bytes, size, size);
	struct heard cut = read_channel(bytes, size, 1);

	assert(whole.digest == cut.digest && whole.size == cut.size);
	assert(whole.exits == cut.exits && whole.result == cut.result);
	assert(whole.exits <= 1 && whole.size <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 4 < RCMD_SERVICES)
		try_request(data[0] % 4, (const char *)data + 1, size - 1);
	else
		try_channel(data + 1, size - 1);
	return 0;
}
