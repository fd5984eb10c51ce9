/* SPDX-License-Identifier: MIT */
/*
 * obtain_socket.h - the bound sockets that `portcred run` hands to a program
 *
 * Whose listener it is, as `owner` in an accept rule means it, is the effective user of bind(2); and
 * whose socket it is, as a policy judges what was there before it, the user that made it. So root
 * makes and binds a socket as the user for whom it is:
 *
 *	as the user, without capabilities        the policy names him, or the port is above the
 *	      |                                  kernel's threshold and nobody's
 *	      | EACCES: the kernel's own rule
 *	as the user, with CAP_NET_BIND_SERVICE   a low port that no rule names
 *	      |
 *	      | EPERM: the policy names others
 *	as root                                  the administrator's word, unless a rule says `only`;
 *	                                         the socket is root's then, and so is the listener
 *
 * Anybody else binds as who he is. Where the kernel's own rule says EACCES, portcredd is asked: the policy
 * may give him the port where nothing in the kernel asks it (portcredd --broker-only).
 */
#ifndef PORTCRED_PORTCRED_OBTAIN_SOCKET_H
#define PORTCRED_PORTCRED_OBTAIN_SOCKET_H

#include "portcred/launch_user.h"
#include "portcred/listen_argument.h"
#include "portcred/program.h"

/* struct obtain_request - one socket; all borrowed */
struct obtain_request {
	const struct listen_argument *where;
	const struct launch_user *user; /* NULL: the caller's own, who is not root */
	int backlog;                    /* of TCP: connections that wait to be accepted */
};

/*
 * obtain_socket() - a socket, bound, of TCP listening too
 * @ret_fd: CLOEXEC, blocking, the caller's to close
 *
 * What cannot be is said: who holds the port, which rule refuses it, what to do next. It is also said
 * where the socket became root's. Returns EXIT_YES, EXIT_NO.
 */
int obtain_socket(struct program *program, const struct obtain_request *request, int *ret_fd);

#endif
