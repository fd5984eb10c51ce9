/* SPDX-License-Identifier: MIT */
/*
 * child.h - a process of the gate's own that asks this machine's databases, confined (base/isolate.h)
 *
 * Modules of nsswitch.conf(5) run there, which may talk to the network, hang or be taken over by what
 * they read. What such a process can do is give a wrong answer, or none; it is killed when it is too late.
 */
#ifndef PORTCRED_NFSGATE_CHILD_H
#define PORTCRED_NFSGATE_CHILD_H

#include <sys/types.h>

/* struct child - @fd: our end, which does not block; -EBADF: there is none */
struct child {
	int fd;
	pid_t pid;
};

/*
 * child_start() - fork one
 * @type: of the socket, SOCK_STREAM or SOCK_SEQPACKET
 * @work: there, with its end at ISOLATED_FD, all given up; its memory is a copy, so that @data is seen
 * Returns 0, -errno.
 */
int child_start(int type, void (*work)(const void *data), const void *data,
		struct child *ret_child);

/* child_end() - kill it, if there is one, and wait for that */
void child_end(struct child *child);

#endif
