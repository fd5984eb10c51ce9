/* SPDX-License-Identifier: MIT */
/*
 * varlink_connection.c - one peer of the server: its bytes, its turn, its end
 *
 * Whatever happens (bytes arrive, the socket takes more, a handler answers later, time passes)
 * ends in run(), which goes as far as it can: send what waits, and with nothing left to send and
 * no call being served, take the next call. It reads only when it needs bytes for that, so a peer
 * that sends without reading fills its own socket and not our memory. Only run() and the server's
 * end free a connection: what a handler does to one merely marks it.
 */
#include "control/varlink_connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

/* After so long no other call of the same peer is begun before others have had their turn. */
#define TURN_USEC 2000U

/*
 * How soon to look whether a descriptor that nobody has read yet is taken; each time twice as late. Of a
 * peer that has closed its end, the kernel says so a moment before it throws away what was unread.
 */
#define LINGER_USEC 1000U

void varlink_connection_wake(struct varlink_connection *connection)
{
	if (connection->serving)
		return;
	/*
	 * The socket says when it can be written to, that is, now. A deferred source would be
	 * simpler, but sd-event prefers it to all sources of the same priority for as long as it
	 * is enabled: one peer with enough calls would stop the whole daemon. Where this fails the
	 * peer is cut by its idle timer.
	 */
	sd_event_source_set_io_events(connection->io, EPOLLOUT);
}

void varlink_connection_fail(struct varlink_connection *connection)
{
	/* It is reported like the peer's own leaving, whether or not the socket is writable. */
	shutdown(connection->fd, SHUT_RDWR);
}

static size_t memory_of(const struct varlink_connection *connection)
{
	return connection->in.allocated + connection->out.allocated;
}

static size_t left(size_t limit, size_t used)
{
	return used < limit ? limit - used : 0;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* shared_room() - what the limits for its user, and for all users but root, leave @connection */
static size_t shared_room(const struct varlink_connection *connection)
{
	const struct varlink_limits *limits = &connection->server->limits;
	const struct varlink_connection *c;
	size_t same = 0, others = 0;

	if (connection->peer.uid == 0)
		return SIZE_MAX;
	for (c = connection->server->connections; c; c = c->next) {
		if (c->peer.uid == connection->peer.uid)
			same += memory_of(c);
		if (c->peer.uid != 0)
			others += memory_of(c);
	}
	return smaller(left(limits->user_bytes, same), left(limits->others_bytes, others));
}

size_t varlink_connection_room(const struct varlink_connection *connection, size_t limit)
{
	return smaller(left(limit, varlink_buffer_held(&connection->out)), shared_room(connection));
}

/*
 * receive() - once, so that a peer that sends without a pause does not keep us here
 *
 * recv(2) has no room for descriptors: those that come along never are in our table.
 */
static int receive(struct varlink_connection *connection)
{
	struct varlink_buffer *in = &connection->in;
	size_t size;
	ssize_t n;
	char *room;
	int r;

	r = varlink_buffer_room(in, connection->server->limits.call_bytes, &room, &size);
	if (r < 0)
		return r;
	if (shared_room(connection) == 0)
		return -ENOBUFS;
	n = recv(connection->fd, room, size, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		connection->ended = true;
	else
		varlink_buffer_filled(in, (size_t)n);
	return 0;
}

/* send_some() - of what waits, and with it the descriptor that rides with its first byte */
static ssize_t send_some(struct varlink_connection *connection)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct varlink_buffer *out = &connection->out;
	struct iovec bytes = { out->data + out->start, varlink_buffer_held(out) };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };

	if (connection->passing >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &connection->passing, sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.room);
	}
	return sendmsg(connection->fd, &message, MSG_NOSIGNAL);
}

static int flush(struct varlink_connection *connection)
{
	struct varlink_buffer *out = &connection->out;
	ssize_t n;

	while (varlink_buffer_held(out) > 0) {
		n = send_some(connection);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (connection->passing >= 0) {
			close(TAKE_FD(connection->passing));
			connection->passed = true;
		}
		varlink_buffer_sent(out, (size_t)n);
		connection->moved = true;
	}
	return 0;
}

bool varlink_connection_passes(struct varlink_connection *connection)
{
	int unread = 0;

	/* unix(7), SIOCOUTQ: what the peer has not read yet. Until it says so, nothing is taken. */
	if (connection->passed && ioctl(connection->fd, SIOCOUTQ, &unread) == 0 && unread == 0)
		connection->passed = false;
	return connection->passing >= 0 || connection->passed;
}

/* is_busy() - whether the next call has to wait */
static bool is_busy(const struct varlink_connection *connection)
{
	return connection->call || varlink_buffer_held(&connection->out) > 0;
}

/* monotonic_usec() - not sd_event_now(), which stands still while a source is dispatched */
static uint64_t monotonic_usec(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000U + (uint64_t)time.tv_nsec / 1000U;
}

