/* SPDX-License-Identifier: MIT */
/*
 * rcmdd.c - libFuzzer target: what the server's processes read of each other, and of a login's client
 *
 * The first byte chooses. A reader of strangers' bytes may have been taken over: whatever it says to its
 * monitor is one of a few messages at its time, or the end. Of what a client types, every byte that is no
 * window's size comes out, in order, however it is cut.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rcmdd/opening_wire.h"
#include "rcmdd/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* try_messages() - a length in two bytes before each */
static void try_messages(enum opening_state state, const uint8_t *data, size_t size)
{
	unsigned ports = 0, requests = 0;

	while (size >= 2) {
		size_t length = (size_t)data[0] << 8 | data[1];
		struct opening_message message;
		enum opening_state before = state;

		data += 2;
		size -= 2;
		if (length > size)
			length = size;
		if (opening_decode(data, length, &state, &message) < 0) {
			assert(state == OPENING_ENDED);
			return;
		}
		assert(before != OPENING_ENDED);
		ports += message.kind == OPENING_PORT;
		requests += message.kind == OPENING_REQUEST;
		assert(ports <= 1 && requests <= 1 && message.kind != OPENING_ASK);
		assert(message.kind != OPENING_LINE || before == OPENING_ASKED);
		assert(message.size <= OPENING_REQUEST_MAX && message.size + 1 == length);
		if (message.kind == OPENING_LINE || message.kind == OPENING_FAULT)
			assert(!memchr(message.bytes, 0, message.size));
		/* As the monitor does now and then. */
		if (state == OPENING_QUIET && length % 2)
			state = OPENING_ASKED;
		data += length;
		size -= length;
	}
}

/* part() - in steps of @step; the bytes typed are appended to @out */
static size_t part(const uint8_t *data, size_t size, size_t step, uint8_t *out, unsigned *sizes)
{
	struct window_reader reader = { 0 };
	struct winsize window;
	size_t total = 0;

	for (size_t done = 0; done < size; done += step) {
		size_t piece = size - done < step ? size - done : step, n;
		bool found = window_take(&reader, data + done, piece, out + total, &n, &window);

		*sizes += found;
		total += n;
		assert(reader.n < WINDOW_BYTES && total + reader.n <= done + piece);
	}
	return total;
}

static void try_window(const uint8_t *data, size_t size)
{
	uint8_t *whole = malloc(size + WINDOW_BYTES), *cut = malloc(size + WINDOW_BYTES);
	unsigned sizes = 0, sizes_cut = 0;
	size_t n = part(data, size, size ? size : 1, whole, &sizes);

	assert(part(data, size, 1, cut, &sizes_cut) == n);
	assert(memcmp(whole, cut, n) == 0 && sizes <= sizes_cut);
	assert(n + sizes_cut * WINDOW_BYTES <= size);
	free(whole);
	free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 2)
		try_window(data + 1, size - 1);
	else
		try_messages(opening_begin(data[0] / 2 % RCMD_SERVICES), data + 1, size - 1);
	return 0;
}
