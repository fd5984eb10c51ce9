/* SPDX-License-Identifier: MIT */
/*
 * inherit.h - what the pins of another version know of sockets that are there
 *
 * Who bound a listener, who is at the other end of a connection, and which sockets came to a governed port
 * unasked was seen once, by programs that an upgrade takes out. It stands in maps that only they write;
 * a socket's entry can be read by whoever has a descriptor of the socket.
 */
#ifndef PORTCRED_KERNEL_INHERIT_H
#define PORTCRED_KERNEL_INHERIT_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/enforcer.h"

/* struct inherited - what came of it */
struct inherited {
	size_t records; /* that were taken over */
	bool strange;   /* some map has entries of another size than ours: they are left */
};

/*
 * inherit_records() - copy what other versions (abi-M) have of the sockets of this network namespace
 * @attached: path of the governed cgroup, as in processes_scan()
 *
 * To be called while their hooks and ours are attached: what ours have seen meanwhile stays as it is. A
 * socket that no process holds (its descriptor is on its way through a unix socket) is left out, and what
 * an entry means must not change without its size, or its map's name. Returns 0, also where there is no
 * other version; -errno.
 */
int inherit_records(const struct enforcer *enforcer, const char *attached,
		    struct inherited *ret_inherited);

#endif