/* serve() - as far as it goes: 0; 1, its turn is over; negative, the connection is to end */
static int serve(struct varlink_connection *connection)
{
	uint64_t begin = monotonic_usec();
	const char *message;
	size_t length;
	int r;

	do {
		r = flush(connection);
		if (r < 0)
			return r;
		if (is_busy(connection))
			return 0;
		r = varlink_buffer_next(&connection->in, connection->server->limits.call_bytes,
					&message, &length);
		if (r < 0)
			return r;
		if (r == 0)
			return connection->ended ? -ECONNRESET : 0;
		connection->moved = true;
		r = varlink_dispatch(connection, message, length);
		if (r < 0)
			return r;
	} while (monotonic_usec() - begin < TURN_USEC);
	return 1;
}

/* arm() - what to wait for next; @again: for nothing but the other peers' turns */
static int arm(struct varlink_connection *connection, bool again)
{
	uint32_t events = 0;
	int r;

	varlink_buffer_relax(&connection->in);
	varlink_buffer_relax(&connection->out);

	if (varlink_buffer_held(&connection->out) > 0 || again)
		events |= EPOLLOUT;
	else if (!connection->call && !connection->ended &&
		 !varlink_buffer_pending(&connection->in))
		events |= EPOLLIN;
	r = sd_event_source_set_io_events(connection->io, events);
	if (r < 0)
		return r;

	if (connection->call)
		return sd_event_source_set_enabled(connection->idle, SD_EVENT_OFF);
	if (!connection->moved)
		return 0;
	connection->moved = false;
	r = sd_event_source_set_time_relative(connection->idle,
					      connection->server->limits.idle_usec);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(connection->idle, SD_EVENT_ONESHOT);
}

static void run(struct varlink_connection *connection)
{
	int r;

	connection->serving = true;
	r = serve(connection);
	connection->serving = false;
	if (r < 0 || arm(connection, r > 0) < 0)
		varlink_connection_end(connection);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct varlink_connection *connection = userdata;
	int r = 0;

	/*
	 * A peer that has closed can take no answer, but what it had sent before is still served:
	 * it may be a oneway call.
	 */
	if (revents & EPOLLIN)
		r = receive(connection);
	else if ((revents & (EPOLLHUP | EPOLLERR)) &&
		 (is_busy(connection) || !varlink_buffer_pending(&connection->in)))
		r = -ECONNRESET;
	if (r < 0)
		varlink_connection_end(connection);
	else
		run(connection);
	return 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
	varlink_connection_end(userdata);
	return 0;
}

/* add_sources() - the time to the first call runs from now */
static int add_sources(struct varlink_connection *connection)
{
	sd_event *event = connection->server->event;
	int r;

	r = sd_event_add_io(event, &connection->io, connection->fd, EPOLLIN, on_io, connection);
	if (r < 0)
		return r;
	return sd_event_add_time_relative(event, &connection->idle, CLOCK_MONOTONIC,
					  connection->server->limits.idle_usec, 0, on_idle,
					  connection);
}

static uint64_t boot_nsec(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

int varlink_connection_new(struct varlink_server *server, int fd, const struct ucred *peer)
{
	struct varlink_connection *connection;
	int r;

	connection = calloc(1, sizeof(*connection));
	if (!connection) {
		close(fd);
		return -ENOMEM;
	}
	connection->server = server;
	connection->fd = fd;
	connection->passing = -EBADF;
	connection->since = boot_nsec();
	connection->peer = *peer;
	connection->next = server->connections;
	if (connection->next)
		connection->next->previous = connection;
	server->connections = connection;

	r = add_sources(connection);
	if (r < 0)
		varlink_connection_free(connection);
	return r;
}

/* linger() - look again from time to time; 0, or why that cannot be */
static int linger(struct varlink_connection *connection)
{
	int r;

	if (connection->lingering) {
		connection->lingering =
			smaller(2 * connection->lingering, connection->server->limits.idle_usec);
	} else {
		if (connection->call)
			varlink_call_disconnect(connection->call);
		connection->io = sd_event_source_disable_unref(connection->io);
		varlink_buffer_clear(&connection->in);
		varlink_buffer_clear(&connection->out);
		/* Nothing more goes either way; what was sent stays for the peer to read. */
		shutdown(connection->fd, SHUT_RDWR);
		connection->lingering = LINGER_USEC;
	}
	r = sd_event_source_set_time_relative(connection->idle, connection->lingering);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(connection->idle, SD_EVENT_ONESHOT);
}

void varlink_connection_end(struct varlink_connection *connection)
{
	if (connection->passing >= 0)
		close(TAKE_FD(connection->passing));
	if (!varlink_connection_passes(connection) || linger(connection) < 0)
		varlink_connection_free(connection);
}

void varlink_connection_free(struct varlink_connection *connection)
{
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		connection->server->connections = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;

	if (connection->call)
		varlink_call_disconnect(connection->call);
	sd_event_source_disable_unref(connection->io);
	sd_event_source_disable_unref(connection->idle);
	close(connection->fd);
	if (connection->passing >= 0)
		close(connection->passing);
	varlink_buffer_clear(&connection->in);
	varlink_buffer_clear(&connection->out);
	free(connection);
}
