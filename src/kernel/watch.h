/* SPDX-License-Identifier: MIT */
/*
 * watch.h - learn that something else may stand at a path than before
 *
 * Every directory that the path leads through is watched, symbolic links followed, so that a
 * replaced file, a replaced link and a renamed directory above are all seen. Not seen: a mount over
 * a part of the path. A change may also be reported that is none.
 */
#ifndef PORTCRED_KERNEL_WATCH_H
#define PORTCRED_KERNEL_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* Also report that the file at the path was written to in place and closed. */
#define WATCH_CONTENT 1U

struct watch;

/*
 * watch_new() - watch @n_paths absolute paths, which need not exist
 * @paths: copied
 *
 * Returns 0; -EINVAL for a relative path; -ENOMEM; -EMFILE and the like where inotify(7) gives
 * nothing. A path that cannot be watched in whole counts in watch_incomplete(): look at it yourself
 * from time to time.
 */
int watch_new(const char *const *paths, size_t n_paths, unsigned flags, struct watch **ret_watch);

/* watch_fd() - readable when watch_read() has something to say; owned by @watch */
int watch_fd(const struct watch *watch);

/*
 * watch_read() - which paths may lead elsewhere now
 * @changed: n_paths elements; those of changed paths are set true, the others left alone
 *
 * Never waits. The watch is renewed before this returns: what the caller finds afterwards is as old
 * as the watch, or newer. Returns how many it set, 0 for none; -errno.
 */
int watch_read(struct watch *watch, bool *changed);

/* watch_incomplete() - paths of which some directory is not watched (privilege, inotify's limits) */
size_t watch_incomplete(const struct watch *watch);

void watch_free(struct watch *watch);
DEFINE_CLEANUP(struct watch *, watch_free)

#endif
