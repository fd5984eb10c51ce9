/* SPDX-License-Identifier: MIT */
/*
 * place.h - where received entries go: one component below a directory that is open, nothing else
 *
 * The one exception is the target itself as its user typed it (@typed): his own path, links in it are
 * followed, and it may be a device. What the other end names never is: no symbolic link is followed, so
 * whatever lies in the target's tree, nothing outside of it is touched.
 */
#ifndef PORTCRED_RCP_PLACE_H
#define PORTCRED_RCP_PLACE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "rcp/line.h"

/* struct place - a name to be made or opened; all borrowed */
struct place {
	int directory;    /* AT_FDCWD where it is typed */
	const char *name; /* one component, or a path that was typed */
	bool typed;
};

/*
 * place_open_file() - open for writing, made with @mode (9 bits, less the umask) if it is not there
 * What is there keeps its contents so far: it may be what is being copied from.
 *
 * Returns 0; -ELOOP for a symbolic link; -EINVAL for what is neither missing nor a regular file;
 * -errno.
 */
int place_open_file(const struct place *place, unsigned mode, int *ret_fd);

/*
 * place_open_directory() - open, made with @mode and all rights of its owner if it is not there
 * Returns 0; -ENOTDIR for anything else, a symbolic link too; -errno.
 */
int place_open_directory(const struct place *place, unsigned mode, int *ret_fd, bool *ret_made);

/*
 * place_preserve() - give what is open the mode and, where @times has them, the times sent
 * Set-user-ID and set-group-ID bits only where the effective user owns it. @times: a line of kind
 * LINE_TIMES, NULL: none came. Returns 0 or -errno.
 */
int place_preserve(int fd, unsigned mode, const struct line *times);

/* place_restrict() - take from a directory that was made the owner's rights that @mode lacks */
int place_restrict(int fd, unsigned mode);

#endif
