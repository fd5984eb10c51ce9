/* SPDX-License-Identifier: MIT */
/*
 * varlink_limits.c - what one peer can cost the control server: its own connection, nothing else
 */
#include "varlink_peer.h"

#include <poll.h>

#define ALICE 65533U
#define BOB   65534U
#define CAROL 65532U

/* start() - a server with @limits; the others are the defaults */
static void start(struct example *example, struct varlink_limits limits)
{
	example_start(example, &limits);
}

/* refuse() - a peer of user @uid has no place any more */
static void refuse(struct example *example, uid_t uid)
{
	int pair[2];

	peer_pair(uid, pair);
	assert_int_equal(varlink_server_add_connection(example->server, pair[1]), -EUSERS);
	hear_end(example, pair[0]);
	close(pair[0]);
}

/* echo_of() - a call of exactly @size bytes, and a NUL */
static char *echo_of(size_t size)
{
	static const char before[] = CALL("Echo", ",\"parameters\":{\"text\":\"\"}");
	const size_t middle = strlen(before) - strlen("\"}}");
	char *call = malloc(size + 1);

	assert_non_null(call);
	assert_true(size >= strlen(before));
	memset(call, 'x', size);
	memcpy(call, before, middle);
	strcpy(call + size - strlen("\"}}"), "\"}}");
	return call;
}

/* Catches a message limit that is off by one, or that counts only what has ended. */
static void test_call_size(void **state)
{
	const size_t max = VARLINK_CALL_BYTES_MAX;
	_cleanup_free_ char *good = echo_of(max), *bad = echo_of(max + 1), *answer = NULL;
	struct example example;
	int peer;

	start(&example, (struct varlink_limits){ 0 });
	peer = peer_new(&example);
	say_bytes(&example, peer, good, max + 1);
	answer = hear_bytes(&example, peer);
	assert_non_null(answer);
	assert_true(strlen(answer) > max - 200);
	say_bytes(&example, peer, bad, max + 2);
	hear_end(&example, peer);
	close(peer);

	/* Without its end it is too long just the same. */
	peer = peer_new(&example);
	say_bytes(&example, peer, bad, max);
	hear_nothing(&example, peer);
	say_bytes(&example, peer, "x", 1);
	hear_end(&example, peer);
	close(peer);
	assert_int_equal(example.echoes, 1);
	still_serves(&example);
	example_stop(&example);
}

/* Catches a message that makes the server recurse as deep as its sender likes. */
static void test_depth(void **state)
{
	static char deep[1U << 20];
	struct example example;
	int peer;

	start(&example, (struct varlink_limits){ 0 });
	peer = peer_new(&example);
	memset(deep, '[', sizeof(deep) - 1);
	memcpy(deep, "{\"a\":", 5);
	say_bytes(&example, peer, deep, sizeof(deep));
	hear_end(&example, peer);
	close(peer);
	still_serves(&example);
	example_stop(&example);
}

/* Catches users, one or all of them together, who can keep root or one another out. */
static void test_connections(void **state)
{
	struct example example;
	int alice[3], bob, root[2];

	if (geteuid() != 0)
		skip();
	start(&example, (struct varlink_limits){
				.connections = 6, .connections_user = 3, .connections_root = 2 });
	for (size_t i = 0; i < ELEMENTS(alice); i++)
		alice[i] = peer_as(&example, ALICE);
	refuse(&example, ALICE);
	bob = peer_as(&example, BOB);
	refuse(&example, BOB);
	root[0] = peer_as(&example, 0);
	root[1] = peer_as(&example, 0);
	refuse(&example, 0);

	/* Whoever has a place keeps it, and one that is left is free again. */
	say(&example, alice[2], ECHO("alice"));
	hear(&example, alice[2], ECHOED("alice"));
	say(&example, root[1], CALL("Root", ""));
	hear(&example, root[1], "{\"parameters\":{}}");
	close(alice[0]);
	settle(&example);
	alice[0] = peer_as(&example, ALICE);
	refuse(&example, ALICE);

	for (size_t i = 0; i < ELEMENTS(alice); i++)
		close(alice[i]);
	close(bob);
	close(root[0]);
	close(root[1]);
	example_stop(&example);
}

/* Catches the limit of one user where no other user can be had: without root. */
static void test_connections_user(void **state)
{
	struct example example;
	int peers[3];

	start(&example, (struct varlink_limits){ .connections = geteuid() == 0 ? 3 : 100,
						 .connections_user = geteuid() == 0 ? 100 : 3 });
	for (size_t i = 0; i < ELEMENTS(peers); i++)
		peers[i] = peer_new(&example);
	refuse(&example, geteuid());
	for (size_t i = 0; i < ELEMENTS(peers); i++)
		close(peers[i]);
	settle(&example);
	still_serves(&example);
	example_stop(&example);
}

