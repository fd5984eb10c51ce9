/* SPDX-License-Identifier: MIT */
/*
 * other_end.h - the caller or the service that `explain` is asked about
 */
#ifndef PORTCRED_PORTCRED_OTHER_END_H
#define PORTCRED_PORTCRED_OTHER_END_H

#include "policy/verdict.h"

/* struct other_end_options - as they stand on the command line; from or to, the others as they come */
struct other_end_options {
	const char *from;    /* USER@HOST, anyone@HOST, ADDRESS[:PORT] */
	const char *to;      /* USER@HOST, approved@HOST, anyone@HOST, ADDRESS */
	const char *address; /* ADDRESS[:PORT] of whom a host vouches for */
	const char *owner;   /* USER[:GROUP] of the listener */
	bool approved;       /* a bind rule there approved the service */
};

/* struct other_end_found - released by other_end_clear() */
struct other_end_found {
	struct other_end end;
	/* By name, or by number where it has none; NULL: not given. */
	char *user;                /* who it is there */
	char *owner, *owner_group; /* of the listener */
};

/* other_end_wrong() - what is wrong with the form of the options; NULL: nothing */
const char *other_end_wrong(const struct other_end_options *options);

/*
 * other_end_find() - who is meant, with the hosts of a policy and the users of this machine
 * @options: those of which nothing is wrong
 * @ret_why: what is wrong, safe to print, the caller's to free
 *
 * Returns 0; -ENOENT for a host, user or group that does not exist, -EIO where the databases did not
 * answer, -ENOMEM.
 */
int other_end_find(const struct other_end_options *options, const struct compiled *compiled,
		   struct other_end_found *ret_found, char **ret_why);

void other_end_clear(struct other_end_found *found);

#endif
