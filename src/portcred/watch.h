/* SPDX-License-Identifier: MIT */
/*
 * watch.h - events as they happen, for whoever wants them on a stream
 */
#ifndef PORTCRED_PORTCRED_WATCH_H
#define PORTCRED_PORTCRED_WATCH_H

#include "portcred/program.h"

/* struct watch_style - how they are written */
struct watch_style {
	bool json;        /* an object a line, in place of a sentence */
	bool nfs;         /* those of the NFS gate, in place of portcredd's */
	bool announced;   /* an empty line first: from there on nothing is missed */
	unsigned seconds; /* 0: until a signal */
};

/*
 * watch() - write them to the program's output, each line at once
 *
 * SIGINT, SIGTERM and the end of the time end the process with EXIT_YES, between two lines. Returns
 * otherwise: EXIT_NO_DAEMON, EXIT_NO after saying why.
 */
int watch(struct program *program, const struct watch_style *style);

#endif
