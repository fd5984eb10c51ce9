/* SPDX-License-Identifier: MIT */
/*
 * lookup.h - the names of a table of ids, looked up in this machine's databases by a child (child.h)
 */
#ifndef PORTCRED_NFSGATE_LOOKUP_H
#define PORTCRED_NFSGATE_LOOKUP_H

#include "base/cleanup.h"
#include "nfsgate/ids.h"

/* How long it may take for all of them. */
#define LOOKUP_LIMIT_MS 10000U

struct lookup;

/* lookup_new() - begins; @table: only its names are read. Returns 0, -errno */
int lookup_new(const struct id_table *table, struct lookup **ret_lookup);
void lookup_free(struct lookup *lookup);
DEFINE_CLEANUP(struct lookup *, lookup_free)

/* lookup_fd() - readable when lookup_receive() is to be called */
int lookup_fd(const struct lookup *lookup);

/*
 * lookup_receive() - what has come
 * @ret_found: as many as there are names, which belong to @lookup
 * Returns 0: that is all; -EINPROGRESS; -EPIPE: the child has ended before; -EBADMSG; -errno.
 */
int lookup_receive(struct lookup *lookup, const struct id_found **ret_found);

#endif
