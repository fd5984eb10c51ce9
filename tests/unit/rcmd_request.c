/* SPDX-License-Identifier: MIT */
/*
 * rcmd_request.c - the opening bytes of shell, login and exec: what is taken, what is refused, and that
 * nothing behind them is
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "rcmd/request.h"

/* Bytes with their last NUL, as a client sends them. */
#define BYTES(text) (text), sizeof(text)

/* take_all() - a request in steps of @step bytes; the last answer */
static int take_all(struct rcmd_reader *reader, const char *bytes, size_t size, size_t step)
{
	int r = RCMD_MORE;

	for (size_t done = 0, taken; done < size && r >= 0 && r != RCMD_DONE; done += taken) {
		size_t left = size - done;

		r = rcmd_reader_take(reader, bytes + done, left < step ? left : step, &taken);
		assert_true(taken <= left);
		assert_true(taken > 0 || r < 0);
	}
	return r;
}

/* Catches a reader that needs a field, or all of it, in one piece. */
static void test_steps(void **state)
{
	static const char bytes[] = "1021\0alice\0bob\0echo one\n two";

	for (size_t step = 1; step <= sizeof(bytes); step++) {
		struct rcmd_reader reader;

		rcmd_reader_init(&reader, RCMD_SHELL);
		assert_int_equal(take_all(&reader, bytes, sizeof(bytes), step), RCMD_DONE);
		assert_int_equal(reader.request.port, 1021);
		assert_false(reader.request.framed);
		assert_string_equal(reader.request.remote_user, "alice");
		assert_string_equal(reader.request.user, "bob");
		assert_string_equal(reader.request.command, "echo one\n two");
		assert_null(reader.request.password);
		rcmd_reader_clear(&reader);
	}
}

/* The server connects the second channel when it knows the port: before it reads a name. */
static void test_stops_at_port(void **state)
{
	struct rcmd_reader reader;
	size_t taken;

	rcmd_reader_init(&reader, RCMD_EXEC);
	assert_int_equal(rcmd_reader_take(&reader, BYTES("051234\0u\0p\0c"), &taken), RCMD_PORT);
	assert_int_equal(taken, 7);
	assert_int_equal(reader.request.port, 51234);
	assert_true(reader.request.framed);
	assert_int_equal(rcmd_reader_take(&reader, BYTES("u\0p\0c"), &taken), RCMD_DONE);
	assert_int_equal(taken, 6);
	assert_string_equal(reader.request.user, "u");
	assert_string_equal(reader.request.password, "p");
	assert_string_equal(reader.request.command, "c");
	rcmd_reader_clear(&reader);
}

/* What a client sends right behind its request is its command's input. */
static void test_takes_no_more(void **state)
{
	struct rcmd_reader reader;
	size_t taken;

	rcmd_reader_init(&reader, RCMD_LOGIN);
	assert_int_equal(
		rcmd_reader_take(&reader, BYTES("\0alice\0bob\0vt100/38400\0date\r"), &taken),
		RCMD_DONE);
	assert_int_equal(taken, sizeof("\0alice\0bob\0vt100/38400"));
	assert_string_equal(reader.request.terminal, "vt100");
	assert_int_equal(reader.request.speed, 38400);
	assert_int_equal(rcmd_reader_take(&reader, BYTES("more"), &taken), RCMD_DONE);
	assert_int_equal(taken, 0);
	rcmd_reader_clear(&reader);
}

static void test_ports(void **state)
{
	static const struct {
		const char *text;
		int port; /* -1: refused */
		bool framed;
	} cases[] = {
		{ "", 0, false },
		{ "0", 0, false },
		{ "1", 1, false },
		{ "65535", 65535, false },
		{ "65536", -1, false },
		{ "001021", 1021, true },
		{ "065535", 65535, true },
		{ "099999", -1, false },
		{ "01021", 1021, false },
		{ "000000", 0, false },
		{ "100000", -1, false },
		{ "0001021", -1, false },
		{ "-1", -1, false },
		{ "+1", -1, false },
		{ " 1", -1, false },
		{ "1 ", -1, false },
		{ "0x10", -1, false },
		{ "1021a", -1, false },
		{ "99999999999999999999", -1, false },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct rcmd_reader reader;
		size_t taken;
		int r;

		rcmd_reader_init(&reader, RCMD_SHELL);
		r = rcmd_reader_take(&reader, cases[i].text, strlen(cases[i].text) + 1, &taken);
		assert_int_equal(r, cases[i].port < 0 ? -EBADMSG : RCMD_PORT);
		if (cases[i].port >= 0) {
			assert_int_equal(reader.request.port, cases[i].port);
			assert_int_equal(reader.request.framed, cases[i].framed);
		} else {
			assert_non_null(reader.fault);
		}
		rcmd_reader_clear(&reader);
	}
}

