/* SPDX-License-Identifier: MIT */
/*
 * varlink_server.c - who may connect
 *
 * Every local user may, so places are limited, in all and for each uid, and some are kept for
 * root: no user, and no number of users together, can keep root from its daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "control/varlink_connection.h"

/* How long not to accept after descriptors or memory ran out: polling the socket would spin. */
#define ACCEPT_PAUSE_USEC 200000U

static void fill_limits(struct varlink_limits *limits)
{
#define DEFAULT(field, value) (limits->field = limits->field ? limits->field : (value))
	DEFAULT(call_bytes, VARLINK_CALL_BYTES_MAX);
	DEFAULT(connections, VARLINK_CONNECTIONS_MAX);
	DEFAULT(connections_user, VARLINK_CONNECTIONS_USER);
	DEFAULT(connections_root, VARLINK_CONNECTIONS_ROOT);
	DEFAULT(idle_usec, VARLINK_IDLE_USEC);
	DEFAULT(reply_bytes, VARLINK_REPLY_BYTES_MAX);
	DEFAULT(stream_bytes, VARLINK_STREAM_BYTES_MAX);
	DEFAULT(user_bytes, VARLINK_USER_BYTES_MAX);
	DEFAULT(others_bytes, VARLINK_OTHERS_BYTES_MAX);
#undef DEFAULT
}

static int on_accept(sd_event_source *source, int listening, uint32_t revents, void *userdata)
{
	struct varlink_server *server = userdata;
	int fd;

	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		(void)varlink_server_add_connection(server, fd);
		return 0;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return 0;

	/* Out of descriptors or memory. Should no timer be had either, keep polling. */
	if (sd_event_source_set_time_relative(server->resume, ACCEPT_PAUSE_USEC) >= 0 &&
	    sd_event_source_set_enabled(server->resume, SD_EVENT_ONESHOT) >= 0)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static int on_resume(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct varlink_server *server = userdata;

	sd_event_source_set_enabled(server->accept, SD_EVENT_ON);
	return 0;
}

int varlink_server_new(struct varlink_server **ret_server, struct sd_event *event,
		       const struct varlink_service *service, const struct varlink_limits *limits,
		       void *userdata)
{
	_cleanup_(varlink_server_freep) struct varlink_server *server = NULL;
	int r;

	for (const struct varlink_method *method = service->methods; method->name; method++) {
		if (!varlink_description_has(service->description, method->name))
			return -EINVAL;
	}

	server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->event = sd_event_ref(event);
	server->service = service;
	server->userdata = userdata;
	server->listening = -EBADF;
	if (limits)
		server->limits = *limits;
	fill_limits(&server->limits);

	r = sd_event_add_time_relative(event, &server->resume, CLOCK_MONOTONIC, 0, 0, on_resume,
				       server);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(server->resume, SD_EVENT_OFF);
	if (r < 0)
		return r;
	*ret_server = TAKE_PTR(server);
	return 0;
}

void varlink_server_free(struct varlink_server *server)
{
	if (!server)
		return;
	while (server->connections)
		varlink_connection_free(server->connections);
	sd_event_source_disable_unref(server->accept);
	sd_event_source_disable_unref(server->resume);
	if (server->listening >= 0)
		close(server->listening);
	sd_event_unref(server->event);
	free(server);
}

/* is_unix_stream() - and not, say, a TCP socket, whose SO_PEERCRED would be another matter */
static bool is_unix_stream(int fd)
{
	int domain, type;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int varlink_server_listen_fd(struct varlink_server *server, int fd)
{
	int accepts = 0, r;
	socklen_t size = sizeof(accepts);

	if (server->listening >= 0)
		return -EBUSY;
	if (!is_unix_stream(fd) || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) < 0 ||
	    !accepts)
		return -EINVAL;
	r = set_nonblocking(fd);
	if (r < 0)
		return r;
	r = sd_event_add_io(server->event, &server->accept, fd, EPOLLIN, on_accept, server);
	if (r < 0)
		return r;
	server->listening = fd;
	return 0;
}

/* has_place() - whether one more connection of @uid is within the limits */
static bool has_place(const struct varlink_server *server, uid_t uid)
{
	const struct varlink_limits *limits = &server->limits;
	unsigned int all = 0, others = 0, same = 0;

	for (const struct varlink_connection *c = server->connections; c; c = c->next) {
		all++;
		others += c->peer.uid != 0;
		same += c->peer.uid == uid;
	}
	if (all >= limits->connections)
		return false;
	return uid == 0 || (same < limits->connections_user &&
			    others + limits->connections_root < limits->connections);
}

int varlink_server_add_connection(struct varlink_server *server, int fd)
{
	_cleanup_close_ int owned = fd;
	socklen_t size = sizeof(struct ucred);
	struct ucred peer;
	int r;

	if (!is_unix_stream(fd))
		return -EINVAL;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	r = set_nonblocking(fd);
	if (r < 0)
		return r;
	if (!has_place(server, peer.uid))
		return -EUSERS;
	return varlink_connection_new(server, TAKE_FD(owned), &peer);
}
