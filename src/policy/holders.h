/* SPDX-License-Identifier: MIT */
/*
 * holders.h - who may hold a port
 */
#ifndef PORTCRED_POLICY_HOLDERS_H
#define PORTCRED_POLICY_HOLDERS_H

#include "policy/ranges.h"

/* More are counted and not named. */
#define MAX_HOLDERS 64U

/* struct holders - the principals of the statements that decide together; none: nobody may */
struct holders {
	char **principals; /* "user www-data exe /usr/sbin/nginx (on 127.0.0.0/8, ::1)" */
	size_t n_principals;
	size_t omitted; /* beyond MAX_HOLDERS */
	bool capable;   /* also who has CAP_NET_BIND_SERVICE: no statement says `only` */
};

/*
 * holders_new() - of one rule set
 * @set: index from struct port_entry or of ranges->sets
 *
 * A principal whose name nobody has so far is left out. Returns 0, -EINVAL for a set that does not
 * exist, -ENOMEM.
 */
int holders_new(const struct ranges *ranges, uint32_t set, struct holders **ret_holders);
void holders_free(struct holders *holders);

#endif