/* `login -froot`, a name that opens a root shell where it reaches a program's command line; no name. */
static void test_names(void **state)
{
	static const char *const bad[] = {
		"-froot", "-f",   "-",       "",      "a:b",  "a/b",  "a b",
		"a\tb",   "a\nb", "\x1b[2J", "a\x7f", "\xff", "\xc3", "a\xe2\x80\xae",
	};
	static const char *const good[] = { "alice",     "x",       "a-f",
					    "DOM\\user", "u@realm", "j\xc3\xbcrgen",
					    "_chrony",   "1000" };
	char longest[RCMD_USER_MAX + 2] = { 0 };

	for (size_t i = 0; i < ELEMENTS(bad); i++)
		assert_false(rcmd_user_valid(bad[i]));
	for (size_t i = 0; i < ELEMENTS(good); i++)
		assert_true(rcmd_user_valid(good[i]));
	memset(longest, 'a', RCMD_USER_MAX);
	assert_true(rcmd_user_valid(longest));
	longest[RCMD_USER_MAX] = 'a';
	assert_false(rcmd_user_valid(longest));
}

/* refused() - and where: the bytes before stand for themselves */
static void refused(enum rcmd_service service, const char *bytes, size_t size)
{
	struct rcmd_reader reader;
	size_t taken;

	rcmd_reader_init(&reader, service);
	assert_int_equal(take_all(&reader, bytes, size, size), -EBADMSG);
	assert_non_null(reader.fault);
	assert_int_equal(rcmd_reader_take(&reader, BYTES("0\0alice\0bob\0true"), &taken), -EBADMSG);
	assert_int_equal(taken, 0);
	rcmd_reader_clear(&reader);
}

static void test_refused(void **state)
{
	refused(RCMD_SHELL, BYTES("0\0alice\0-froot\0true"));
	refused(RCMD_SHELL, BYTES("0\0-froot\0bob\0true"));
	refused(RCMD_SHELL, BYTES("0\0\0bob\0true"));
	refused(RCMD_SHELL, BYTES("0\0alice\0\0true"));
	refused(RCMD_EXEC, BYTES("0\0\0secret\0true"));
	refused(RCMD_EXEC, BYTES("0\0-froot\0secret\0true"));
	refused(RCMD_LOGIN, BYTES("\0alice\0-froot\0xterm/9600"));
	refused(RCMD_LOGIN, BYTES("\0alice\0\0xterm/9600"));
	refused(RCMD_LOGIN, BYTES("0\0alice\0bob\0xterm/9600"));
}

/* fill() - @before, then @n letters, then what @rest has: a request of one long field */
static char *fill(const char *before, size_t before_size, size_t n, const char *rest,
		  size_t rest_size, size_t *ret_size)
{
	char *bytes = malloc(before_size + n + rest_size);

	assert_non_null(bytes);
	memcpy(bytes, before, before_size);
	memset(bytes + before_size, 'x', n);
	memcpy(bytes + before_size + n, rest, rest_size);
	*ret_size = before_size + n + rest_size;
	return bytes;
}

/* Each field is taken at its longest, and one byte more is refused before its NUL comes. */
static void test_longest(void **state)
{
	static const struct {
		enum rcmd_service service;
		const char *before, *rest;
		size_t before_size, rest_size, max;
	} cases[] = {
		{ RCMD_SHELL, "0\0", "\0bob\0true", 2, 10, RCMD_USER_MAX },
		{ RCMD_SHELL, "0\0alice\0", "\0true", 8, 6, RCMD_USER_MAX },
		{ RCMD_SHELL, "0\0alice\0bob\0", "", 12, 1, RCMD_COMMAND_MAX },
		{ RCMD_EXEC, "0\0bob\0", "\0true", 6, 6, RCMD_PASSWORD_MAX },
		{ RCMD_LOGIN, "\0alice\0bob\0", "", 11, 1, RCMD_TERMINAL_MAX },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		for (size_t more = 0; more < 2; more++) {
			struct rcmd_reader reader;
			size_t size, n = cases[i].max + more;
			_cleanup_free_ char *bytes = fill(cases[i].before, cases[i].before_size, n,
							  cases[i].rest, cases[i].rest_size, &size);

			rcmd_reader_init(&reader, cases[i].service);
			/* The longer one without what ends it. */
			if (more)
				size -= cases[i].rest_size;
			assert_int_equal(take_all(&reader, bytes, size, 4096),
					 more ? -EBADMSG : RCMD_DONE);
			assert_true(reader.allocated < 4U * RCMD_COMMAND_MAX);
			rcmd_reader_clear(&reader);
		}
	}
}

