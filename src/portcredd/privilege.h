/* SPDX-License-Identifier: MIT */
/*
 * privilege.h - what portcredd may still do once it has begun
 */
#ifndef PORTCRED_PORTCREDD_PRIVILEGE_H
#define PORTCRED_PORTCREDD_PRIVILEGE_H

#include <stdbool.h>

/*
 * privilege_check() - whether root has every capability that is kept or needed to give up the rest
 * @broker_only: of those that a daemon without a kernel half keeps; so it is below
 * @ret_why: which are missing, and where they come from (caller frees)
 *
 * A container's root often lacks some: said at once, or some later call would fail of it and name
 * something else. Returns 0; -EPERM; -errno.
 */
int privilege_check(bool broker_only, char **ret_why);

/*
 * privilege_drop() - keep these capabilities and no others, for good; read back
 *
 *	CAP_BPF, CAP_PERFMON     load programs that read the kernel's structures
 *	CAP_NET_ADMIN            attach them to a cgroup; write the namespace's reserved ports
 *	CAP_SYS_PTRACE,
 *	CAP_DAC_READ_SEARCH      see which process of another user holds a socket, and what a caller of the
 *				broker runs, in which network namespace
 *	CAP_CHOWN                give a socket that the broker has bound to the user it is for
 *
 * With @broker_only, instead of the first three:
 *
 *	CAP_NET_BIND_SERVICE     bind for others below ip_unprivileged_port_start
 *
 * The user stays root: the control socket, the pins and the state are root's. No new privileges can
 * be gained by exec, and the bounding set is cut too. Call before anything is read from anyone.
 * Returns 0, -errno; -EPERM where the kernel kept more than was asked for.
 */
int privilege_drop(bool broker_only);

/*
 * privilege_confine() - from here on only the system calls of the main loop (seccomp)
 * Others fail with EPERM. Returns 0, -errno.
 */
int privilege_confine(void);

#endif
