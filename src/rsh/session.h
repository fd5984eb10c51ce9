/* SPDX-License-Identifier: MIT */
/*
 * session.h - from a name of a host to a server that has let us in
 *
 *	addresses ── vouched: an ordinary port; the kernel says who opened the connection
 *	         \── reserved: portcred-rcmd-port, the one program that has a reserved port
 *	  ── the request, with the port of the second channel ── the server's connection to that
 *	  ── its answer
 */
#ifndef PORTCRED_RSH_SESSION_H
#define PORTCRED_RSH_SESSION_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "rcmd/request.h"

enum session_proof {
	SESSION_VOUCHED,
	SESSION_RESERVED,
};

/* session_complete - a request's users: 0, -EIO after saying why not */
typedef int session_complete(void *data, struct rcmd_request *request);

/* struct session_target - where to, and how; everything is borrowed */
struct session_target {
	const char *program; /* ours, for messages */
	const char *host;
	uint16_t port;
	int family; /* AF_UNSPEC: any */
	enum session_proof proof;
	unsigned seconds;   /* that all of it may take */
	const char *helper; /* portcred-rcmd-port */
	bool debug;         /* SO_DEBUG */
	session_complete
		*complete; /* called once connected: while the server takes the connection */
	void *data;        /* its */
};

/* struct session - connected, and let in; both non-blocking, for session_close() */
struct session {
	int connection;
	int second; /* -EBADF: none */
};

/*
 * session_open() - all of it, one address after the other until one can be connected to
 * @request: complete but for the port, and for what @target completes; what it has of login's is sent as
 *	it stands
 * @ret_why: a sentence about a failure, for free(3); NULL where the helper has said it
 *
 * shell and exec have a second channel, or fail. Returns 0, -errno.
 */
int session_open(const struct session_target *target, struct rcmd_request *request,
		 struct session *ret_session, char **ret_why);

void session_close(struct session *session);

#endif
