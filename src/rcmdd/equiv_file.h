/* SPDX-License-Identifier: MIT */
/*
 * equiv_file.h - reads hosts.equiv and .rhosts, if nobody but their owners could have written them
 *
 * Of both: no symbolic link, a regular file, its owner's (root's; of .rhosts LUSER's too), not
 * writable by group or others, at most RHOSTS_MAX_BYTES. And so of each directory on the way there
 * (base/trust.h), the home directory among them.
 */
#ifndef PORTCRED_RCMDD_EQUIV_FILE_H
#define PORTCRED_RCMDD_EQUIV_FILE_H

#include <stddef.h>

#include "base/cleanup.h"
#include "rcmdd/equiv.h"

/* struct equiv_file - what was read; begins as all zeros */
struct equiv_file {
	char *text; /* not NUL-terminated */
	size_t size;
};

static inline void equiv_file_clear(struct equiv_file *file)
{
	free(file->text);
}

/*
 * equiv_file_of_host() - read hosts.equiv, in this process
 * @path: absolute
 * @ret_file: for equiv_file_clear(), left alone on failure
 * @ret_reason: of -EPERM, a sentence about why it does not count, for free(3); see why.h
 *
 * Returns 0; -ENOENT: there is none; -EPERM; -ENOMEM.
 */
int equiv_file_of_host(const char *path, struct equiv_file *ret_file, char **ret_reason);

/*
 * equiv_file_of_user() - read ~LUSER/.rhosts, with the rights of LUSER
 * @limit_ms: how long that may take; then SIGALRM ends the process
 *
 * To be called by a single-threaded process in which SIGALRM does what it does by default. It is no
 * longer dumpable afterwards, and has no signal at its parent's end (prctl(2)). Returns as
 * equiv_file_of_host().
 */
int equiv_file_of_user(const struct equiv_account *account, unsigned limit_ms,
		       struct equiv_file *ret_file, char **ret_reason);

/* equiv_file_read_home() - the same with the rights that this process has */
int equiv_file_read_home(const struct equiv_account *account, struct equiv_file *ret_file,
			 char **ret_reason);

#endif
