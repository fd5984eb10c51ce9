/* SPDX-License-Identifier: MIT */
/*
 * control.c - libFuzzer target: what a peer may send to the control socket
 *
 * The first byte says in which pieces the rest arrives. The rest goes, as a stream of calls,
 *  - through the framing, which must find the messages that a naive reading finds,
 *  - through both parsers,
 *  - into a server over a socket pair, which must answer only with whole answers, no more of them
 *    than there were calls (but those of a stream), and forget the peer when it leaves, with the
 *    descriptors that it was sent.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/interface.h"
#include "control/varlink_connection.h"

/* Small, so that inputs of ordinary size cross the limits. */
#define CALL_MAX 512U

/* Answers that Watch gives at once, beside the last one. */
#define STREAM 3U

struct fuzz {
	sd_event *event;
	struct varlink_server *server;
	struct varlink_call *watcher;
	size_t streamed;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int get_status(struct varlink_call *call, json_t *parameters, void *userdata)
{
	return varlink_reply(call, json_pack("{s:i}", "pid", (int)varlink_peer(call)->pid));
}

/* bind_socket() - an answer with a descriptor, of which a peer may let many lie about */
static int bind_socket(struct varlink_call *call, json_t *parameters, void *userdata)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		abort();
	return varlink_reply_fd(call, json_pack("{s:i}", "fd", 0), fd);
}

static void on_gone(struct varlink_call *call, void *userdata)
{
	struct fuzz *fuzz = userdata;

	assert(call == fuzz->watcher);
	fuzz->watcher = NULL;
	varlink_call_unref(call);
}

static int watch(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct fuzz *fuzz = userdata;

	for (size_t n = 0; n < STREAM; n++)
		fuzz->streamed += varlink_reply_continues(call, json_object()) == 0;
	assert(!fuzz->watcher);
	fuzz->watcher = varlink_call_ref(call);
	varlink_call_on_disconnect(call, on_gone, fuzz);
	return 0;
}

static int reload(struct varlink_call *call, json_t *parameters, void *userdata)
{
	json_t *try = json_object_get(parameters, "try"), *force;

	force = json_object_get(parameters, "force");
	assert(!try || json_is_null(try) || json_is_integer(try));
	assert(!force || json_is_null(force) || json_is_boolean(force));
	return json_is_true(force) ? -EIO : varlink_reply(call, json_incref(parameters));
}

static const struct varlink_parameter reload_parameters[] = {
	{ "try", VARLINK_INT, true },
	{ "force", VARLINK_BOOL, true },
	{ 0 },
};

static const struct varlink_method methods[] = {
	{ "GetStatus", NULL, 0, get_status },
	{ "Watch", NULL, VARLINK_MORE, watch },
	{ "Reload", reload_parameters, 0, reload },
	{ "Bind", NULL, 0, bind_socket },
	{ "Confirm", NULL, VARLINK_ROOT_ONLY, get_status },
	{ 0 },
};

static const struct varlink_service service = {
	.vendor = "",
	.product = "portcred",
	.version = "0",
	.url = "",
	.interface = INTERFACE_PORTCRED,
	.description = interface_portcred,
	.methods = methods,
};

/* read_naively() - the end of the message that starts at @data; NULL where it does not end */
static const uint8_t *read_naively(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\0')
			return data + i;
	}
	return NULL;
}

static void parse(const char *message, size_t length)
{
	struct varlink_request request;
	struct varlink_answer answer;
	json_t *root;

	if (varlink_request_parse(message, length, &request) == 0) {
		assert(request.method && json_is_object(request.parameters));
		json_decref(request.root);
	}
	if (varlink_answer_parse(message, length, &root, &answer) == 0) {
		assert(json_is_object(answer.parameters));
		json_decref(root);
	}
}

/* frame() - returns how many messages the stream has before it ends or goes wrong */
static size_t frame(const uint8_t *data, size_t size, size_t piece)
{
	struct varlink_buffer buffer = { 0 };
	const uint8_t *from = data, *end;
	size_t messages = 0, taken = 0;
	int r = 0;

	while (r >= 0 && taken < size) {
		const char *message;
		char *room;
		size_t n, length;

		r = varlink_buffer_room(&buffer, CALL_MAX, &room, &n);
		assert(r == 0);
		n = n < piece ? n : piece;
		n = n < size - taken ? n : size - taken;
		memcpy(room, data + taken, n);
		varlink_buffer_filled(&buffer, n);
		taken += n;
		while ((r = varlink_buffer_next(&buffer, CALL_MAX, &message, &length)) > 0) {
			end = read_naively(from, size - (size_t)(from - data));
			assert(end && (size_t)(end - from) == length);
			assert(memcmp(message, from, length + 1) == 0);
			from = end + 1;
			messages++;
			parse(message, length);
		}
		assert(buffer.allocated <= 4 * (CALL_MAX + VARLINK_BUFFER_KEEP));
	}
	end = read_naively(from, size - (size_t)(from - data));
	if (r == 0)
		assert(!end && size - (size_t)(from - data) <= CALL_MAX);
	else
		assert((size_t)((end ? end : data + size) - from) > CALL_MAX);
	varlink_buffer_clear(&buffer);
	return messages;
}

