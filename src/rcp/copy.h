/* SPDX-License-Identifier: MIT */
/*
 * copy.h - what goes where: here to there, there to here, from one host to another, and cp(1) for the rest
 */
#ifndef PORTCRED_RCP_COPY_H
#define PORTCRED_RCP_COPY_H

#include "rcp/options.h"

/* copy_run() - all that the command line says; the exit status */
int copy_run(const struct options *options);

#endif
