/* SPDX-License-Identifier: MIT */
/*
 * second.h - the second channel of shell and exec: from here to a port that the client names
 *
 * It is connected before a name was read (rcmd(3) waits for it), so by what is known of the connection
 * alone. Nobody may have this server, and its address, talk to somebody else's service:
 *
 *	the kernels vouch       any port whose listener the caller's own user has bound (caller_owns())
 *	a reserved port         another reserved port of the same address: root's there as well
 *	exec, nothing known     a port from 1024 on of the same address; no service of its system is there;
 *	                        with nobody's uid: who is there takes nothing from it because of root
 *	shell, nothing known    none: such a caller is refused anyway
 *
 * To a reserved port it comes from a reserved port, which the ancestors' clients insist on. Nothing is
 * written to it before it is known who calls.
 */
#ifndef PORTCRED_RCMDD_SECOND_H
#define PORTCRED_RCMDD_SECOND_H

#include "rcmdd/caller.h"

/*
 * second_connect() - to @port of the caller's address
 * @deadline: of moment_now()
 * @ret_why: for the log; the caller's to free
 *
 * Returns 0; -EPERM: the port may not be connected to; -ETIMEDOUT; -errno.
 */
int second_connect(const struct caller *caller, enum rcmd_service service, uint16_t port,
		   uint64_t deadline, int *ret_fd, char **ret_why);

#endif
