/* SPDX-License-Identifier: MIT */
/*
 * varlink_peer.h - a small service, and peers that talk to it byte by byte
 *
 * Server and peers share one thread: a peer that waits for something runs the server's event loop
 * meanwhile. Nothing sleeps.
 */
#ifndef PORTCRED_TESTS_VARLINK_PEER_H
#define PORTCRED_TESTS_VARLINK_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/grow.h"
#include "control/interface.h"
#include "control/varlink.h"

/* How long a peer waits for what has to come. */
#define PATIENCE_USEC (20U * 1000000U)

#define EXAMPLE "org.example.test"

static const char example_description[] =
	"# A comment\n"
	"interface " EXAMPLE "\n"
	"method Echo(text: string, number: ?int, flag: ?bool, real: ?float, list: ?[]int,\n"
	"  object: ?object) -> (text: string)\n"
	"method Root() -> ()\n"
	"method Watch() -> (n: ?int)\n"
	"method Later() -> ()\n"
	"method Big(bytes: int) -> (text: string)\n"
	"method Silent() -> ()\n"
	"method Slow() -> ()\n"
	"method Broken() -> ()\n"
	"method Unwritable() -> ()\n"
	"method Twice() -> ()\n"
	"method Pass() -> (fd: int)\n"
	"method Missing(n: int) -> ()\n"
	"error PermissionDenied ()\n"
	"error Failed (reason: string)\n";

/* struct example - @kept: a call of Later or Watch, referenced; @result: what Twice was told */
struct example {
	sd_event *event;
	struct varlink_server *server;
	struct varlink_call *kept;
	unsigned int echoes;
	unsigned int roots;
	unsigned int gone;
	unsigned int slow;
	int result;
};

static int echo(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct example *example = userdata;

	example->echoes++;
	return varlink_reply(call, json_pack("{s:O}", "text", json_object_get(parameters, "text")));
}

static int root(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct example *example = userdata;

	example->roots++;
	return varlink_reply(call, json_object());
}

static void on_gone(struct varlink_call *call, void *userdata)
{
	struct example *example = userdata;

	example->gone++;
	assert_ptr_equal(call, example->kept);
	assert_int_equal(varlink_reply_continues(call, json_object()), -ENOTCONN);
	example->kept = NULL;
	varlink_call_unref(call);
}

static int keep(struct varlink_call *call, struct example *example)
{
	assert_null(example->kept);
	example->kept = varlink_call_ref(call);
	varlink_call_on_disconnect(call, on_gone, example);
	return 0;
}

static int watch(struct varlink_call *call, json_t *parameters, void *userdata)
{
	assert_int_equal(varlink_reply_continues(call, json_object()), 0);
	return keep(call, userdata);
}

static int later(struct varlink_call *call, json_t *parameters, void *userdata)
{
	/* Not a call of several answers. */
	assert_int_equal(varlink_reply_continues(call, json_object()), -EINVAL);
	return keep(call, userdata);
}

static int big(struct varlink_call *call, json_t *parameters, void *userdata)
{
	size_t bytes = (size_t)json_integer_value(json_object_get(parameters, "bytes"));
	_cleanup_free_ char *text = malloc(bytes + 1);

	assert_non_null(text);
	memset(text, 'x', bytes);
	text[bytes] = '\0';
	((struct example *)userdata)->result =
		varlink_reply(call, json_pack("{s:s}", "text", text));
	return 0;
}

static inline uint64_t clock_usec(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000U + (uint64_t)time.tv_nsec / 1000U;
}

static int slow(struct varlink_call *call, json_t *parameters, void *userdata)
{
	((struct example *)userdata)->slow++;
	for (uint64_t begin = clock_usec(); clock_usec() - begin < 5000;)
		;
	return varlink_reply(call, json_object());
}

static int silent(struct varlink_call *call, json_t *parameters, void *userdata)
{
	return 0;
}

static int broken(struct varlink_call *call, json_t *parameters, void *userdata)
{
	return -EIO;
}

static int unwritable(struct varlink_call *call, json_t *parameters, void *userdata)
{
	assert_int_equal(varlink_reply(call, json_pack("{s:s}", "comm", "\xff")), -EINVAL);
	return 0;
}

static int twice(struct varlink_call *call, json_t *parameters, void *userdata)
{
	assert_int_equal(varlink_reply(call, json_object()), 0);
	((struct example *)userdata)->result = varlink_reply(call, json_object());
	return -EIO;
}

/* pass() - the end to read of a pipe that has one byte in it; the end to write is nobody's */
static int pass(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct example *example = userdata;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	close(ends[1]);
	example->result = varlink_reply_fd(call, json_pack("{s:i}", "fd", 0), ends[0]);
	return example->result;
}

static const struct varlink_parameter echo_parameters[] = {
	{ "text", VARLINK_STRING },
	{ "number", VARLINK_INT, true },
	{ "flag", VARLINK_BOOL, true },
	{ "real", VARLINK_FLOAT, true },
	{ "list", VARLINK_ARRAY, true },
	{ "object", VARLINK_OBJECT, true },
	{ 0 },
};

static const struct varlink_parameter big_parameters[] = { { "bytes", VARLINK_INT }, { 0 } };