/* Catches peers that stay without a word, with half a word, or letter by letter. */
static void test_idle(void **state)
{
	static const char quiet[] =
		CALL("Echo", ",\"oneway\":true,\"parameters\":{\"text\":\"x\"}");
	const uint64_t idle = 1000000, begin = clock_usec();
	struct example example;
	int silent, half, slow, busy, watcher;

	start(&example, (struct varlink_limits){ .idle_usec = idle });
	silent = peer_new(&example);
	half = peer_new(&example);
	slow = peer_new(&example);
	busy = peer_new(&example);
	watcher = peer_new(&example);
	say(&example, watcher, CALL("Watch", ",\"more\":true"));
	hear(&example, watcher, "{\"parameters\":{},\"continues\":true}");
	say_bytes(&example, half, "{\"method\":", 10);
	say(&example, slow, ECHO("x"));
	hear(&example, slow, ECHOED("x"));

	while (send(slow, "x", 1, MSG_NOSIGNAL) == 1 && clock_usec() - begin < PATIENCE_USEC) {
		say(&example, busy, quiet);
		sd_event_run(example.event, 10000);
	}
	assert_true(clock_usec() - begin >= idle);
	assert_true(clock_usec() - begin < PATIENCE_USEC);
	hear_end(&example, silent);
	hear_end(&example, half);

	/* One whose calls need no answers is not idle, nor is one that waits for its answer. */
	say(&example, busy, ECHO("x"));
	hear(&example, busy, ECHOED("x"));
	hear_nothing(&example, watcher);
	assert_int_equal(varlink_reply(example.kept, json_object()), 0);
	hear(&example, watcher, "{\"parameters\":{}}");
	say(&example, watcher, ECHO("x"));
	hear(&example, watcher, ECHOED("x"));
	hear_end(&example, watcher);

	close(silent);
	close(half);
	close(slow);
	close(busy);
	close(watcher);
	still_serves(&example);
	example_stop(&example);
}

/* Catches a server that waits for one peer to read, or tears an answer that is sent in parts. */
static void test_never_reads(void **state)
{
	const size_t size = 8U << 20;
	_cleanup_free_ char *answer = NULL;
	struct example example;
	int peer;

	start(&example, (struct varlink_limits){ 0 });
	peer = peer_new(&example);
	say(&example, peer, CALL("Big", ",\"parameters\":{\"bytes\":8388608}"));
	say(&example, peer, ECHO("behind"));
	settle(&example);
	assert_int_equal(example.echoes, 0);
	still_serves(&example);

	answer = hear_bytes(&example, peer);
	assert_non_null(answer);
	assert_int_equal(strlen(answer), size + strlen(ECHOED("")));
	assert_int_equal(strspn(answer + strlen("{\"parameters\":{\"text\":\""), "x"), size);
	hear(&example, peer, ECHOED("behind"));
	close(peer);
	example_stop(&example);
}

/* wait_hangup() - until the server has hung up, without reading what it said before */
static void wait_hangup(struct example *example, int peer)
{
	struct pollfd end = { .fd = peer };
	uint64_t begin = clock_usec();

	while (poll(&end, 1, 0) == 0) {
		sd_event_run(example->event, 10000);
		if (clock_usec() - begin > PATIENCE_USEC)
			fail_msg("the server keeps a peer that does not read");
	}
	assert_true(end.revents & POLLHUP);
}

/* Catches an answer that waits for ever for somebody to read it. */
static void test_stalled(void **state)
{
	struct example example;
	int peer;

	start(&example, (struct varlink_limits){ .idle_usec = 200000 });
	peer = peer_new(&example);
	say(&example, peer, CALL("Big", ",\"parameters\":{\"bytes\":8388608}"));
	wait_hangup(&example, peer);
	close(peer);
	still_serves(&example);
	example_stop(&example);
}

/* Catches a peer that is cut although it reads, only not fast. */
static void test_slow_reader(void **state)
{
	const uint64_t idle = 1000000, pause = 40000, begin = clock_usec();
	const size_t size = (8U << 20) + strlen(ECHOED("")) + 1;
	static char bytes[200000];
	struct example example;
	size_t taken = 0;
	int peer;

	start(&example, (struct varlink_limits){ .idle_usec = idle });
	peer = peer_new(&example);
	say(&example, peer, CALL("Big", ",\"parameters\":{\"bytes\":8388608}"));
	while (taken < size) {
		uint64_t next = clock_usec() + pause, time;
		ssize_t n;

		while ((time = clock_usec()) < next)
			sd_event_run(example.event, next - time);
		n = recv(peer, bytes, sizeof(bytes), 0);
		assert_true(n > 0 || (n < 0 && errno == EAGAIN));
		taken += n > 0 ? (size_t)n : 0;
		assert_true(clock_usec() - begin < PATIENCE_USEC);
	}
	assert_int_equal(taken, size);
	assert_true(clock_usec() - begin > idle);
	close(peer);
	example_stop(&example);
}

