/* SPDX-License-Identifier: MIT */
/*
 * varlink.c - the messages of the control protocol without a socket: where one ends, what is one
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "control/interface.h"
#include "control/varlink_message.h"

#define MAX 64U

/* feed() - as if @size bytes had arrived in pieces of @step; returns what room() said last */
static int feed(struct varlink_buffer *buffer, const char *bytes, size_t size, size_t step)
{
	while (size > 0) {
		size_t room, n = size < step ? size : step;
		char *to;
		int r;

		r = varlink_buffer_room(buffer, MAX, &to, &room);
		if (r < 0)
			return r;
		assert_true(room >= 1);
		n = n < room ? n : room;
		memcpy(to, bytes, n);
		varlink_buffer_filled(buffer, n);
		bytes += n;
		size -= n;
	}
	return 0;
}

static void assert_next(struct varlink_buffer *buffer, const char *expected)
{
	const char *message;
	size_t length;

	assert_int_equal(varlink_buffer_next(buffer, MAX, &message, &length), 1);
	assert_int_equal(length, strlen(expected));
	assert_string_equal(message, expected);
}

static void assert_none(struct varlink_buffer *buffer, int expected)
{
	const char *message;
	size_t length;

	assert_int_equal(varlink_buffer_next(buffer, MAX, &message, &length), expected);
}

/* Catches a message lost, doubled or torn where the pieces of the stream do not match messages. */
static void test_any_pieces(void **state)
{
	static const char stream[] = "one\0\0three\0a longer one\0rest";

	for (size_t step = 1; step <= sizeof(stream); step++) {
		struct varlink_buffer buffer = { 0 };

		assert_false(varlink_buffer_pending(&buffer));
		assert_int_equal(feed(&buffer, stream, sizeof(stream) - 1, step), 0);
		assert_true(varlink_buffer_pending(&buffer));
		assert_next(&buffer, "one");
		assert_next(&buffer, "");
		assert_next(&buffer, "three");
		assert_next(&buffer, "a longer one");
		assert_none(&buffer, 0);
		assert_int_equal(varlink_buffer_held(&buffer), strlen("rest"));
		assert_int_equal(feed(&buffer, " of it\0x", 8, step), 0);
		assert_next(&buffer, "rest of it");
		assert_none(&buffer, 0);
		varlink_buffer_clear(&buffer);
	}
}

/* Catches a limit off by one, and memory that grows with what a peer sends. */
static void test_limit(void **state)
{
	struct varlink_buffer buffer = { 0 };
	char text[MAX + 2];
	const char *message;
	size_t length;

	memset(text, 'x', sizeof(text));
	text[MAX] = '\0';
	assert_int_equal(feed(&buffer, text, MAX + 1, 7), 0);
	assert_next(&buffer, text);

	/* Complete, but too long for a reader whose limit is lower. */
	assert_int_equal(feed(&buffer, "123456", 7, 7), 0);
	assert_int_equal(varlink_buffer_next(&buffer, 5, &message, &length), -EMSGSIZE);
	assert_int_equal(varlink_buffer_next(&buffer, 6, &message, &length), 1);

	text[MAX] = 'x';
	assert_int_equal(feed(&buffer, text, MAX, 7), 0);
	assert_none(&buffer, 0);
	assert_int_equal(feed(&buffer, text, 1, 1), 0);
	assert_none(&buffer, -EMSGSIZE);
	assert_int_equal(feed(&buffer, text, 1, 1), -EMSGSIZE);
	varlink_buffer_clear(&buffer);

	for (size_t n = 0; n < 100000; n++) {
		assert_int_equal(feed(&buffer, "a message", 10, 3), 0);
		assert_next(&buffer, "a message");
	}
	assert_true(buffer.allocated < 4 * VARLINK_BUFFER_KEEP);
	varlink_buffer_clear(&buffer);
}

