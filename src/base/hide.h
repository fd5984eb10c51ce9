/* SPDX-License-Identifier: MIT */
/*
 * hide.h - from who has the same ids: a user's own processes can be traced by him (ptrace(2)), and their
 * memory and descriptors taken
 *
 * A change of ids sets anew whether a process can be, to fs.suid_dumpable (prctl(2), PR_SET_DUMPABLE): it is
 * hidden behind each of them, whatever that says. execve(2) of a program that he may read ends it.
 */
#ifndef PORTCRED_BASE_HIDE_H
#define PORTCRED_BASE_HIDE_H

#include <errno.h>
#include <sys/prctl.h>

/* hide_process() - nor does it dump core; read back: 0, -EPERM */
static inline int hide_process(void)
{
	if (prctl(PR_SET_DUMPABLE, 0UL, 0, 0, 0) < 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -EPERM;
	return 0;
}

#endif
