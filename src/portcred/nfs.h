/* SPDX-License-Identifier: MIT */
/*
 * nfs.h - what portcred-nfsgate says: who calls, as whom, and what of that was refused
 */
#ifndef PORTCRED_PORTCRED_NFS_H
#define PORTCRED_PORTCRED_NFS_H

#include "portcred/program.h"
#include "portcred/user_names.h"

/* nfs_show() - its connections, and exports that were asked for; the status to leave with */
int nfs_show(struct program *program, bool json);

/* nfs_print_told() - an event, or else a count of those that a flood kept back, as a line */
void nfs_print_told(struct program *program, const json_t *told, bool event);

/*
 * nfs_who() - "alice@web1", as a caller is called here; the caller's to free, NULL without memory
 * @caller: Caller of io.portcred.nfsgate; what nobody knows is "-"
 */
char *nfs_who(const json_t *caller, struct user_names *names);

#endif