/* Catches a message half written where there was no room, and one that is not what was put in. */
static void test_put(void **state)
{
	struct varlink_buffer buffer = { 0 };
	json_auto_t *message = json_pack("{s:s, s:i}", "a", "b", "c", 1);
	json_auto_t *bad = json_real(0);
	static const char text[] = "{\"a\":\"b\",\"c\":1}";

	assert_int_equal(varlink_buffer_put(&buffer, message, sizeof(text)), 0);
	assert_int_equal(varlink_buffer_held(&buffer), sizeof(text));
	assert_int_equal(varlink_buffer_put(&buffer, message, sizeof(text) - 1), -ENOBUFS);
	assert_int_equal(varlink_buffer_put(&buffer, message, 0), -ENOBUFS);
	/* A bare number is not a message: jansson refuses to write one as a text of its own. */
	assert_int_equal(varlink_buffer_put(&buffer, bad, 1000), -EINVAL);
	assert_int_equal(varlink_buffer_held(&buffer), sizeof(text));

	varlink_buffer_sent(&buffer, 3);
	assert_int_equal(varlink_buffer_put(&buffer, message, 1000), 0);
	varlink_buffer_sent(&buffer, sizeof(text) - 3);
	assert_next(&buffer, text);
	assert_int_equal(varlink_buffer_held(&buffer), 0);
	varlink_buffer_clear(&buffer);
}

/*
 * Catches a message from the middle of which a name is left out: jansson goes on where a name of an object
 * could not be written, and what comes behind it may fit.
 */
static void test_put_any_room(void **state)
{
	json_auto_t *answer =
		varlink_answer_new(json_pack("{s:{s:s}}", "event", "command", "nc"), NULL, true);
	static const char text[] =
		"{\"parameters\":{\"event\":{\"command\":\"nc\"}},\"continues\":true}";
	struct varlink_buffer buffer = { 0 };

	for (size_t room = 0; room < sizeof(text); room++) {
		assert_int_equal(varlink_buffer_put(&buffer, answer, room), -ENOBUFS);
		assert_int_equal(varlink_buffer_held(&buffer), 0);
	}
	assert_int_equal(varlink_buffer_put(&buffer, answer, sizeof(text)), 0);
	assert_next(&buffer, text);
	varlink_buffer_clear(&buffer);
}

/* Catches memory of a single large message that is kept for as long as the peer stays. */
static void test_relax(void **state)
{
	struct varlink_buffer buffer = { 0 };
	json_auto_t *message = json_pack("{s:o}", "a", json_array());

	for (size_t n = 0; n < 10000; n++)
		json_array_append_new(json_object_get(message, "a"), json_integer(1));
	assert_int_equal(varlink_buffer_put(&buffer, message, SIZE_MAX), 0);
	varlink_buffer_sent(&buffer, 1);
	varlink_buffer_relax(&buffer);
	assert_true(buffer.allocated > 20000);
	varlink_buffer_sent(&buffer, varlink_buffer_held(&buffer));
	varlink_buffer_relax(&buffer);
	assert_int_equal(buffer.allocated, 0);
}

static void test_request(void **state)
{
	static const char full[] =
		"{\"method\":\"a.b.C\",\"parameters\":{\"x\":1},\"more\":true,\"oneway\":false,"
		"\"upgrade\":null,\"org.vendor\":{\"anything\":[]}}";
	static const char bare[] = " {\"method\" : \"a.b.C\", \"parameters\": null}\n";
	struct varlink_request request;

	assert_int_equal(varlink_request_parse(full, strlen(full), &request), 0);
	assert_string_equal(request.method, "a.b.C");
	assert_int_equal(json_object_size(request.parameters), 1);
	assert_true(request.more);
	assert_false(request.oneway);
	assert_false(request.upgrade);
	json_decref(request.root);

	assert_int_equal(varlink_request_parse(bare, strlen(bare), &request), 0);
	assert_int_equal(json_object_size(request.parameters), 0);
	assert_true(json_is_object(request.parameters));
	assert_false(request.more);
	json_decref(request.root);
}

