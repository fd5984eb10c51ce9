/* SPDX-License-Identifier: MIT */
/*
 * names.c - libFuzzer target: the frames between portcredd and its name service, all readers
 *
 * A reader must take exactly what its writer can have written: what is decoded and encoded again is
 * the same bytes, and what was decoded keeps every promise of names_wire.h.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "portcredd/names_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_request(const uint8_t *data, size_t size)
{
	uint8_t again[NAMES_REQUEST_MAX];
	struct names_request request;
	size_t length;

	if (names_request_decode(data, size, &request) < 0)
		return;
	length = strnlen(request.name, sizeof(request.name));
	assert(request.sequence != 0 && request.kind < NAMES_KINDS);
	if (request.kind < NAMES_MEMBERS) {
		assert(length >= 1 && length <= MAX_NAME_BYTES);
		assert(names_name_valid(request.name, length) && request.gid == 0);
	} else {
		assert(length == 0 && request.gid != UINT32_MAX);
	}
	assert(names_request_encode(&request, again) == (int)size);
	assert(memcmp(again, data, size) == 0);
}

static void read_answer(const uint8_t *data, size_t size)
{
	uint8_t again[NAMES_ANSWER_SIZE];
	struct names_answer answer;

	if (names_answer_decode(data, size, &answer) < 0)
		return;
	assert(answer.status <= 0 && answer.id != UINT32_MAX);
	assert(answer.status == 0 || (answer.id == 0 && answer.protocols == 0));
	for (unsigned i = 0; i < PROTOCOLS; i++)
		assert((answer.protocols >> i & 1) == (answer.ports[i] != 0));
	names_answer_encode(&answer, again);
	assert(size == sizeof(again) && memcmp(again, data, size) == 0);
}

static void read_pairs(const uint8_t *data, size_t size)
{
	static uint8_t again[NAMES_PAIRS_MAX];
	static struct names_pairs pairs;

	if (names_pairs_decode(data, size, &pairs) < 0)
		return;
	assert(pairs.n >= 1 && pairs.n <= MAX_NAMES_PAIRS && size != NAMES_ANSWER_SIZE);
	assert(names_pairs_encode(&pairs, again) == size && memcmp(again, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_request(data, size);
	read_answer(data, size);
	read_pairs(data, size);
	return 0;
}
