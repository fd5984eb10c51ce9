/* SPDX-License-Identifier: MIT */
/*
 * varlink_server.c - what the control server answers, and to whom
 */
#include "varlink_peer.h"

#include <poll.h>
#include <sys/un.h>

#define NOBODY 65534U

/* setup(), teardown() - a server with the default limits */
static int setup(void **state)
{
	static struct example example;

	example_start(&example, NULL);
	*state = &example;
	return 0;
}

static int teardown(void **state)
{
	example_stop(*state);
	return 0;
}

/* Catches a wrong or missing self-description: clients find their way by it. */
static void test_introspection(void **state)
{
	struct example *example = *state;
	int peer = peer_new(example);
	_cleanup_free_ char *text = NULL;
	json_auto_t *answer = NULL;

	say(example, peer, "{\"method\":\"org.varlink.service.GetInfo\"}");
	hear(example, peer,
	     "{\"parameters\":{\"vendor\":\"Example\",\"product\":\"test\",\"version\":\"1\","
	     "\"url\":\"https://example.org\","
	     "\"interfaces\":[\"org.varlink.service\",\"" EXAMPLE "\"]}}");

	say(example, peer,
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"" EXAMPLE "\"}}");
	text = hear_bytes(example, peer);
	answer = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "parameters"),
							      "description")),
			    example_description);
	free(text);
	json_decref(answer);

	say(example, peer,
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"org.varlink.service\"}}");
	text = hear_bytes(example, peer);
	answer = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "parameters"),
							      "description")),
			    interface_varlink_service);

	say(example, peer,
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"org.example.other\"}}");
	hear(example, peer,
	     ERROR(VARLINK_INTERFACE_NOT_FOUND, "\"interface\":\"org.example.other\""));
	say(example, peer, "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}");
	hear(example, peer, ERROR(VARLINK_INVALID_PARAMETER, "\"parameter\":\"interface\""));
	close(peer);
}

/* Catches a call that reaches the wrong method, or is answered with the wrong reason. */
static void test_names(void **state)
{
	static const struct {
		const char *call;
		const char *answer;
	} cases[] = {
		{ "{\"method\":\"org.example.other.Echo\"}",
		  ERROR(VARLINK_INTERFACE_NOT_FOUND, "\"interface\":\"org.example.other\"") },
		{ "{\"method\":\"org.example.tes.Echo\"}",
		  ERROR(VARLINK_INTERFACE_NOT_FOUND, "\"interface\":\"org.example.tes\"") },
		{ "{\"method\":\"org.example.test.Echo.Echo\"}",
		  ERROR(VARLINK_INTERFACE_NOT_FOUND, "\"interface\":\"org.example.test.Echo\"") },
		{ "{\"method\":\".Echo\"}",
		  ERROR(VARLINK_INTERFACE_NOT_FOUND, "\"interface\":\"\"") },
		{ "{\"method\":\"Echo\"}", ERROR(VARLINK_METHOD_NOT_FOUND, "\"method\":\"Echo\"") },
		{ "{\"method\":\"\"}", ERROR(VARLINK_METHOD_NOT_FOUND, "\"method\":\"\"") },
		{ CALL("", ""), ERROR(VARLINK_METHOD_NOT_FOUND, "\"method\":\"" EXAMPLE ".\"") },
		{ CALL("Ech", ""),
		  ERROR(VARLINK_METHOD_NOT_FOUND, "\"method\":\"" EXAMPLE ".Ech\"") },
		{ CALL("echo", ""),
		  ERROR(VARLINK_METHOD_NOT_FOUND, "\"method\":\"" EXAMPLE ".echo\"") },
		{ CALL("Root() ->", ""),
		  ERROR(VARLINK_METHOD_NOT_FOUND, "\"method\":\"" EXAMPLE ".Root() ->\"") },
		{ CALL("GetInfo", ""),
		  ERROR(VARLINK_METHOD_NOT_FOUND, "\"method\":\"" EXAMPLE ".GetInfo\"") },
		{ CALL("Missing", ""),
		  ERROR(VARLINK_METHOD_NOT_IMPLEMENTED, "\"method\":\"" EXAMPLE ".Missing\"") },
		{ "{\"method\":\"org.varlink.service.Echo\"}",
		  ERROR(VARLINK_METHOD_NOT_FOUND, "\"method\":\"org.varlink.service.Echo\"") },
		{ CALL("Watch", ""), "{\"error\":\"" VARLINK_EXPECTED_MORE "\"}" },
		{ CALL("Echo", ",\"upgrade\":true,\"parameters\":{\"text\":\"x\"}"),
		  ERROR(VARLINK_METHOD_NOT_IMPLEMENTED, "\"method\":\"" EXAMPLE ".Echo\"") },
	};
	struct example *example = *state;
	int peer = peer_new(example);

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		say(example, peer, cases[i].call);
		hear(example, peer, cases[i].answer);
	}
	assert_int_equal(example->echoes, 0);
	assert_null(example->kept);
	close(peer);
}

