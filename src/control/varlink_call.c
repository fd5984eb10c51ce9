/* SPDX-License-Identifier: MIT */
/*
 * varlink_call.c - one call, from its arrival to its last answer
 *
 * A connection knows the call that it serves, and the call its connection, until one of the two
 * ends: by the last answer, by the peer's leaving, or because nobody holds the call any more.
 * Answers are only queued here; the event loop sends them.
 */
#include <errno.h>

#include "control/varlink_connection.h"

/* Linux 6.5, newer than the C library's headers may be. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* Linux 4.13 */
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* The longest "INTERFACE.Error" that is made here. */
#define ERROR_NAME_SIZE 256U

struct varlink_call *varlink_call_new(struct varlink_connection *connection,
				      const struct varlink_request *request)
{
	struct varlink_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->references = 1;
	call->connection = connection;
	call->peer = connection->peer;
	call->since = connection->since;
	call->more = request->more;
	call->oneway = request->oneway;
	connection->call = call;
	return call;
}

struct varlink_call *varlink_call_ref(struct varlink_call *call)
{
	call->references++;
	return call;
}

/* finish() - nothing more will be said to @call */
static void finish(struct varlink_call *call)
{
	struct varlink_connection *connection = call->connection;

	call->answered = true;
	if (!connection)
		return;
	call->connection = NULL;
	connection->call = NULL;
	varlink_connection_wake(connection);
}

/* put() - queue one message; @parameters is stolen */
static int put(struct varlink_call *call, json_t *parameters, const char *error, bool continues)
{
	struct varlink_connection *connection = call->connection;
	const struct varlink_limits *limits = &connection->server->limits;
	json_auto_t *message = varlink_answer_new(parameters, error, continues);
	size_t limit = continues ? limits->stream_bytes : limits->reply_bytes;
	int r;

	if (!message)
		return -ENOMEM;
	r = varlink_buffer_put(&connection->out, message,
			       varlink_connection_room(connection, limit));
	if (r >= 0)
		varlink_connection_wake(connection);
	return r;
}

/* answer() - the last message to @call; @parameters is stolen */
static int answer(struct varlink_call *call, json_t *parameters, const char *error)
{
	int r = 0;

	if (call->answered || !call->connection || call->oneway) {
		json_decref(parameters);
		if (call->answered)
			return -EALREADY;
		r = call->connection ? 0 : -ENOTCONN;
		finish(call);
		return r;
	}
	/* A peer whose answer cannot be written would wait for it until it gives up: end it. */
	r = put(call, parameters, error, false);
	if (r < 0)
		varlink_connection_fail(call->connection);
	finish(call);
	return r;
}

int varlink_call_answer_own(struct varlink_call *call, const char *error, json_t *parameters)
{
	char name[ERROR_NAME_SIZE];

	if (!call->connection)
		return answer(call, parameters, NULL);
	snprintf(name, sizeof(name), "%s.%s", call->connection->server->service->interface, error);
	return answer(call, parameters, name);
}

int varlink_call_answer_failed(struct varlink_call *call, const char *reason)
{
	return varlink_call_answer_own(call, "Failed", json_pack("{s:s}", "reason", reason));
}

void varlink_call_unref(struct varlink_call *call)
{
	if (!call || --call->references > 0)
		return;
	if (!call->answered)
		varlink_call_answer_failed(call, "the call was given up");
	free(call);
}

void varlink_call_disconnect(struct varlink_call *call)
{
	void (*gone)(struct varlink_call *, void *) = call->gone;

	call->connection->call = NULL;
	call->connection = NULL;
	call->gone = NULL;
	if (!gone)
		return;
	varlink_call_ref(call);
	gone(call, call->userdata);
	varlink_call_unref(call);
}

void varlink_call_on_disconnect(struct varlink_call *call,
				void (*gone)(struct varlink_call *call, void *userdata),
				void *userdata)
{
	if (call->answered)
		return;
	call->gone = gone;
	call->userdata = userdata;
}

int varlink_reply(struct varlink_call *call, json_t *parameters)
{
	if (parameters)
		return answer(call, parameters, NULL);
	varlink_call_answer_failed(call, "the answer could not be written");
	return -EINVAL;
}

int varlink_reply_fd(struct varlink_call *call, json_t *parameters, int fd)
{
	struct varlink_connection *connection = call->connection;
	_cleanup_close_ int owned = fd;

	if (!connection || call->oneway || !parameters)
		return varlink_reply(call, parameters);
	if (call->more || varlink_connection_passes(connection)) {
		json_decref(parameters);
		return call->more ? -EINVAL : -EBUSY;
	}
	/* A call is served once the answers before it are sent: the first byte is this one's. */
	connection->passing = TAKE_FD(owned);
	return varlink_reply(call, parameters);
}

bool varlink_passes(const struct varlink_call *call)
{
	return call->connection && varlink_connection_passes(call->connection);
}

int varlink_reply_continues(struct varlink_call *call, json_t *parameters)
{
	int r = 0;

	if (call->answered)
		r = -EALREADY;
	else if (!call->connection)
		r = -ENOTCONN;
	else if (!parameters || !call->more)
		r = -EINVAL;
	if (r < 0) {
		json_decref(parameters);
		return r;
	}
	r = put(call, parameters, NULL, true);
	call->lost = r < 0 ? call->lost + 1 : 0;
	return r;
}

uint64_t varlink_lost(const struct varlink_call *call)
{
	return call->lost;
}

int varlink_error(struct varlink_call *call, const char *name, json_t *parameters)
{
	return answer(call, parameters, name);
}

int varlink_invalid_parameter(struct varlink_call *call, const char *parameter)
{
	return answer(call, json_pack("{s:s}", "parameter", parameter), VARLINK_INVALID_PARAMETER);
}

size_t varlink_pending(const struct varlink_call *call)
{
	return call->connection ? varlink_buffer_held(&call->connection->out) : 0;
}

const struct ucred *varlink_peer(const struct varlink_call *call)
{
	return &call->peer;
}

uint64_t varlink_peer_since(const struct varlink_call *call)
{
	return call->since;
}

int varlink_peer_groups(const struct varlink_call *call, gid_t **ret_groups, size_t *ret_n)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t size = 0;

	if (!call->connection)
		return -ENOTCONN;
	if (getsockopt(call->connection->fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) < 0 &&
	    errno != ERANGE)
		return -errno;
	if (size > 0) {
		groups = malloc(size);
		if (!groups)
			return -ENOMEM;
		if (getsockopt(call->connection->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
			return -errno;
	}
	*ret_groups = TAKE_PTR(groups);
	*ret_n = size / sizeof(gid_t);
	return 0;
}

int varlink_peer_pidfd(const struct varlink_call *call, int *ret_fd)
{
	socklen_t size = sizeof(int);
	int fd;

	if (!call->connection)
		return -ENOTCONN;
	if (getsockopt(call->connection->fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}