/* Catches answers that pile up for a peer which only asks. */
static void test_asks_without_reading(void **state)
{
	const unsigned int calls = 20;
	struct example example;
	char call[] = CALL("Big", ",\"parameters\":{\"bytes\":1048576}");
	unsigned int sent = 0;
	int peer;

	start(&example, (struct varlink_limits){ .reply_bytes = 2U << 20 });
	peer = peer_new(&example);
	for (unsigned int n = 0; n < calls; n++) {
		sent += send(peer, call, sizeof(call), MSG_NOSIGNAL) == sizeof(call);
		settle(&example);
	}
	assert_int_equal(sent, calls);
	for (unsigned int n = 0; n < calls; n++) {
		_cleanup_free_ char *answer = hear_bytes(&example, peer);

		assert_non_null(answer);
		assert_int_equal(strlen(answer), (1U << 20) + strlen(ECHOED("")));
	}
	close(peer);
	example_stop(&example);
}

/* Catches a peer whose many expensive calls keep the others waiting for all of them. */
static void test_turns(void **state)
{
	static const char call[] = CALL("Slow", "");
	char calls[10 * sizeof(call)];
	struct example example;
	int busy, peer;

	start(&example, (struct varlink_limits){ 0 });
	busy = peer_new(&example);
	peer = peer_new(&example);
	for (size_t n = 0; n < 10; n++)
		memcpy(calls + n * sizeof(call), call, sizeof(call));
	say_bytes(&example, busy, calls, sizeof(calls));
	hear(&example, busy, "{\"parameters\":{}}");
	say(&example, peer, ECHO("x"));
	hear(&example, peer, ECHOED("x"));
	assert_in_range(example.slow, 1, 5);
	for (size_t n = 1; n < 10; n++)
		hear(&example, busy, "{\"parameters\":{}}");
	close(busy);
	close(peer);
	example_stop(&example);
}

/* Catches calls that are counted as one long call while they wait for the one before them. */
static void test_many_calls_wait(void **state)
{
	static const char call[] = ECHO("x");
	char calls[100 * sizeof(call)];
	struct example example;
	int peer;

	start(&example, (struct varlink_limits){ .call_bytes = 200 });
	peer = peer_new(&example);
	for (size_t n = 0; n < 100; n++)
		memcpy(calls + n * sizeof(call), call, sizeof(call));
	say(&example, peer, CALL("Later", ""));
	say_bytes(&example, peer, calls, sizeof(calls));
	hear_nothing(&example, peer);
	assert_int_equal(varlink_reply(example.kept, json_object()), 0);
	hear(&example, peer, "{\"parameters\":{}}");
	for (size_t n = 0; n < 100; n++)
		hear(&example, peer, ECHOED("x"));
	close(peer);
	example_stop(&example);
}

/* Catches an answer without a bound. */
static void test_reply_bytes(void **state)
{
	_cleanup_free_ char *text = echo_of(1U << 20);
	struct example example;
	int peer;

	start(&example, (struct varlink_limits){ .reply_bytes = 1U << 20 });
	peer = peer_new(&example);
	say(&example, peer, CALL("Big", ",\"parameters\":{\"bytes\":1048000}"));
	free(hear_bytes(&example, peer));
	assert_int_equal(example.result, 0);
	say(&example, peer, CALL("Big", ",\"parameters\":{\"bytes\":1048576}"));
	hear_end(&example, peer);
	assert_int_equal(example.result, -ENOBUFS);
	close(peer);

	/* It ends the connection also when that is not writable because the peer does not read. */
	peer = peer_new(&example);
	say(&example, peer, CALL("Watch", ",\"more\":true"));
	settle(&example);
	while (varlink_reply_continues(example.kept, json_pack("{s:i}", "n", 1)) == 0)
		settle(&example);
	assert_int_equal(varlink_reply(example.kept, json_pack("{s:s}", "text", text)), -ENOBUFS);
	wait_hangup(&example, peer);
	close(peer);
	settle(&example);
	still_serves(&example);
	example_stop(&example);
}

