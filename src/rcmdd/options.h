/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line of portcred-rcmdd
 */
#ifndef PORTCRED_RCMDD_OPTIONS_H
#define PORTCRED_RCMDD_OPTIONS_H

#include "base/argument.h"
#include "rcmd/request.h"
#include "rcmdd/arguments.h"
#include "rcmdd/equiv.h"

#define MAX_LISTENERS 16U
#define MAX_NETWORKS  64U

/* How many sessions there may be, and the most that an administrator can allow. */
#define DEFAULT_LIMIT         256U
#define DEFAULT_LIMIT_WAITING 64U /* of which it is not known yet who calls */
#define DEFAULT_LIMIT_SOURCE  64U /* of one address */
#define MAX_LIMIT             65536U

/* How long a client may take until it is known who calls, in seconds. */
#define DEFAULT_GRACE 10U
#define MAX_GRACE     600U

/* struct listen_at - where to listen */
struct listen_at {
	struct sockaddr_storage address;
	socklen_t size;
	const char *text; /* as it stands on the command line */
};

/* struct options - texts are the command line's */
struct options {
	enum rcmd_service service;
	struct listen_at listen[MAX_LISTENERS];
	size_t n_listen;
	struct proofs proofs;
	struct network reserved_from[MAX_NETWORKS];
	size_t n_reserved_from;
	unsigned limit, limit_waiting, limit_source;
	unsigned grace; /* seconds */
	const char *runtime_dir;
	struct equiv_options equiv;
	bool aloud; /* standard error is not the connection: tell.h */
};

/*
 * options_parse() - complains on standard error
 * Returns 0; 1: --help or --version was all; -EINVAL.
 */
int options_parse(int argc, char *argv[], struct options *ret_options);

#endif
