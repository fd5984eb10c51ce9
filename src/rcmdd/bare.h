/* SPDX-License-Identifier: MIT */
/*
 * bare.h - a process without what was loaded since this program began: PAM's modules, and theirs
 *
 * Half of what a session takes is the making and the ending of processes, and most of that is for
 * libraries that PAM's modules bring. A process that carries bytes has no use for them, and whoever
 * took it over would have.
 */
#ifndef PORTCRED_RCMDD_BARE_H
#define PORTCRED_RCMDD_BARE_H

#include <sys/types.h>

/*
 * bare_fork() - fork(2), without the memory of libraries that came later
 * The child may call what the program was linked with, but nothing that forks, loads, or asks the
 * name service or PAM; it ends by _exit(2). It is fork(2) where ld.so(8) preloads something, which
 * may load a part of its own at any time; where a module has started a thread; and where the C
 * library cannot leave out what libraries have asked for at a fork.
 */
pid_t bare_fork(void);

#endif
