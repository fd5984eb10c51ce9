/* SPDX-License-Identifier: MIT */
/*
 * varlink_connection.h - what the files of the server share
 */
#ifndef PORTCRED_CONTROL_VARLINK_CONNECTION_H
#define PORTCRED_CONTROL_VARLINK_CONNECTION_H

#include <systemd/sd-event.h>

#include "control/varlink.h"
#include "control/varlink_message.h"

struct varlink_server {
	sd_event *event;
	const struct varlink_service *service;
	struct varlink_limits limits;
	void *userdata;
	int listening; /* -EBADF for none */
	sd_event_source *accept;
	sd_event_source *resume; /* accepts again after descriptors ran out */
	struct varlink_connection *connections;
};

/*
 * struct varlink_connection - one peer
 * @call: the call being served, not a reference; the next one waits until it is answered
 * @idle: the timer of limits.idle_usec
 * @serving: its turn: run() sees to whatever is left to do
 * @moved: something was received or sent since the timer was set
 * @ended: the peer will send no more
 * @passing: descriptor that rides with the first byte of @out; -EBADF for none
 * @passed: one was sent, and may not have been taken yet
 * @lingering: over, but for its place (see varlink_connection_end()); microseconds until the next look
 * @since: CLOCK_BOOTTIME, nanoseconds
 */
struct varlink_connection {
	struct varlink_server *server;
	struct varlink_connection *next, *previous;
	struct ucred peer;
	int fd;
	sd_event_source *io;
	sd_event_source *idle;
	struct varlink_buffer in;
	struct varlink_buffer out;
	struct varlink_call *call;
	bool serving;
	bool moved;
	bool ended;
	int passing;
	bool passed;
	uint64_t lingering;
	uint64_t since;
};

/* struct varlink_call - @connection is NULL when it is answered, or the peer gone */
struct varlink_call {
	unsigned int references;
	struct varlink_connection *connection;
	struct ucred peer;
	uint64_t since; /* of its connection */
	bool more;
	bool oneway;
	bool answered;
	uint64_t lost;
	void (*gone)(struct varlink_call *call, void *userdata);
	void *userdata;
};

/* varlink_connection_new() - @fd is the connection's in any case; @peer within the limits */
int varlink_connection_new(struct varlink_server *server, int fd, const struct ucred *peer);
void varlink_connection_free(struct varlink_connection *connection);

/*
 * varlink_connection_end() - free it, unless a descriptor is on its way to its peer
 *
 * Such a one keeps its place among the limits' until the descriptor is taken or the peer has closed
 * its end: else a peer could gather any number of them, connection by connection.
 */
void varlink_connection_end(struct varlink_connection *connection);

/* varlink_connection_passes() - whether a descriptor is on its way to the peer */
bool varlink_connection_passes(struct varlink_connection *connection);

/* varlink_connection_wake() - see to @connection from the event loop, soon */
void varlink_connection_wake(struct varlink_connection *connection);

/* varlink_connection_fail() - end @connection from the event loop, soon */
void varlink_connection_fail(struct varlink_connection *connection);

/* varlink_connection_room() - how many bytes @connection may buffer for its peer beyond today's */
size_t varlink_connection_room(const struct varlink_connection *connection, size_t limit);

/* varlink_dispatch() - serve one message; 0; -EBADMSG or -ENOMEM, and the connection must end */
int varlink_dispatch(struct varlink_connection *connection, const char *text, size_t length);

/* varlink_description_has() - whether an interface's definition declares @method */
bool varlink_description_has(const char *description, const char *method);

/* varlink_call_new() - @connection now serves it; the reference is the caller's */
struct varlink_call *varlink_call_new(struct varlink_connection *connection,
				      const struct varlink_request *request);

/* varlink_call_answer_own() - with an error of the served interface; @parameters stolen, or NULL */
int varlink_call_answer_own(struct varlink_call *call, const char *error, json_t *parameters);
int varlink_call_answer_failed(struct varlink_call *call, const char *reason);

/* varlink_call_disconnect() - the peer of @call has gone */
void varlink_call_disconnect(struct varlink_call *call);

#endif