/* Catches a watcher that does not read and costs memory, its stream, or an event torn in two. */
static void test_slow_watcher(void **state)
{
	const size_t limit = 64U << 10;
	struct example example;
	int peer, r = 0, n, heard = 0;
	char expected[64];

	start(&example, (struct varlink_limits){ .stream_bytes = limit });
	peer = peer_new(&example);
	say(&example, peer, CALL("Watch", ",\"more\":true"));
	settle(&example);
	for (n = 0; r == 0; n++) {
		r = varlink_reply_continues(example.kept, json_pack("{s:i}", "n", n));
		settle(&example);
	}
	assert_int_equal(r, -ENOBUFS);
	assert_true(varlink_pending(example.kept) <= limit);
	assert_true(varlink_pending(example.kept) > limit - 64);
	for (int more = 0; more < 1000; more++)
		assert_int_equal(
			varlink_reply_continues(example.kept, json_pack("{s:i}", "n", 1000000)),
			-ENOBUFS);
	assert_int_equal(varlink_lost(example.kept), 1001);
	assert_int_equal(example.gone, 0);

	/* What was taken arrives, whole and in order, and then the stream goes on. */
	hear(&example, peer, "{\"parameters\":{},\"continues\":true}");
	for (; heard < n - 1; heard++) {
		sprintf(expected, "{\"parameters\":{\"n\":%d},\"continues\":true}", heard);
		hear(&example, peer, expected);
	}
	hear_nothing(&example, peer);
	assert_int_equal(varlink_pending(example.kept), 0);
	assert_int_equal(varlink_reply_continues(example.kept, json_pack("{s:i}", "n", 7)), 0);
	assert_int_equal(varlink_lost(example.kept), 0);
	hear(&example, peer, "{\"parameters\":{\"n\":7},\"continues\":true}");
	close(peer);
	example_stop(&example);
}

/* Catches a user who has many connections and so many times the memory of one. */
static void test_user_bytes(void **state)
{
	static const char call[] = CALL("Big", ",\"parameters\":{\"bytes\":3145728}");
	struct example example;
	int alice[2], bob, carol, root;

	if (geteuid() != 0)
		skip();
	start(&example,
	      (struct varlink_limits){ .user_bytes = 5U << 20, .others_bytes = 9U << 20 });
	for (size_t i = 0; i < 2; i++)
		alice[i] = peer_as(&example, ALICE);
	bob = peer_as(&example, BOB);
	carol = peer_as(&example, CAROL);
	root = peer_as(&example, 0);

	/* An answer waits for Alice; her second one would be too much, Bob's is not. */
	say(&example, alice[0], call);
	settle(&example);
	assert_int_equal(example.result, 0);
	say(&example, alice[1], call);
	settle(&example);
	assert_int_equal(example.result, -ENOBUFS);
	hear_end(&example, alice[1]);
	say(&example, bob, call);
	settle(&example);
	assert_int_equal(example.result, 0);

	/* All users together are near their limit now: Carol is refused, and root is not. */
	say(&example, carol, call);
	settle(&example);
	assert_int_equal(example.result, -ENOBUFS);
	hear_end(&example, carol);
	say(&example, root, call);
	settle(&example);
	assert_int_equal(example.result, 0);
	free(hear_bytes(&example, alice[0]));
	free(hear_bytes(&example, root));
	close(alice[0]);
	close(alice[1]);
	close(bob);
	close(carol);
	close(root);
	example_stop(&example);
}

/* Catches calls that are never finished and hold memory: what was received counts as well. */
static void test_user_bytes_received(void **state)
{
	_cleanup_free_ char *half = calloc(1, VARLINK_CALL_BYTES_MAX);
	struct example example;
	int peers[8], open = 0;

	if (geteuid() != 0)
		skip();
	start(&example, (struct varlink_limits){ .user_bytes = 2U << 20 });
	memset(half, 'x', VARLINK_CALL_BYTES_MAX);
	for (size_t i = 0; i < ELEMENTS(peers); i++) {
		peers[i] = peer_as(&example, ALICE);
		say_bytes(&example, peers[i], half, VARLINK_CALL_BYTES_MAX);
		settle(&example);
	}
	for (size_t i = 0; i < ELEMENTS(peers); i++) {
		struct pollfd end = { .fd = peers[i] };

		open += poll(&end, 1, 0) == 0;
		close(peers[i]);
	}
	assert_in_range(open, 1, 3);
	settle(&example);
	still_serves(&example);
	example_stop(&example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_size),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_connections_user),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_never_reads),
		cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_asks_without_reading),
		cmocka_unit_test(test_many_calls_wait),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_reply_bytes),
		cmocka_unit_test(test_slow_watcher),
		cmocka_unit_test(test_user_bytes),
		cmocka_unit_test(test_user_bytes_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
