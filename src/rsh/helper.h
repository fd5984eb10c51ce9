/* SPDX-License-Identifier: MIT */
/*
 * helper.h - have portcred-rcmd-port connect from a reserved port, and take what stands for its sockets
 */
#ifndef PORTCRED_RSH_HELPER_H
#define PORTCRED_RSH_HELPER_H

#include "rsh/session.h"

/* Where the helper finds the socket to its parent, and what it leaves with. */
#define HELPER_SOCKET      3
#define HELPER_NOT_REACHED 3 /* nothing was sent: another address may do */

/*
 * helper_connect() - one session, to one address
 * @address: in numbers, as getnameinfo(3) writes them
 * @ret_session: the answer is still to be read; unix sockets, of which the second has the urgent bytes
 *	of a login
 *
 * The helper says itself what went wrong. Returns 0; -EHOSTUNREACH: try another address; -EIO: it
 * failed, and said why; -errno, nothing said.
 */
int helper_connect(const struct session_target *target, const struct rcmd_request *request,
		   const char *address, struct session *ret_session);

#endif