/* Catches leniency: each of these must be known for what it is before anything is done with it. */
static void test_request_malformed(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"x",
		"null",
		"1",
		"\"method\"",
		"[]",
		"[{\"method\":\"a.B\"}]",
		"{}",
		"{\"method\":null}",
		"{\"method\":1}",
		"{\"method\":\"a.B\"",
		"{\"method\":\"a.B\"}}",
		"{\"method\":\"a.B\"} {\"method\":\"a.B\"}",
		"{\"method\":\"a.B\",}",
		"{\"method\":\"a.B\",\"method\":\"a.C\"}",
		"{\"method\":\"a.B\",\"parameters\":{\"x\":1,\"x\":2}}",
		"{\"method\":\"a.B\",\"parameters\":[]}",
		"{\"method\":\"a.B\",\"parameters\":\"x\"}",
		"{\"method\":\"a.B\",\"parameters\":{\"x\":123456789012345678901234567890}}",
		"{\"method\":\"a.B\",\"parameters\":{\"x\":1e999}}",
		"{\"method\":\"a.B\",\"parameters\":{\"x\":nan}}",
		"{\"method\":\"a.B\",\"more\":1}",
		"{\"method\":\"a.B\",\"more\":\"true\"}",
		"{\"method\":\"a.B\",\"oneway\":{}}",
		"{\"method\":\"a.B\",\"upgrade\":[]}",
		"{\"method\":\"a.B\",\"more\":true,\"oneway\":true}",
		"{\"method\":\"a.B\",\"more\":true,\"upgrade\":true}",
		"{\"method\":\"a.B\",\"oneway\":true,\"upgrade\":true}",
		"{\"method\":\"a.B\",\"extra\":{}}",
		"{\"method\":\"a.B\",\"org.vendor\":1}",
		"{\"method\":\"a.B\xff\"}",
		"{\"method\":\"a.B\xc0\x80\"}",
		"{\"method\":\"a.B\xed\xa0\x80\"}",
		"{\"method\":\"a.B\\u0000\"}",
		"{\"method\":\"a.B\\ud800\"}",
		"{\"method\":\"a\nB\"}",
		"{'method':'a.B'}",
		"{\"method\":\"a.B\"} // comment",
	};
	struct varlink_request request;

	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		if (varlink_request_parse(texts[i], strlen(texts[i]), &request) != -EBADMSG)
			fail_msg("taken for a call: %s", texts[i]);
	}
}

static void test_answer(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{\"parameters\":1}",
		"{\"continues\":\"yes\"}",
		"{\"error\":1}",
		"{\"error\":\"a.B\",\"continues\":true}",
		"{\"result\":{}}",
		"",
	};
	struct varlink_answer answer;
	json_t *root;

	assert_int_equal(varlink_answer_parse("{}", 2, &root, &answer), 0);
	assert_null(answer.error);
	assert_false(answer.continues);
	assert_int_equal(json_object_size(answer.parameters), 0);
	json_decref(root);

	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		if (varlink_answer_parse(bad[i], strlen(bad[i]), &root, &answer) != -EBADMSG)
			fail_msg("taken for an answer: %s", bad[i]);
	}
}

/* nested() - a call whose parameters make it @depth deep, brackets in strings not counted */
static int nested(size_t depth)
{
	char text[3 * VARLINK_DEPTH_MAX + 100];
	struct varlink_request request;
	char *to =
		stpcpy(text, "{\"method\":\"a.B\",\"parameters\":{\"[[\\\"[[\":\"{{\\\\\",\"x\":");
	int r;

	for (size_t n = 2; n < depth; n++)
		*to++ = '[';
	for (size_t n = 2; n < depth; n++)
		*to++ = ']';
	to = stpcpy(to, depth > 2 ? "}}" : "1}}");
	r = varlink_request_parse(text, (size_t)(to - text), &request);
	if (r == 0)
		json_decref(request.root);
	return r;
}

/* Catches recursion that a peer steers, and a count that strings can lead astray. */
static void test_depth(void **state)
{
	char *deep;

	assert_int_equal(nested(2), 0);
	assert_int_equal(nested(VARLINK_DEPTH_MAX), 0);
	assert_int_equal(nested(VARLINK_DEPTH_MAX + 1), -EBADMSG);

	deep = malloc(1U << 20);
	assert_non_null(deep);
	memset(deep, '[', 1U << 20);
	assert_int_equal(varlink_request_parse(deep, 1U << 20, &(struct varlink_request){ 0 }),
			 -EBADMSG);
	free(deep);
}

