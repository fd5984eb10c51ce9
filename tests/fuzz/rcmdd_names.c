/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_names.c - libFuzzer target: what the server's names child says, whoever has become its master
 *
 * The first byte is which question it answers; the rest is the answer.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rcmdd/names_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* require() - a crash, which libFuzzer keeps the input of */
static void require(bool condition)
{
	if (!condition)
		abort();
}

static void read_answer(enum names_kind kind, const uint8_t *data, size_t size)
{
	struct names_answer answer = { 0 };
	int r;

	memcpy(&answer, data, size < sizeof(answer) ? size : sizeof(answer));
	r = names_answer_check(&answer, size, kind);
	require(r == 0 || r == -EBADMSG || r == -EPERM);
	if (r != 0)
		return;
	require(size == sizeof(answer) && answer.status <= 0 && answer.found <= 1);
	if (kind != NAMES_HOST_OF || answer.status < 0) {
		require(answer.host[0] == '\0');
		return;
	}
	require(memchr(answer.host, '\0', sizeof(answer.host)) && answer.found == 0);
	require(strspn(answer.host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
		strlen(answer.host));
	require(answer.host[0] != '-' && answer.host[0] != '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	read_answer((enum names_kind)(data[0] % NAMES_KINDS), data + 1, size - 1);
	return 0;
}
