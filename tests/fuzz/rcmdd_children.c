/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_children.c - libFuzzer target: what the server's children say, whoever has become their master
 *
 * The first byte is which question it answers; the rest is an answer of the names child, and what the
 * reader of a .rhosts has written.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rcmd/rhosts.h"
#include "rcmdd/equiv_file.h"
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

static void read_file(const uint8_t *data, size_t size)
{
	struct equiv_file file = { 0 };
	char *reason = NULL;
	int r = equiv_file_parse((const char *)data, size, &file, &reason);

	require((r == 0) == (file.text != NULL) && (r == -EPERM) == (reason != NULL));
	if (r == 0)
		require(file.size == size - sizeof(struct equiv_head) &&
			file.size <= RHOSTS_MAX_BYTES &&
			memcmp(file.text, data + sizeof(struct equiv_head), file.size) == 0);
	if (r == -EPERM)
		require(strlen(reason) <= size - sizeof(struct equiv_head));
	equiv_file_clear(&file);
	free(reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	read_answer((enum names_kind)(data[0] % NAMES_KINDS), data + 1, size - 1);
	read_file(data + 1, size - 1);
	return 0;
}
