/* SPDX-License-Identifier: MIT */
/*
 * load.h - options and the table of ids, on their way into force
 *
 *	load_new()       has the names of the table looked up
 *	load_receive()   until they are
 *	load_take()      hands out both
 *
 * Until then what was in force before stays; what is wrong is said here, and ends it.
 */
#ifndef PORTCRED_NFSGATE_LOAD_H
#define PORTCRED_NFSGATE_LOAD_H

#include "base/cleanup.h"
#include "nfsgate/options.h"

struct load;

/* load_new() - @options: taken over, whatever comes of it. Returns 0, -errno */
int load_new(struct options *options, struct load **ret_load);
void load_free(struct load *load);
DEFINE_CLEANUP(struct load *, load_free)

/* load_fd() - readable when load_receive() is to be called; -EBADF: there is nothing to wait for */
int load_fd(const struct load *load);

/* load_receive() - 0: load_take() may be called; -EINPROGRESS; -errno, and it is to be freed */
int load_receive(struct load *load);

/* load_wait() - the same, and it waits, LOOKUP_LIMIT_MS at most */
int load_wait(struct load *load);

/* load_late() - say that it has taken too long */
void load_late(const struct load *load);

/* load_kept() - see options_kept(): of its options, and those of the start */
void load_kept(const struct load *load, const struct options *first,
	       char ret_names[static OPTIONS_KEPT_MAX]);

/* load_take() - once: the caller's to clear */
void load_take(struct load *load, struct options *ret_options, struct id_table *ret_ids);

#endif
