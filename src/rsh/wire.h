/* SPDX-License-Identifier: MIT */
/*
 * wire.h - connecting, and the few bytes that are exchanged before a session, each with a deadline
 *
 * Sockets are non-blocking: a server that does nothing is waited for with poll(2), until a moment of
 * CLOCK_MONOTONIC in milliseconds.
 */
#ifndef PORTCRED_RSH_WIRE_H
#define PORTCRED_RSH_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* wire_deadline() - the moment so many seconds from now */
int64_t wire_deadline(unsigned seconds);

/* wire_left() - milliseconds until then, for poll(2); 0: it is over */
int wire_left(int64_t deadline);

/* wire_wait() - until a descriptor is ready for @events, or has failed; 0, -ETIMEDOUT, -errno */
int wire_wait(int fd, short events, int64_t deadline);

/*
 * wire_connect() - a non-blocking TCP socket, bound or not; it is kept alive, and sends without delay
 * Returns 0, -ETIMEDOUT, what connect(2) says.
 */
int wire_connect(int fd, const struct sockaddr *to, socklen_t size, int64_t deadline);

/* wire_send() - all of it, or an error: 0, -ETIMEDOUT, -errno */
int wire_send(int fd, const char *bytes, size_t size, int64_t deadline);

/* wire_receive() - one byte; 0, -ENODATA: the other end has closed; -ETIMEDOUT, -errno */
int wire_receive(int fd, int64_t deadline, char *ret_byte);

#endif