/* hear() - what the server has said so far into @heard; returns whether it is still there */
static bool hear(int peer, struct varlink_buffer *heard)
{
	size_t room;
	ssize_t n;
	char *to;

	for (;;) {
		if (varlink_buffer_room(heard, SIZE_MAX / 2, &to, &room) < 0)
			abort();
		n = recv(peer, to, room, MSG_DONTWAIT);
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		varlink_buffer_filled(heard, (size_t)n);
	}
}

static void settle(struct fuzz *fuzz)
{
	while (sd_event_run(fuzz->event, 0) > 0)
		;
}

/* check() - that all of @heard are answers, at most @calls and those of streams */
static void check(struct fuzz *fuzz, struct varlink_buffer *heard, size_t calls)
{
	struct varlink_answer answer;
	const char *message;
	size_t length, answers = 0;
	json_t *root;

	while (varlink_buffer_next(heard, SIZE_MAX, &message, &length) > 0) {
		if (varlink_answer_parse(message, length, &root, &answer) != 0)
			abort();
		json_decref(root);
		answers++;
	}
	assert(varlink_buffer_held(heard) == 0);
	assert(answers <= calls + fuzz->streamed);
}

/* forget_lingering() - what the idle timer would find: the peer has gone, and took its descriptor */
static void forget_lingering(struct fuzz *fuzz)
{
	struct varlink_connection *connection = fuzz->server->connections;

	if (!connection || !connection->lingering)
		return;
	assert(!varlink_connection_passes(connection));
	varlink_connection_free(connection);
}

static void converse(struct fuzz *fuzz, const uint8_t *data, size_t size, size_t piece,
		     size_t calls)
{
	struct varlink_buffer heard = { 0 };
	bool there = true;
	int pair[2];

	fuzz->streamed = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0 ||
	    varlink_server_add_connection(fuzz->server, pair[1]) < 0)
		abort();
	while (there && size > 0) {
		size_t n = size < piece ? size : piece;
		ssize_t sent = send(pair[0], data, n, MSG_NOSIGNAL);

		if (sent > 0) {
			data += sent;
			size -= (size_t)sent;
		}
		settle(fuzz);
		there = hear(pair[0], &heard);
		if (fuzz->watcher) {
			varlink_reply(fuzz->watcher, json_object());
			varlink_call_unref(TAKE_PTR(fuzz->watcher));
		}
	}
	/* Half of the peers say that they have said all, the others just leave. */
	if (piece & 1) {
		shutdown(pair[0], SHUT_WR);
		settle(fuzz);
		there = hear(pair[0], &heard);
		if (fuzz->watcher) {
			varlink_reply(fuzz->watcher, json_object());
			varlink_call_unref(TAKE_PTR(fuzz->watcher));
			settle(fuzz);
			there = hear(pair[0], &heard);
		}
		assert(!there);
	}
	close(pair[0]);
	settle(fuzz);
	forget_lingering(fuzz);
	assert(!fuzz->watcher && !fuzz->server->connections);
	check(fuzz, &heard, calls);
	varlink_buffer_clear(&heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct varlink_limits limits = { .call_bytes = CALL_MAX,
						      .stream_bytes = 100,
						      .reply_bytes = 1U << 16 };
	static struct fuzz fuzz;
	size_t piece, calls;

	if (!fuzz.server &&
	    (sd_event_new(&fuzz.event) < 0 ||
	     varlink_server_new(&fuzz.server, fuzz.event, &service, &limits, &fuzz) < 0))
		abort();
	if (size < 1 || size > 16384)
		return 0;
	piece = data[0] < 128 ? data[0] + 1U : 65536U - (data[0] & 1U);
	calls = frame(data + 1, size - 1, piece);
	converse(&fuzz, data + 1, size - 1, piece, calls);
	return 0;
}
