/* SPDX-License-Identifier: MIT */
/*
 * source.h - the end that sends
 */
#ifndef PORTCRED_RCP_SOURCE_H
#define PORTCRED_RCP_SOURCE_H

#include "rcp/wire.h"

/* struct source_how - what is sent; borrowed */
struct source_how {
	char **paths;
	size_t n;
	bool recursive;
	bool preserve;
};

/*
 * source_run() - send all of them; what cannot be sent is said, counted, and left out
 * Returns 0, or -errno where the connection ended or the other end gave up.
 */
int source_run(struct wire *wire, const struct source_how *how);

#endif
