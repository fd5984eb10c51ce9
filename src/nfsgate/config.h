/* SPDX-License-Identifier: MIT */
/*
 * config.h - the configuration file: settings, one a line
 *
 *	# the server behind the gate
 *	server        127.0.0.1:12049
 *	reserved-from 10.0.0.0/8
 *	refuse-none
 *
 * A name of setting.h, blanks, and its value, which has no blanks; # begins a comment. Pure.
 */
#ifndef PORTCRED_NFSGATE_CONFIG_H
#define PORTCRED_NFSGATE_CONFIG_H

#include "nfsgate/setting.h"

#define CONFIG_SIZE_MAX (256U << 10)

/*
 * config_parse() - into @options
 * @words: @size bytes and a NUL, of file 0; it is cut into words, which @options refers to
 * @diagnostics: what is wrong, all of it
 */
void config_parse(char *words, size_t size, struct options *options,
		  struct diagnostics *diagnostics);

#endif
