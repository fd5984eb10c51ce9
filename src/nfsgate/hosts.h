/* SPDX-License-Identifier: MIT */
/*
 * hosts.h - hosts that options and table in force name, and whether portcredd's policy has them
 *
 * One that it has not is no error: the policy may come later, and the gate needs no portcredd. But a name
 * that is misspelt is a rule that never holds; so it is said. A child asks (child.h), since portcredd may
 * take seconds, and nothing waits for it.
 */
#ifndef PORTCRED_NFSGATE_HOSTS_H
#define PORTCRED_NFSGATE_HOSTS_H

#include "base/cleanup.h"
#include "nfsgate/options.h"

struct hosts;

/*
 * hosts_new() - begin to ask
 * @options, @rule: in force, the rule with its table; borrowed until hosts_free()
 * Returns 0; -ENOENT: none is named; -errno.
 */
int hosts_new(const struct options *options, const struct rule *rule, struct hosts **ret_hosts);
void hosts_free(struct hosts *hosts);
DEFINE_CLEANUP(struct hosts *, hosts_free)

/* hosts_fd() - readable when hosts_receive() is to be called */
int hosts_fd(const struct hosts *hosts);

/* hosts_receive() - warn, on standard error, of those found unknown. 0: of all of them; -EINPROGRESS */
int hosts_receive(struct hosts *hosts);

#endif