/* A terminal's name goes into the environment: what is none is left out, and nobody is turned away. */
static void test_terminals(void **state)
{
	static const struct {
		const char *text, *terminal;
		unsigned speed;
	} cases[] = {
		{ "xterm-256color/115200", "xterm-256color", 115200 },
		{ "vt100", "vt100", RCMD_SPEED_DEFAULT },
		{ "vt100/", "vt100", RCMD_SPEED_DEFAULT },
		{ "vt100/38400x", "vt100", RCMD_SPEED_DEFAULT },
		{ "vt100/4294967296", "vt100", RCMD_SPEED_DEFAULT },
		{ "", "", RCMD_SPEED_DEFAULT },
		{ "/9600", "", 9600 },
		{ "../../etc/passwd/9600", "", RCMD_SPEED_DEFAULT },
		{ "a b/9600", "", 9600 },
		{ "x;reboot/9600", "", 9600 },
		{ "%n%n/9600", "", 9600 },
		{ "-x/9600", "", 9600 },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct rcmd_reader reader;
		size_t size;
		_cleanup_free_ char *bytes =
			fill(BYTES("\0a\0b"), 0, cases[i].text, strlen(cases[i].text) + 1, &size);

		rcmd_reader_init(&reader, RCMD_LOGIN);
		assert_int_equal(take_all(&reader, bytes, size, size), RCMD_DONE);
		assert_string_equal(reader.request.terminal, cases[i].terminal);
		assert_int_equal(reader.request.speed, cases[i].speed);
		rcmd_reader_clear(&reader);
	}
}

static void test_ended(void **state)
{
	struct rcmd_reader reader;
	size_t taken;

	rcmd_reader_init(&reader, RCMD_SHELL);
	assert_int_equal(rcmd_reader_take(&reader, "1021", 4, &taken), RCMD_MORE);
	assert_int_equal(rcmd_reader_ended(&reader), -EBADMSG);
	assert_non_null(strstr(reader.fault, "hung up"));
	rcmd_reader_clear(&reader);
}

/* What is built is what the ancestors send, byte by byte, and in the order that they send it. */
static void test_build(void **state)
{
	struct rcmd_request request = { .service = RCMD_SHELL,
					.port = 1021,
					.framed = true,
					.remote_user = "alice",
					.user = "bob",
					.command = "date" };
	static const char shell[] = "001021\0alice\0bob\0date";
	static const char login[] = "\0alice\0bob\0vt100/38400";
	char *bytes;
	size_t size;

	assert_int_equal(rcmd_request_build(&request, true, &bytes, &size), 0);
	assert_int_equal(size, sizeof(shell));
	assert_memory_equal(bytes, shell, size);
	free(bytes);
	assert_int_equal(rcmd_request_build(&request, false, &bytes, &size), 0);
	assert_int_equal(size, sizeof(shell) - 7);
	assert_memory_equal(bytes, shell + 7, size);
	free(bytes);
	request = (struct rcmd_request){ .service = RCMD_LOGIN,
					 .remote_user = "alice",
					 .user = "bob",
					 .terminal = "vt100",
					 .speed = 38400 };
	assert_int_equal(rcmd_request_build(&request, false, &bytes, &size), 0);
	assert_int_equal(size, sizeof(login));
	assert_memory_equal(bytes, login, size);
	free(bytes);
}

/* A client does not send what no server may take. */
static void test_build_refuses(void **state)
{
	struct rcmd_request request = { .service = RCMD_EXEC, .user = "bob", .password = "secret" };
	char *bytes;
	size_t size;

	assert_int_equal(rcmd_request_build(&request, true, &bytes, &size), -EINVAL);
	request.command = "date";
	assert_int_equal(rcmd_request_build(&request, true, &bytes, &size), 0);
	free(bytes);
	request.user = "-froot";
	assert_int_equal(rcmd_request_build(&request, true, &bytes, &size), -EINVAL);
	request = (struct rcmd_request){ .service = RCMD_LOGIN, .remote_user = "a", .user = "b" };
	memset(request.terminal, 'x', RCMD_TERMINAL_MAX);
	assert_int_equal(rcmd_request_build(&request, true, &bytes, &size), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),         cmocka_unit_test(test_stops_at_port),
		cmocka_unit_test(test_takes_no_more), cmocka_unit_test(test_ports),
		cmocka_unit_test(test_names),         cmocka_unit_test(test_refused),
		cmocka_unit_test(test_longest),       cmocka_unit_test(test_terminals),
		cmocka_unit_test(test_ended),         cmocka_unit_test(test_build),
		cmocka_unit_test(test_build_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