/* listed() - whether a call with @n elements in an array, and commas in a string, is one */
static int listed(size_t n)
{
	static const char before[] = "{\"method\":\"a.B,,,[[[{{{\",\"parameters\":{\"x\":[0";
	struct varlink_request request = { 0 };
	char *text = malloc(sizeof(before) + 2 * n + 3), *to;
	int r;

	assert_non_null(text);
	to = stpcpy(text, before);
	for (size_t i = 1; i < n; i++)
		to = stpcpy(to, ",0");
	to = stpcpy(to, "]}}");
	r = varlink_request_parse(text, (size_t)(to - text), &request);
	varlink_request_clear(&request);
	free(text);
	return r;
}

/* Catches a call that costs the server a hundred times what it costs its sender. */
static void test_values(void **state)
{
	/* Beside the elements but the first: two objects, the array, the second key. */
	const size_t others = 3;

	assert_int_equal(listed(1), 0);
	assert_int_equal(listed(VARLINK_CALL_VALUES_MAX - others), 0);
	assert_int_equal(listed(VARLINK_CALL_VALUES_MAX - others + 1), -EBADMSG);
}

/* Catches a list of answers that is cut off: what the server says may be long. */
static void test_values_of_answer(void **state)
{
	json_auto_t *list = json_array(), *root = NULL;
	json_auto_t *message = json_pack("{s:{s:O}}", "parameters", "x", list);
	struct varlink_answer answer;
	char *text;

	for (size_t i = 0; i < 10U * VARLINK_CALL_VALUES_MAX; i++)
		json_array_append_new(list, json_integer(0));
	text = json_dumps(message, JSON_COMPACT);
	assert_int_equal(varlink_answer_parse(text, strlen(text), &root, &answer), 0);
	free(text);
}

/* What one end writes, the other end reads. */
static void test_round_trip(void **state)
{
	json_auto_t *call = varlink_request_new("a.b.C", json_pack("{s:i}", "x", 1), true);
	json_auto_t *error = varlink_answer_new(NULL, "a.b.D", false);
	char *text = json_dumps(call, JSON_COMPACT);
	struct varlink_request request;
	struct varlink_answer answer;
	json_t *root;

	assert_string_equal(text, "{\"method\":\"a.b.C\",\"parameters\":{\"x\":1},\"more\":true}");
	assert_int_equal(varlink_request_parse(text, strlen(text), &request), 0);
	assert_true(request.more);
	json_decref(request.root);
	free(text);

	text = json_dumps(error, JSON_COMPACT);
	assert_string_equal(text, "{\"error\":\"a.b.D\"}");
	assert_int_equal(varlink_answer_parse(text, strlen(text), &root, &answer), 0);
	assert_string_equal(answer.error, "a.b.D");
	json_decref(root);
	free(text);

	/* A name that is not UTF-8 is no reason to write a call without its name. */
	assert_null(varlink_request_new("a.\xff", json_object(), false));
	assert_null(varlink_answer_new(json_object(), "a.\xff", false));
}

/* Catches a process that hides from a list behind a name which JSON cannot hold. */
static void test_string(void **state)
{
	json_auto_t *plain = varlink_string("nginx \xc3\xa9"), *bad = varlink_string("a\xff\xc3(");
	json_auto_t *none = varlink_string(NULL);

	assert_string_equal(json_string_value(plain), "nginx \xc3\xa9");
	assert_string_equal(json_string_value(bad), "a\xef\xbf\xbd\xef\xbf\xbd(");
	assert_true(json_is_null(none));
}

/* Catches an embedded text that is cut short, or is not the one its name says. */
static void test_interfaces(void **state)
{
	assert_non_null(strstr(interface_portcred, "\ninterface " INTERFACE_PORTCRED "\n"));
	assert_non_null(strstr(interface_portcred, "\nmethod GetStatus("));
	assert_non_null(strstr(interface_portcred, "\nerror PermissionDenied ()"));
	assert_non_null(strstr(interface_portcred, "\nerror Failed (reason: string)"));
	assert_non_null(
		strstr(interface_varlink_service, "\ninterface " INTERFACE_VARLINK_SERVICE "\n"));
	assert_string_equal(strrchr(interface_varlink_service, '\n'), "\n");
	assert_string_equal(strrchr(interface_portcred, '\n'), "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_pieces),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_any_room),
		cmocka_unit_test(test_relax),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_request_malformed),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_values_of_answer),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
