/* SPDX-License-Identifier: MIT */
/*
 * broker.h - have portcredd bind a socket for the user who runs this command
 */
#ifndef PORTCRED_PORTCRED_BROKER_H
#define PORTCRED_PORTCRED_BROKER_H

#include <stdbool.h>
#include <sys/socket.h>

/* struct broker_request - a socket to be bound; @address is borrowed */
struct broker_request {
	int type; /* SOCK_STREAM or SOCK_DGRAM */
	const struct sockaddr *address;
	socklen_t size;
	bool v6only;    /* IPv6: IPV6_V6ONLY, or else dual stack */
	bool reuseport; /* SO_REUSEPORT: shared with other sockets of this user */
};

/*
 * broker_bind() - ask for it
 * @runtime_dir: of the daemon; its socket is `control` there
 * @ret_fd: bound, not listening, close-on-exec; the caller's to close
 * @ret_message: on failure a sentence for the user, for the caller to free; NULL without memory
 *
 * This command itself is no `exe` of any rule: what it is asked for has to be had by user, group or
 * unit. Returns 0; errors as portcred_bind() of portcred.h, -ECONNREFUSED where no daemon runs.
 */
int broker_bind(const char *runtime_dir, const struct broker_request *request, int *ret_fd,
		char **ret_message);

#endif
