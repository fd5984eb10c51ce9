/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - the policy in force as one file: its sources, and what its names meant
 *
 * What stands in /etc may be newer than what decides, and a name may mean another uid by now. A
 * reader of the snapshot (`portcred explain`, a daemon that adopts what is pinned) parses the same
 * text with the same names and so comes to the tables in force.
 *
 * The file, all numbers decimal without leading zeros:
 *
 *	portcred snapshot 2
 *	user 33 8 www-data            names: kind, id ("-": unknown so far), bytes, the name
 *	group - 5 ghost                      users before groups, ascending, each once
 *	members 500 2 1000 1001       a group that a caller names: gid, how many ("-": unknown), uids
 *	memberships 4 1 1003          where a caller is the group of the owner: the same of every group
 *	                              that has members; one line "memberships -": unknown
 *	source 25 310                 each source: bytes of its name, bytes of its text,
 *	/etc/portcred/policy.conf     the name,
 *	...                           the text and a newline behind it
 *	end
 *
 * gids and uids ascend. There is one way to write a policy down, so what was read writes the same
 * bytes again. A file of version 1, which has no members, is read too, and written as version 2.
 */
#ifndef PORTCRED_POLICY_SNAPSHOT_H
#define PORTCRED_POLICY_SNAPSHOT_H

#include "policy/policy.h"

/* Sources and names together; a larger file is not read. */
#define MAX_SNAPSHOT_BYTES (2U * MAX_SOURCE_BYTES)

/* struct snapshot_names - names with their ids; opaque, released by snapshot_names_free() */
struct snapshot_names;

void snapshot_names_free(struct snapshot_names *names);

/*
 * snapshot_write() - put the snapshot of a resolved policy into a directory
 * @filename: without a slash; ".FILENAME.new" is used on the way
 *
 * Readers see the old file or the new one, whole, also after a crash; mode 0644 whatever the umask.
 * For one writer at a time. Returns 0 or -errno, with the old file as it was.
 */
int snapshot_write(int dirfd, const char *filename, const struct policy *policy);

/*
 * snapshot_read() - read one back; the caller owns both results
 * Returns 0; -EBADMSG for anything that snapshot_write() would not have written,
 * -EPROTONOSUPPORT for another version, -EFBIG or -E2BIG for more than a policy may be, -errno.
 */
int snapshot_read(int dirfd, const char *filename, struct sources **ret_sources,
		  struct snapshot_names **ret_names);

/* snapshot_parse() - the same from memory */
int snapshot_parse(const char *bytes, size_t size, struct sources **ret_sources,
		   struct snapshot_names **ret_names);

/* snapshot_print() - the bytes of a snapshot; 0 or -errno of the stream */
int snapshot_print(const struct sources *sources, const struct snapshot_names *names, FILE *out);

/*
 * snapshot_environment() - an environment in which names mean what they meant then
 * @names: answers for users, groups and members; borrowed, and written to: one environment at a time
 * @machine: answers find_service; borrowed; NULL: there are no services
 *
 * Every executable is found to be in order: it was checked when the policy came into force.
 */
struct policy_environment snapshot_environment(struct snapshot_names *names,
					       const struct policy_environment *machine);

/*
 * snapshot_same_names() - whether all names and groups of a resolved policy mean what they meant
 * Returns 1, 0, -ENOMEM.
 */
int snapshot_same_names(const struct snapshot_names *names, const struct policy *policy);

/* snapshot_same_sources() - whether both have the same files with the same bytes in the same order
 */
bool snapshot_same_sources(const struct sources *a, const struct sources *b);

#endif
