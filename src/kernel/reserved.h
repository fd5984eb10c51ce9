/* SPDX-License-Identifier: MIT */
/*
 * reserved.h - keep governed ports out of the kernel's own choice of ports
 *
 * listen() and sendto() on an unbound socket take a port of net.ipv4.ip_local_port_range without
 * asking any bind hook. The kernel leaves out what stands in net.ipv4.ip_local_reserved_ports, so
 * governed ports inside that range are added there. The list is the administrator's: what was there
 * stays, and what was added is written to a file before it is, so that it can be told apart and
 * taken out again, after a crash too.
 *
 * Everything here is about the caller's network namespace.
 */
#ifndef PORTCRED_KERNEL_RESERVED_H
#define PORTCRED_KERNEL_RESERVED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "kernel/port_bitmap.h"

/* Name of the file that remembers, in the directory given to reserved_open(). */
#define RESERVED_STATE_FILE "reserved-ports"

struct reserved;

/*
 * reserved_open() - take up what an earlier process left
 * @directory: where RESERVED_STATE_FILE is or will be: must live as long as the enforcement does,
 * and be the same for the next start and the release. Not O_PATH; it stays the caller's.
 * @ret_damaged: a file stands there that is not ours to understand: taken for an empty one, so that
 * ports added before stay reserved until someone takes them out; may be NULL
 *
 * A file of another boot or another network namespace counts as none. Changes nothing yet. Returns 0;
 * -errno.
 */
int reserved_open(int directory, struct reserved **ret_reserved, bool *ret_damaged);

/*
 * reserved_extend() - add what of @governed lies in the ephemeral range; remove nothing
 * To be called before a policy comes into force, with reserved_update() after it: no moment in which
 * a port is governed and not reserved.
 */
int reserved_extend(struct reserved *reserved, const struct port_bitmap *governed);

/*
 * reserved_update() - the same, and take out what was added before and is no longer governed
 * @governed is remembered for reserved_recheck().
 */
int reserved_update(struct reserved *reserved, const struct port_bitmap *governed);

/*
 * reserved_recheck() - put back what someone else's write to the list erased (`sysctl --system`), and
 * add what a wider ephemeral range now asks for
 * @ret_restored: ports that had to be added; may be NULL
 */
int reserved_recheck(struct reserved *reserved, size_t *ret_restored);

/*
 * reserved_release() - take out what was added, leave the rest as it then stands, forget the file
 *
 * Where the list was rewritten by someone else since, what stands there is all his, also a port that
 * was added here before.
 */
int reserved_release(struct reserved *reserved);

/* reserved_ours() - what was added and not yet taken out */
const struct port_bitmap *reserved_ours(const struct reserved *reserved);

/* reserved_close() - forget the structure; ports and file stay */
void reserved_close(struct reserved *reserved);
DEFINE_CLEANUP(struct reserved *, reserved_close)

/* reserved_read() - the list as it stands */
int reserved_read(struct port_bitmap *ret_ports);

/* reserved_ephemeral_range() - net.ipv4.ip_local_port_range */
int reserved_ephemeral_range(struct port_bitmap *ret_ports);

#endif
