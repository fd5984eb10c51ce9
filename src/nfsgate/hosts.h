/* SPDX-License-Identifier: MIT */
/*
 * hosts.h - hosts that options and table name, and whether portcredd's policy has them
 *
 * One that it has not is no error: the policy may come later, and the gate needs no portcredd. But a name
 * that is misspelt is a rule that never holds; so it is said.
 */
#ifndef PORTCRED_NFSGATE_HOSTS_H
#define PORTCRED_NFSGATE_HOSTS_H

#include "nfsgate/options.h"

#define MAX_NAMED_HOSTS (MAX_HOSTS + MAX_ID_HOSTS)

/* struct named_host - borrowed from the options */
struct named_host {
	const char *name;
	bool of_table;         /* else of an option */
	struct id_place where; /* in that file; in none: on the command line */
};

/* hosts_named() - all of them; returns how many */
size_t hosts_named(const struct options *options,
		   struct named_host ret_hosts[static MAX_NAMED_HOSTS]);

/*
 * hosts_ask() - ask portcredd, which takes seconds where it hangs: for a child
 * @ret_errors: of each, 0: it is known; -ENOENT: it is not; else why that is not known
 */
void hosts_ask(const struct named_host *hosts, size_t n, const char *portcredd_dir,
	       int ret_errors[static MAX_NAMED_HOSTS]);

/* hosts_warn() - on standard error, of one that is not known */
void hosts_warn(const struct options *options, const struct named_host *host);

#endif
