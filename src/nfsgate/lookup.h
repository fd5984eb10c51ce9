/* SPDX-License-Identifier: MIT */
/*
 * lookup.h - names of options and table, looked up by a child (child.h): users and groups in this machine's
 * databases, and then hosts, of which portcredd is asked
 */
#ifndef PORTCRED_NFSGATE_LOOKUP_H
#define PORTCRED_NFSGATE_LOOKUP_H

#include "base/cleanup.h"
#include "nfsgate/hosts.h"

/* How long it may take for all of them. */
#define LOOKUP_LIMIT_MS 10000U

struct lookup;

/* lookup_new() - begins. Returns 0; -ENOENT: there is no name; -errno */
int lookup_new(const struct options *options, struct lookup **ret_lookup);
void lookup_free(struct lookup *lookup);
DEFINE_CLEANUP(struct lookup *, lookup_free)

/* lookup_fd() - readable when lookup_receive() is to be called */
int lookup_fd(const struct lookup *lookup);

/*
 * lookup_receive() - what has come
 * @ret_found: as many as the table has names, which belong to @lookup
 * Returns 0: that is all; -EINPROGRESS; -EPIPE: the child has ended before; -EBADMSG; -errno.
 */
int lookup_receive(struct lookup *lookup, const struct id_found **ret_found);

/* lookup_late() - nothing more is waited for: the same; -ETIMEDOUT: of the table, not all has come */
int lookup_late(const struct lookup *lookup, const struct id_found **ret_found);

/* lookup_warn() - of hosts that are not known, as far as that has come */
void lookup_warn(const struct lookup *lookup, const struct options *options);

#endif