/* Catches a handler that sees a parameter of a type it does not expect, or that nobody declared. */
static void test_parameters(void **state)
{
	static const struct {
		const char *parameters;
		const char *invalid; /* NULL: it is called */
	} cases[] = {
		{ "{\"text\":\"x\"}", NULL },
		{ "{\"text\":\"x\",\"number\":null,\"flag\":null,\"list\":null}", NULL },
		{ "{\"text\":\"x\",\"number\":-1,\"flag\":false,\"real\":1.5,\"list\":[1],"
		  "\"object\":{}}",
		  NULL },
		{ "{\"text\":\"x\",\"real\":1}", NULL },
		{ "{}", "text" },
		{ "null", "text" },
		{ "{\"text\":null}", "text" },
		{ "{\"text\":1}", "text" },
		{ "{\"text\":[\"x\"]}", "text" },
		{ "{\"text\":\"x\",\"number\":\"1\"}", "number" },
		{ "{\"text\":\"x\",\"number\":1.0}", "number" },
		{ "{\"text\":\"x\",\"number\":true}", "number" },
		{ "{\"text\":\"x\",\"flag\":0}", "flag" },
		{ "{\"text\":\"x\",\"real\":\"1.5\"}", "real" },
		{ "{\"text\":\"x\",\"list\":{}}", "list" },
		{ "{\"text\":\"x\",\"object\":[]}", "object" },
		{ "{\"text\":\"x\",\"Text\":\"x\"}", "Text" },
		{ "{\"text\":\"x\",\"extra\":null}", "extra" },
		{ "{\"text\":\"x\",\"\":null}", "" },
		{ "{\"text\":\"x\",\"org.vendor\":{}}", "org.vendor" },
	};
	struct example *example = *state;
	int peer = peer_new(example);
	char call[256], answer[256];

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		unsigned int before = example->echoes;

		snprintf(call, sizeof(call), CALL("Echo", ",\"parameters\":%s"),
			 cases[i].parameters);
		snprintf(answer, sizeof(answer),
			 ERROR(VARLINK_INVALID_PARAMETER, "\"parameter\":\"%s\""),
			 cases[i].invalid ? cases[i].invalid : "");
		say(example, peer, call);
		hear(example, peer, cases[i].invalid ? answer : ECHOED("x"));
		assert_int_equal(example->echoes - before, cases[i].invalid ? 0 : 1);
	}
	/* A method without parameters takes none. */
	say(example, peer, CALL("Silent", ",\"parameters\":{\"text\":\"x\"}"));
	hear(example, peer, ERROR(VARLINK_INVALID_PARAMETER, "\"parameter\":\"text\""));
	close(peer);
}

