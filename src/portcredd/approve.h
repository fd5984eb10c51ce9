/* SPDX-License-Identifier: MIT */
/*
 * approve.h - what a policy says to sockets that are bound already
 *
 * Nobody remembers who bound them, so a socket is judged as its maker: the uid of its inode (which
 * only a privileged process can change), with the groups, executable and unit of a process that
 * holds it and runs as that uid. A socket that root made may have been handed on (systemd, inetd):
 * any holder lends it those, and root's capability counts. A holder of another uid counts for
 * nothing: a user can have a setuid program inherit his socket.
 */
#ifndef PORTCRED_PORTCREDD_APPROVE_H
#define PORTCRED_PORTCREDD_APPROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/port_bitmap.h"
#include "kernel/processes.h"
#include "kernel/sockets.h"
#include "policy/compile.h"

/*
 * struct approval - one socket at a governed port
 *
 * A TCP socket that is connected is refused its port too where it may have named it in bind(2): it keeps
 * the port when it is disconnected (AF_UNSPEC), and could listen. Its connection goes on.
 */
struct approval {
	struct bound_socket socket;
	struct rule rule; /* granted by, or the first that refuses */
	bool refused;
	bool connected;
};

/* struct approvals - sorted by cookie; approvals_clear() releases it */
struct approvals {
	struct approval *items;
	size_t n_items, n_allocated;
	size_t refused;   /* without those that are connected */
	size_t connected; /* refused, and connected */
};

/* governed_ports() - of either protocol: the kernel keeps one list of reserved ports for both */
void governed_ports(const struct compiled *compiled, struct port_bitmap *ret_ports);

/*
 * approve_sockets() - judge every socket of this network namespace that is bound to a governed port
 * @attached: path of the governed cgroup; a socket is judged wherever its holder is
 * @processes: who holds them (caller frees with processes_free()), may be NULL
 */
int approve_sockets(const struct compiled *compiled, const char *attached,
		    struct approvals *ret_approvals, struct processes **ret_processes);

/* approvals_refused() - whether a socket was refused */
bool approvals_refused(const struct approvals *approvals, uint64_t cookie);

void approvals_clear(struct approvals *approvals);

#endif
