/* SPDX-License-Identifier: MIT */
/*
 * tables.h - what a policy says, with what this machine adds to it, into the kernel
 */
#ifndef PORTCRED_PORTCREDD_TABLES_H
#define PORTCRED_PORTCREDD_TABLES_H

#include "policy/compile.h"
#include "portcredd/daemon.h"

/*
 * tables_put() - fill the idle slot and flip: with the files behind executables, the keys of hosts
 *
 * Returns 0; -errno with the policy before in force; where it is the host key, daemon->reason says so.
 */
int tables_put(struct daemon *daemon, const struct compiled *compiled,
	       const struct executables *executables);

#endif
