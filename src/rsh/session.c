/* SPDX-License-Identifier: MIT */
#include "rsh/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "rsh/answer.h"
#include "rsh/helper.h"
#include "rsh/say.h"
#include "rsh/second.h"
#include "rsh/vouched.h"
#include "rsh/wire.h"

void session_close(struct session *session)
{
	cleanup_close(&session->connection);
	cleanup_close(&session->second);
	*session = (struct session){ -EBADF, -EBADF };
}

static bool has_second(const struct rcmd_request *request)
{
	return request->service != RCMD_LOGIN;
}

/* send_port() - of the second channel, which the server connects while we go on */
static int send_port(int connection, uint16_t port, int64_t deadline)
{
	char text[RCMD_PORT_DIGITS + 1];

	rcmd_port_text(port, true, text);
	return wire_send(connection, text, strlen(text) + 1, deadline);
}

/* send_request() - what follows the port */
static int send_request(int connection, const struct rcmd_request *request, int64_t deadline)
{
	char *bytes;
	size_t size;
	int r = rcmd_request_build(request, false, &bytes, &size);

	if (r < 0)
		return r;
	r = wire_send(connection, bytes, size, deadline);
	explicit_bzero(bytes, size);
	free(bytes);
	return r;
}

/* converse() - on a connection from an ordinary port: the request, and the second channel */
static int converse(const struct session_target *target, struct rcmd_request *request,
		    int64_t deadline, struct session *session, char **ret_why)
{
	_cleanup_close_ int listener = -EBADF;
	uint16_t port = 0;
	int r = 0, sent = 0;

	if (has_second(request))
		r = second_listen(session->connection, &listener, &port);
	if (r < 0)
		return why(ret_why, r, "cannot listen for the second channel: %s", strerror(-r));
	if (has_second(request))
		sent = send_port(session->connection, port, deadline);
	r = target->complete(target->data, request);
	if (r < 0)
		return r;
	if (sent == 0)
		sent = send_request(session->connection, request, deadline);
	/* One that has hung up may have said why. */
	if (sent == -EPIPE || sent == -ECONNRESET)
		return 0;
	if (sent < 0)
		return why(ret_why, sent, "cannot send the request: %s", strerror(-sent));
	if (has_second(request))
		r = second_accept(listener, session->connection, vouched_second, deadline,
				  &session->second);
	if (r == -ETIMEDOUT)
		return why(ret_why, r, "it does not connect the second channel");
	if (r < 0 && r != -ENOTCONN)
		return why(ret_why, r, "cannot take the second channel: %s", strerror(-r));
	return 0;
}

/* connect_vouched() - 0, -EHOSTUNREACH: another address may do; -errno */
static int connect_vouched(const struct session_target *target, struct rcmd_request *request,
			   const struct addrinfo *address, int64_t deadline,
			   struct session *session, char **ret_why)
{
	_cleanup_close_ int fd = second_socket(address->ai_family);
	int r = fd, on = 1;

	if (fd >= 0 && target->debug && setsockopt(fd, SOL_SOCKET, SO_DEBUG, &on, sizeof(on)) < 0)
		say(target->program, "cannot set SO_DEBUG: %s", strerror(errno));
	if (fd >= 0)
		r = wire_connect(fd, address->ai_addr, address->ai_addrlen, deadline);
	if (r < 0)
		return why(ret_why, -EHOSTUNREACH, "cannot connect: %s", strerror(-r));
	session->connection = TAKE_FD(fd);
	return converse(target, request, deadline, session, ret_why);
}

static int connect_reserved(const struct session_target *target, struct rcmd_request *request,
			    const struct addrinfo *address, struct session *session, char **ret_why)
{
	char text[NI_MAXHOST];
	int r = target->complete(target->data, request);

	if (r < 0)
		return r;
	if (getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof(text), NULL, 0,
			NI_NUMERICHOST) != 0)
		return -EHOSTUNREACH;
	r = helper_connect(target, request, text, session);
	if (r < 0 && r != -EHOSTUNREACH && r != -EIO)
		return why(ret_why, r, "cannot run %s: %s", target->helper, strerror(-r));
	return r;
}

/* let_in() - the server's answer; without a second channel that was asked for, it must be a refusal */
static int let_in(const struct rcmd_request *request, const struct session *session,
		  int64_t deadline, char **ret_why)
{
	int r = answer_wait(session->connection, deadline, ret_why);

	if (r == 0 && has_second(request) && session->second < 0)
		return why(ret_why, -EPROTO,
			   "it connected no second channel, and standard error would be lost");
	return r;
}

static int try_each(const struct session_target *target, struct rcmd_request *request,
		    const struct addrinfo *addresses, int64_t deadline, struct session *session,
		    char **ret_why)
{
	int r = -EHOSTUNREACH;

	for (const struct addrinfo *at = addresses; at && r == -EHOSTUNREACH; at = at->ai_next) {
		session_close(session);
		free(TAKE_PTR(*ret_why));
		r = target->proof == SESSION_RESERVED
			    ? connect_reserved(target, request, at, session, ret_why)
			    : connect_vouched(target, request, at, deadline, session, ret_why);
	}
	return r;
}

int session_open(const struct session_target *target, struct rcmd_request *request,
		 struct session *ret_session, char **ret_why)
{
	const struct addrinfo hints = { .ai_family = target->family, .ai_socktype = SOCK_STREAM };
	_cleanup_(session_close) struct session session = { -EBADF, -EBADF };
	int64_t deadline = wire_deadline(target->seconds);
	struct addrinfo *addresses;
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", target->port);
	r = getaddrinfo(target->host, port, &hints, &addresses);
	if (r != 0)
		return why(ret_why, -EHOSTUNREACH, "%s", gai_strerror(r));
	r = try_each(target, request, addresses, deadline, &session, ret_why);
	freeaddrinfo(addresses);
	if (r == 0)
		r = let_in(request, &session, deadline, ret_why);
	if (r < 0)
		return r;
	*ret_session = session;
	session = (struct session){ -EBADF, -EBADF };
	return 0;
}
