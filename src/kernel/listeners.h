/* SPDX-License-Identifier: MIT */
/*
 * listeners.h - the sockets to which calls of other ports may be led (bpf/redirect.bpf.h)
 *
 * The kernel half enters what begins to listen at such a port, and what closes leaves by itself. Here
 * is what listened before the redirect was in force.
 */
#ifndef PORTCRED_KERNEL_LISTENERS_H
#define PORTCRED_KERNEL_LISTENERS_H

#include "kernel/enforcer.h"
#include "kernel/sockets.h"

/* listeners_has() - whether calls are led to the socket, once a redirect says so */
bool listeners_has(const struct enforcer *enforcer, const struct bound_socket *socket);

/*
 * listeners_add() - have calls led to a socket
 * @fd: of the socket, a duplicate will do
 *
 * Returns 0, also where it was there already; -ENOSPC where LISTENER_PLACES others have its address and
 * port; -EOPNOTSUPP for one that cannot be led to (Multipath TCP); -E2BIG beyond MAX_LISTENERS; -errno.
 */
int listeners_add(const struct enforcer *enforcer, int fd, const struct bound_socket *socket);

#endif
