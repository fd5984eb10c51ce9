/* SPDX-License-Identifier: MIT */
/*
 * host_line.h - the `host` statement with which other machines know this one
 */
#ifndef PORTCRED_PORTCRED_HOST_LINE_H
#define PORTCRED_PORTCRED_HOST_LINE_H

#include "portcred/options.h"
#include "vouch/own_keys.h"

/* struct host_address - one of this machine's, or one that was given */
struct host_address {
	char *text;      /* as inet_ntop(3) has it, or as it was given */
	char *interface; /* NULL: it was given */
};

/* struct host_line - all of the statement but the keys; texts are owned: host_line_clear() */
struct host_line {
	char *name;
	struct host_address *addresses;
	size_t n, n_allocated;
};

/*
 * host_line_begin() - under what name, and where, others find this machine
 * @name: NULL: `set name` of the policy in force, or else the host name
 * @at: "ADDR,ADDR"; NULL: the addresses of all interfaces that are up, without loopback and link-local
 *	ones. There may be none: n is 0.
 *
 * What is wrong in a policy is said, in the words of `portcred check`, as a wrong command line. Returns
 * EXIT_YES; EXIT_USAGE; EXIT_NO where the machine did not answer, which was said.
 */
int host_line_begin(struct host_line *line, const struct usage *usage, struct program *program,
		    const char *name, const char *at);

/* host_line_print() - the statement and a newline; there must be addresses */
void host_line_print(const struct host_line *line, const struct public_keys *keys, FILE *out);

void host_line_clear(struct host_line *line);

#endif
