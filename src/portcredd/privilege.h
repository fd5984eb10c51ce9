/* SPDX-License-Identifier: MIT */
/*
 * privilege.h - what portcredd may still do once it has begun
 */
#ifndef PORTCRED_PORTCREDD_PRIVILEGE_H
#define PORTCRED_PORTCREDD_PRIVILEGE_H

/*
 * privilege_check() - whether root has every capability that is kept or needed to give up the rest
 * @ret_why: which are missing, and where they come from (caller frees)
 *
 * A container's root often lacks some: said at once, or some later call would fail of it and name
 * something else. Returns 0; -EPERM; -errno.
 */
int privilege_check(char **ret_why);

/*
 * privilege_drop() - keep these capabilities and no others, for good; read back
 *
 *	CAP_BPF, CAP_PERFMON     load programs that read the kernel's structures
 *	CAP_NET_ADMIN            attach them to a cgroup; write the namespace's reserved ports
 *	CAP_SYS_PTRACE,
 *	CAP_DAC_READ_SEARCH      see which process of another user holds a socket
 *
 * The user stays root: the control socket, the pins and the state are root's. No new privileges can
 * be gained by exec, and the bounding set is cut too. Call before anything is read from anyone.
 * Returns 0, -errno; -EPERM where the kernel kept more than was asked for.
 */
int privilege_drop(void);

/*
 * privilege_confine() - from here on only the system calls of the main loop (seccomp)
 * Others fail with EPERM. Returns 0, -errno.
 */
int privilege_confine(void);

#endif
