/* SPDX-License-Identifier: MIT */
/*
 * mounts.h - who has asked for which export (MOUNT, RFC 1813, appendix I), as rmtab of mountd(8)
 *
 * A connection to MOUNT ends as soon as it has its answer, so this is kept beyond it: until the caller
 * says that he has unmounted, or others push it out. What is asked for is not always given: the answer
 * is not read. Version 4 of NFS does not ask so.
 */
#ifndef PORTCRED_NFSGATE_MOUNTS_H
#define PORTCRED_NFSGATE_MOUNTS_H

#include "nfsgate/rule.h"

#define MOUNTS_MAX        256U
#define MOUNTS_CALLER_MAX 16U   /* of one caller */
#define MOUNTS_PATH_MAX   1024U /* MNTPATHLEN */

#define MOUNT_PROGRAM 100005U

/* struct mount - @path: NUL-terminated, of any bytes else; NULL: the place is free */
struct mount {
	struct caller caller; /* as of the last time */
	char *path;
	int64_t when; /* the last time: real time, milliseconds */
	uint64_t calls;
};

/* struct mounts - all zeros at first; mounts_clear() */
struct mounts {
	struct mount items[MOUNTS_MAX];
};

/*
 * mounts_call() - a call of MOUNT that passes
 * @body: of its body what is there, @n bytes. Of a path that is not there whole, or is none, nothing
 * is known: it stands as "?".
 * @now: real time, milliseconds
 * Without memory nothing is kept.
 */
void mounts_call(struct mounts *mounts, const struct caller *caller, uint32_t procedure,
		 const uint8_t *body, size_t n, int64_t now);

void mounts_clear(struct mounts *mounts);

/* caller_same() - whether two connections are of one caller: the same user of the same host, else address */
bool caller_same(const struct caller *one, const struct caller *other);

#endif