/* Catches a call that is never answered because its handler went wrong. */
static void test_bad_handlers(void **state)
{
	struct example *example = *state;
	int peer = peer_new(example);

	say(example, peer, CALL("Silent", ""));
	hear(example, peer, ERROR(EXAMPLE ".Failed", "\"reason\":\"the call was given up\""));
	say(example, peer, CALL("Broken", ""));
	hear(example, peer, ERROR(EXAMPLE ".Failed", "\"reason\":\"Input/output error\""));
	say(example, peer, CALL("Unwritable", ""));
	hear(example, peer,
	     ERROR(EXAMPLE ".Failed", "\"reason\":\"the answer could not be written\""));
	say(example, peer, CALL("Twice", ""));
	hear(example, peer, "{\"parameters\":{}}");
	assert_int_equal(example->result, -EALREADY);
	hear_nothing(example, peer);
	close(peer);
}

/* Catches answers in another order than calls, and calls lost where many come in one piece. */
static void test_pipelining(void **state)
{
	struct example *example = *state;
	int peer = peer_new(example);
	char calls[200 * 100], *to = calls, answer[100];

	for (int n = 0; n < 200; n++)
		to += sprintf(to, CALL("Echo", ",\"parameters\":{\"text\":\"%d\"}"), n) + 1;
	say_bytes(example, peer, calls, (size_t)(to - calls));
	for (int n = 0; n < 200; n++) {
		sprintf(answer, ECHOED("%d"), n);
		hear(example, peer, answer);
	}

	/* A call that is answered later holds up the calls behind it, of this peer alone. */
	say(example, peer, CALL("Later", ""));
	say(example, peer, ECHO("behind"));
	hear_nothing(example, peer);
	still_serves(example);
	assert_int_equal(varlink_reply(example->kept, json_object()), 0);
	assert_int_equal(varlink_reply(example->kept, json_object()), -EALREADY);
	hear(example, peer, "{\"parameters\":{}}");
	hear(example, peer, ECHOED("behind"));
	close(peer);
	settle(example);
	assert_int_equal(example->gone, 0);
}

/* Catches a message that has to arrive whole to be understood. */
static void test_byte_by_byte(void **state)
{
	static const char call[] = ECHO("slow");
	struct example *example = *state;
	int peer = peer_new(example);

	for (size_t i = 0; i < sizeof(call) - 1; i++) {
		say_bytes(example, peer, call + i, 1);
		hear_nothing(example, peer);
	}
	say_bytes(example, peer, "", 1);
	hear(example, peer, ECHOED("slow"));
	close(peer);
}

/* Catches an answer to a oneway call, taken by the peer for the next one's, and a lost call. */
static void test_oneway(void **state)
{
	static const char quiet[] = CALL("Slow", ",\"oneway\":true");
	struct example *example = *state;
	int peer = peer_new(example);
	char calls[5][sizeof(quiet)];

	say(example, peer, CALL("Echo", ",\"oneway\":true,\"parameters\":{\"text\":\"x\"}"));
	say(example, peer, CALL("Echo", ",\"oneway\":true"));
	say(example, peer, CALL("Broken", ",\"oneway\":true"));
	say(example, peer, CALL("Silent", ",\"oneway\":true"));
	say(example, peer, CALL("Nothing", ",\"oneway\":true"));
	say(example, peer, ECHO("after"));
	hear(example, peer, ECHOED("after"));
	hear_nothing(example, peer);
	assert_int_equal(example->echoes, 2);

	/* More than one turn of them, in one piece, and nothing to send that would give another. */
	for (size_t n = 0; n < ELEMENTS(calls); n++)
		memcpy(calls[n], quiet, sizeof(quiet));
	say_bytes(example, peer, calls[0], sizeof(calls));
	say(example, peer, ECHO("after"));
	hear(example, peer, ECHOED("after"));
	assert_int_equal(example->slow, ELEMENTS(calls));

	/* All are served though the peer leaves at once. */
	say_bytes(example, peer, calls[0], sizeof(calls));
	close(peer);
	settle(example);
	assert_int_equal(example->slow, 2 * ELEMENTS(calls));
}

