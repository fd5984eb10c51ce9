/* SPDX-License-Identifier: MIT */
/*
 * requirements.h - what the kernel half needs of a machine, each by name
 */
#ifndef PORTCRED_KERNEL_REQUIREMENTS_H
#define PORTCRED_KERNEL_REQUIREMENTS_H

/*
 * requirements_check() - whether portcred can enforce here
 * @cgroup: directory of the cgroup2 hierarchy to attach to
 * @pin_dir: directory on a BPF file system; it need not exist, its parent must
 *
 * Returns 0; -ENOTSUP, -EPERM or -ENOENT with *ret_why what is missing and how to get it (caller
 * frees). Only asks, changes nothing; needs to be root to be sure.
 */
int requirements_check(const char *cgroup, const char *pin_dir, char **ret_why);

#endif
