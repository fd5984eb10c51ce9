/* SPDX-License-Identifier: MIT */
/*
 * spawn.h - a process that is about to run another program, without a copy of this one's memory
 *
 * To copy it takes longer than all else here, for a process that throws it away at once. So, as
 * posix_spawn(3) does, which cannot change the user: the child has a stack of its own in the same
 * memory, and the parent stands still until it runs its program or ends. Nobody can trace it meanwhile:
 * who changes his user is not to be traced before he runs a program, and that holds for the memory.
 */
#ifndef PORTCRED_RCMDD_SPAWN_H
#define PORTCRED_RCMDD_SPAWN_H

#include <sys/types.h>

/*
 * spawn() - returns the child's pid, -errno
 * @run: in the child, and does not return but by _exit(2); may write to nothing that the parent still
 *	needs
 */
pid_t spawn(int (*run)(void *data), void *data);

#endif
