/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line of portcred-rcp
 */
#ifndef PORTCRED_RCP_OPTIONS_H
#define PORTCRED_RCP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define EXIT_USAGE 2

/* struct options - all borrowed from the command line and the environment */
struct options {
	bool recursive, preserve;
	bool any_name;
	bool directory; /* -d: the target has to be one; from the other end */
	char end;       /* 'f', 't': we are the other end; 0: its caller */
	const char *rsh;
	const char *remote_rcp;
	char **operands;
	size_t n;
};

/* options_parse() - 0; 1 where help or the version was printed; -EINVAL, which was said */
int options_parse(int argc, char *argv[], struct options *ret_options);

#endif
