/* SPDX-License-Identifier: MIT */
/*
 * rcmd_status.c - the second channel: standard error as it is or in frames, and how a command ended
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "rcmd/status.h"

/* struct heard - what a client makes of a channel */
struct heard {
	char text[256];
	size_t size;
	unsigned exits;
	struct rcmd_exit exit;
	int result; /* of the first call that failed */
};

static void hear(struct heard *heard, const struct rcmd_piece *piece)
{
	if (piece->kind == RCMD_PIECE_EXIT) {
		heard->exits++;
		heard->exit = piece->exit;
		return;
	}
	assert_true(heard->size + piece->size <= sizeof(heard->text));
	if (piece->size > 0)
		memcpy(heard->text + heard->size, piece->bytes, piece->size);
	heard->size += piece->size;
}

/* listen_to() - a whole channel, in steps of @step bytes */
static struct heard listen_to(const void *bytes, size_t size, size_t step)
{
	struct rcmd_status_reader reader = { 0 };
	struct heard heard = { 0 };
	struct rcmd_piece piece;

	for (size_t done = 0; done < size;) {
		size_t left = size - done < step ? size - done : step, taken;

		heard.result = rcmd_status_take(&reader, (const uint8_t *)bytes + done, left,
						&taken, &piece);
		if (heard.result < 0)
			return heard;
		hear(&heard, &piece);
		done += taken;
	}
	heard.result = rcmd_status_end(&reader, &piece);
	hear(&heard, &piece);
	return heard;
}

/* says() - the same however the bytes are cut */
static void says(const void *bytes, size_t size, int result, const char *text, unsigned exits)
{
	for (size_t step = 1; step <= size + 1; step++) {
		struct heard heard = listen_to(bytes, size, step);

		assert_int_equal(heard.result, result);
		assert_int_equal(heard.size, strlen(text));
		assert_memory_equal(heard.text, text, heard.size);
		assert_int_equal(heard.exits, exits);
	}
}

#define BYTES(text) (text), sizeof(text) - 1

/* A server that knows nothing of frames is heard as it is, whatever its command says. */
static void test_plain(void **state)
{
	says(BYTES(""), 0, "", 0);
	says(BYTES("no such file\n"), 0, "no such file\n", 0);
	says(BYTES("\x7fpcr"), 0, "\x7fpcr", 0);
	says(BYTES("\x7fpcrcmd2 x"), 0, "\x7fpcrcmd2 x", 0);
	says(BYTES("\x7f\x7fpcrcmd1"), 0, "\x7f\x7fpcrcmd1", 0);
	says(BYTES("x\x7fpcrcmd1"), 0, "x\x7fpcrcmd1", 0);
}

static void test_framed(void **state)
{
	says(BYTES("\x7fpcrcmd1\0\0\3one\0\0\2\n!\1\0\4\0\3\0\0"), 0, "one\n!", 1);
	says(BYTES("\x7fpcrcmd1\1\0\4\1\11\0\0"), 0, "", 1);
}

/* Catches a client that reports success for a command whose end it was not told of. */
static void test_torn(void **state)
{
	says(BYTES("\x7fpcrcmd1"), -EBADMSG, "", 0);
	says(BYTES("\x7fpcrcmd1\0\0\3one"), -EBADMSG, "one", 0);
	says(BYTES("\x7fpcrcmd1\0\0\3on"), -EBADMSG, "on", 0);
	says(BYTES("\x7fpcrcmd1\1\0\4\0\0"), -EBADMSG, "", 0);
}

static void test_malformed(void **state)
{
	says(BYTES("\x7fpcrcmd1\2\0\1x"), -EBADMSG, "", 0);
	says(BYTES("\x7fpcrcmd1\0\0\0"), -EBADMSG, "", 0);
	says(BYTES("\x7fpcrcmd1\1\0\5\0\0\0\0\0"), -EBADMSG, "", 0);
	says(BYTES("\x7fpcrcmd1\1\0\4\2\0\0\0"), -EBADMSG, "", 0);
	says(BYTES("\x7fpcrcmd1\1\0\4\0\0\0\1"), -EBADMSG, "", 0);
	/* Nothing comes behind the last frame. */
	says(BYTES("\x7fpcrcmd1\1\0\4\0\0\0\0\0\0\1x"), -EBADMSG, "", 1);
}

/* wait_status() - of a child that ends so; @signal 0: it exits */
static int wait_status(int code, int signal)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (signal)
			raise(signal);
		_exit(code);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_exit(void **state)
{
	static const struct {
		int code, signal;
	} cases[] = { { 0, 0 }, { 3, 0 }, { 255, 0 }, { 0, SIGKILL }, { 0, SIGTERM } };

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		uint8_t bytes[RCMD_STATUS_MAGIC_SIZE + RCMD_EXIT_FRAME];
		struct heard heard;

		memcpy(bytes, RCMD_STATUS_MAGIC, RCMD_STATUS_MAGIC_SIZE);
		rcmd_exit_frame(wait_status(cases[i].code, cases[i].signal),
				bytes + RCMD_STATUS_MAGIC_SIZE);
		heard = listen_to(bytes, sizeof(bytes), sizeof(bytes));
		assert_int_equal(heard.result, 0);
		assert_int_equal(heard.exits, 1);
		assert_int_equal(heard.exit.killed, cases[i].signal != 0);
		assert_int_equal(heard.exit.code,
				 cases[i].signal ? cases[i].signal : cases[i].code);
	}
}

/* The largest frame that a server writes is read whole. */
static void test_longest(void **state)
{
	struct rcmd_status_reader reader = { 0 };
	uint8_t head[RCMD_FRAME_HEAD];
	static uint8_t data[RCMD_FRAME_DATA_MAX];
	struct rcmd_piece piece;
	size_t taken;

	rcmd_stderr_head(RCMD_FRAME_DATA_MAX, head);
	assert_int_equal(rcmd_status_take(&reader, (const uint8_t *)RCMD_STATUS_MAGIC,
					  RCMD_STATUS_MAGIC_SIZE, &taken, &piece),
			 0);
	assert_int_equal(rcmd_status_take(&reader, head, sizeof(head), &taken, &piece), 0);
	assert_int_equal(rcmd_status_take(&reader, data, sizeof(data), &taken, &piece), 0);
	assert_int_equal(taken, sizeof(data));
	assert_int_equal(piece.kind, RCMD_PIECE_STDERR);
	assert_int_equal(piece.size, sizeof(data));
	assert_int_equal(rcmd_status_take(&reader, head, sizeof(head), &taken, &piece), 0);
	assert_int_equal(piece.kind, RCMD_PIECE_NONE);
}

static void test_signals(void **state)
{
	assert_false(rcmd_signal_valid(0));
	assert_true(rcmd_signal_valid(SIGHUP));
	assert_true(rcmd_signal_valid(SIGINT));
	assert_true(rcmd_signal_valid(SIGSYS));
	assert_false(rcmd_signal_valid(SIGSYS + 1));
	assert_false(rcmd_signal_valid(255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),   cmocka_unit_test(test_framed),
		cmocka_unit_test(test_torn),    cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_exit),    cmocka_unit_test(test_longest),
		cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