static const struct varlink_method example_methods[] = {
	{ "Echo", echo_parameters, 0, echo },
	{ "Root", NULL, VARLINK_ROOT_ONLY, root },
	{ "Watch", NULL, VARLINK_MORE, watch },
	{ "Later", NULL, 0, later },
	{ "Big", big_parameters, 0, big },
	{ "Silent", NULL, 0, silent },
	{ "Slow", NULL, 0, slow },
	{ "Broken", NULL, 0, broken },
	{ "Unwritable", NULL, 0, unwritable },
	{ "Twice", NULL, 0, twice },
	{ "Pass", NULL, 0, pass },
	{ 0 },
};

static const struct varlink_service example_service = {
	.vendor = "Example",
	.product = "test",
	.version = "1",
	.url = "https://example.org",
	.interface = EXAMPLE,
	.description = example_description,
	.methods = example_methods,
};

static void example_start(struct example *example, const struct varlink_limits *limits)
{
	*example = (struct example){ 0 };
	assert_true(sd_event_new(&example->event) >= 0);
	assert_int_equal(varlink_server_new(&example->server, example->event, &example_service,
					    limits, example),
			 0);
}

static void example_stop(struct example *example)
{
	varlink_server_free(example->server);
	varlink_call_unref(example->kept);
	sd_event_unref(example->event);
}

/* settle() - run the server until it has nothing more to do now */
static inline void settle(struct example *example)
{
	uint64_t start = clock_usec();

	while (sd_event_run(example->event, 0) > 0) {
		if (clock_usec() - start > PATIENCE_USEC)
			fail_msg("the server is never done: it spins");
	}
}

/* peer_pair() - a connected socket and its other end, as user @uid where that may be set */
static inline void peer_pair(uid_t uid, int pair[static 2])
{
	uid_t mine = geteuid();

	if (uid != mine)
		assert_int_equal(seteuid(uid), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	if (uid != mine)
		assert_int_equal(seteuid(mine), 0);
}

/* peer_as() - a peer of user @uid; peer_new() - of our own */
static inline int peer_as(struct example *example, uid_t uid)
{
	int pair[2];

	peer_pair(uid, pair);
	assert_int_equal(varlink_server_add_connection(example->server, pair[1]), 0);
	return pair[0];
}

static inline int peer_new(struct example *example)
{
	return peer_as(example, geteuid());
}

/* say_bytes() - all of them, however slowly the server takes them */
static inline void say_bytes(struct example *example, int peer, const char *bytes, size_t size)
{
	uint64_t start = clock_usec();

	while (size > 0) {
		ssize_t n = send(peer, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* the server has hung up: for the test to find out */
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		} else {
			sd_event_run(example->event, 1000);
		}
		if (clock_usec() - start > PATIENCE_USEC)
			fail_msg("the server does not read");
	}
}

static inline void say(struct example *example, int peer, const char *message)
{
	say_bytes(example, peer, message, strlen(message) + 1);
}

/* call() - say a call of @method with @rest of the message, which may be "" */
#define CALL(method, rest) "{\"method\":\"" EXAMPLE "." method "\"" rest "}"

/* hear_bytes() - the next message; NULL where the server hangs up first */
static inline char *hear_bytes(struct example *example, int peer)
{
	size_t size = 0, allocated = 1U << 16;
	char *text = malloc(allocated);
	uint64_t start = clock_usec();

	for (;;) {
		ssize_t n, end;

		assert_non_null(text);
		/* Look first: what is behind the message is left for the next one to hear. */
		n = recv(peer, text + size, allocated - size, MSG_PEEK);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			assert_int_equal(size, 0);
			free(text);
			return NULL;
		}
		if (n > 0) {
			end = (ssize_t)strnlen(text + size, (size_t)n);
			if (end < n)
				n = end + 1;
			assert_int_equal(recv(peer, text + size, (size_t)n, 0), n);
			size += (size_t)n;
			if (text[size - 1] == '\0')
				return text;
			if (allocated - size < allocated / 2)
				assert_int_equal(GROW(text, allocated, allocated), 0);
			continue;
		}
		sd_event_run(example->event, 10000);
		if (clock_usec() - start > PATIENCE_USEC)
			fail_msg("the server does not answer");
	}
}

/* hear() - the next message has to be @expected */
static inline void hear(struct example *example, int peer, const char *expected)
{
	_cleanup_free_ char *text = hear_bytes(example, peer);

	if (!text)
		fail_msg("the server hung up instead of: %s", expected);
	assert_string_equal(text, expected);
}

/* hear_end() - the server hangs up, and says nothing before it does */
static inline void hear_end(struct example *example, int peer)
{
	_cleanup_free_ char *text = hear_bytes(example, peer);

	if (text)
		fail_msg("the server answered: %.200s", text);
}

/* hear_nothing() - the server has nothing more to say now, and has not hung up */
static inline void hear_nothing(struct example *example, int peer)
{
	char byte;

	settle(example);
	assert_int_equal(recv(peer, &byte, 1, MSG_PEEK), -1);
	assert_int_equal(errno, EAGAIN);
}

/* still_serves() - a new peer of ours is answered */
static inline void still_serves(struct example *example)
{
	int peer = peer_new(example);

	say(example, peer, CALL("Echo", ",\"parameters\":{\"text\":\"still\"}"));
	hear(example, peer, "{\"parameters\":{\"text\":\"still\"}}");
	close(peer);
	settle(example);
}

#define ECHO(text)   CALL("Echo", ",\"parameters\":{\"text\":\"" text "\"}")
#define ECHOED(text) "{\"parameters\":{\"text\":\"" text "\"}}"

#define ERROR(name, parameters) "{\"error\":\"" name "\",\"parameters\":{" parameters "}}"

#endif