/* Catches a server that takes the end of the calls for the end of the interest in answers. */
static void test_half_close(void **state)
{
	struct example *example = *state;
	int peer = peer_new(example);

	say(example, peer, ECHO("1"));
	say(example, peer, ECHO("2"));
	shutdown(peer, SHUT_WR);
	hear(example, peer, ECHOED("1"));
	hear(example, peer, ECHOED("2"));
	hear_end(example, peer);
	close(peer);

	/* Half a message is none. */
	peer = peer_new(example);
	say_bytes(example, peer, ECHO("3"), strlen(ECHO("3")));
	shutdown(peer, SHUT_WR);
	hear_end(example, peer);
	close(peer);
	assert_int_equal(example->echoes, 2);
}

/* Catches one malformed message that is answered, or that costs more than its sender. */
static void test_malformed(void **state)
{
	static const char *const messages[] = {
		"",
		"hello",
		"GET / HTTP/1.1\r\n\r\n",
		"[]",
		"{}",
		"{\"method\":17}",
		"{\"method\":\"a.B\",\"parameters\":7}",
		"{\"method\":\"a.B\"} trailing",
		"{\"method\":\"a.B\",\"more\":true,\"oneway\":true}",
		"{\"method\":\"\xc3\x28.B\"}",
	};
	struct example *example = *state;

	for (size_t i = 0; i < ELEMENTS(messages); i++) {
		int peer = peer_new(example);

		say(example, peer, messages[i]);
		say(example, peer, ECHO("not any more"));
		hear_end(example, peer);
		close(peer);

		/* What came before it is answered. */
		peer = peer_new(example);
		say(example, peer, ECHO("before"));
		say(example, peer, messages[i]);
		hear(example, peer, ECHOED("before"));
		hear_end(example, peer);
		close(peer);
		still_serves(example);
	}
	assert_int_equal(example->echoes, 2 * ELEMENTS(messages));
}

/* Catches a watcher that is forgotten, or remembered after it has gone. */
static void test_stream(void **state)
{
	struct example *example = *state;
	struct varlink_call *call;
	int peer = peer_new(example);

	say(example, peer, CALL("Watch", ",\"more\":true"));
	hear(example, peer, "{\"parameters\":{},\"continues\":true}");
	for (int n = 0; n < 3; n++) {
		char answer[64];

		assert_int_equal(varlink_reply_continues(example->kept, json_pack("{s:i}", "n", n)),
				 0);
		sprintf(answer, "{\"parameters\":{\"n\":%d},\"continues\":true}", n);
		hear(example, peer, answer);
	}
	assert_int_equal(varlink_reply_continues(example->kept, NULL), -EINVAL);
	hear_nothing(example, peer);
	assert_int_equal(example->gone, 0);
	close(peer);
	settle(example);
	assert_int_equal(example->gone, 1);
	assert_null(example->kept);

	/* The peer that has its last answer is not reported as gone. */
	peer = peer_new(example);
	say(example, peer, CALL("Watch", ",\"more\":true"));
	hear(example, peer, "{\"parameters\":{},\"continues\":true}");
	assert_int_equal(varlink_error(example->kept, EXAMPLE ".Failed", NULL), 0);
	assert_int_equal(varlink_reply_continues(example->kept, json_object()), -EALREADY);
	hear(example, peer, "{\"error\":\"" EXAMPLE ".Failed\"}");
	say(example, peer, ECHO("after"));
	hear(example, peer, ECHOED("after"));
	close(peer);
	settle(example);
	assert_int_equal(example->gone, 1);
	varlink_call_unref(TAKE_PTR(example->kept));

	/* Nor does the call outlive its server in a way that hurts. */
	peer = peer_new(example);
	say(example, peer, CALL("Later", ""));
	settle(example);
	call = varlink_call_ref(example->kept);
	varlink_server_free(TAKE_PTR(example->server));
	assert_int_equal(example->gone, 2);
	assert_int_equal(varlink_reply(call, json_object()), -ENOTCONN);
	assert_int_equal(varlink_peer(call)->uid, geteuid());
	assert_int_equal(varlink_pending(call), 0);
	varlink_call_unref(call);
	close(peer);
}

