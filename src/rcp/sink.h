/* SPDX-License-Identifier: MIT */
/*
 * sink.h - the end that receives
 *
 * What comes is judged before anything is made of it: a line that is none, a name that was not asked
 * for, a directory without -r, a second entry for a target that is one file end the copy. What fails for
 * a reason of this machine (no right, no room) fails for its entry alone.
 */
#ifndef PORTCRED_RCP_SINK_H
#define PORTCRED_RCP_SINK_H

#include "rcp/wanted.h"
#include "rcp/wire.h"

/* struct sink_how - what is received, and where to; all borrowed */
struct sink_how {
	const char *target; /* a path as its user typed it */
	bool directory;     /* it has to be a directory */
	bool recursive;
	bool preserve;
	struct wanted *wanted; /* NULL: whatever the user at the other end sends */
};

/*
 * sink_run() - until the other end is done
 * Everything that went wrong is said and counted in wire->errors. Returns 0, or -errno where the copy
 * ended before its end.
 */
int sink_run(struct wire *wire, const struct sink_how *how);

#endif