/* Catches a method of root's that somebody else can call, in whatever way. */
static void test_root_only(void **state)
{
	struct example *example = *state;
	int peer;

	if (geteuid() == 0) {
		peer = peer_new(example);
		say(example, peer, CALL("Root", ""));
		hear(example, peer, "{\"parameters\":{}}");
		assert_int_equal(example->roots, 1);
		close(peer);
	}

	peer = peer_as(example, geteuid() == 0 ? NOBODY : geteuid());
	example->roots = 0;
	say(example, peer, CALL("Root", ""));
	hear(example, peer, "{\"error\":\"" EXAMPLE ".PermissionDenied\"}");
	say(example, peer, CALL("Root", ",\"more\":true"));
	hear(example, peer, "{\"error\":\"" EXAMPLE ".PermissionDenied\"}");
	say(example, peer, CALL("Root", ",\"parameters\":{\"x\":1}"));
	hear(example, peer, "{\"error\":\"" EXAMPLE ".PermissionDenied\"}");
	say(example, peer, CALL("Root", ",\"oneway\":true"));
	hear_nothing(example, peer);
	assert_int_equal(example->roots, 0);
	close(peer);
}

/* Catches descriptors that a peer leaves with us by sending them along. */
static void test_sent_descriptors(void **state)
{
	struct example *example = *state;
	static const char text[] = ECHO("x");
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS,
				  .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec bytes = { .iov_base = (void *)text, .iov_len = sizeof(text) };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct pollfd end = { .events = POLLIN };
	int peer = peer_new(example), fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	memcpy(CMSG_DATA(&control.header), &fds[1], sizeof(int));
	assert_int_equal(sendmsg(peer, &message, 0), sizeof(text));
	close(fds[1]);
	hear(example, peer, ECHOED("x"));
	end.fd = fds[0];
	assert_int_equal(poll(&end, 1, 0), 1);
	assert_true(end.revents & POLLHUP);
	close(fds[0]);
	close(peer);
}

/* Catches a peer that is taken for somebody else. */
static void test_peer(void **state)
{
	struct example *example = *state;
	int peer = peer_new(example), pidfd = -EBADF, r;

	say(example, peer, CALL("Later", ""));
	settle(example);
	assert_int_equal(varlink_peer(example->kept)->uid, geteuid());
	assert_int_equal(varlink_peer(example->kept)->pid, getpid());
	r = varlink_peer_pidfd(example->kept, &pidfd);
	if (r == 0) {
		char path[64], text[512] = "", pid[32];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
		file = fopen(path, "re");
		assert_non_null(file);
		assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
		fclose(file);
		snprintf(pid, sizeof(pid), "\nPid:\t%d\n", getpid());
		assert_non_null(strstr(text, pid));
		assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
		close(pidfd);
	} else {
		assert_int_equal(r, -ENOPROTOOPT);
	}
	close(peer);
}

/* Catches a service whose table and description do not fit, at start and not at the first call. */
static void test_description(void **state)
{
	const struct varlink_method undeclared[] = { { "Ech", NULL, 0, silent }, { 0 } };
	struct varlink_service service = example_service;
	struct example *example = *state;
	struct varlink_server *server = NULL;

	service.methods = undeclared;
	assert_int_equal(varlink_server_new(&server, example->event, &service, NULL, NULL),
			 -EINVAL);
	assert_null(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_introspection), TEST(test_names),       TEST(test_parameters),
		TEST(test_bad_handlers),  TEST(test_pipelining),  TEST(test_byte_by_byte),
		TEST(test_oneway),        TEST(test_half_close),  TEST(test_malformed),
		TEST(test_stream),        TEST(test_root_only),   TEST(test_sent_descriptors),
		TEST(test_peer),          TEST(test_description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
