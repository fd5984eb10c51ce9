/* SPDX-License-Identifier: MIT */
/*
 * requirements.h - what the kernel half needs of a machine, each by name
 */
#ifndef PORTCRED_KERNEL_REQUIREMENTS_H
#define PORTCRED_KERNEL_REQUIREMENTS_H

#include <linux/bpf.h>

/*
 * requirements_check() - whether portcred can enforce here
 * @cgroup: directory of the cgroup2 hierarchy to attach to
 * @pin_dir: directory on a BPF file system; it need not exist, its parent must
 *
 * Returns 0; -ENOTSUP, -EPERM or -ENOENT with *ret_why what is missing and how to get it (caller
 * frees). Only asks, changes nothing; needs to be root to be sure.
 */
int requirements_check(const char *cgroup, const char *pin_dir, char **ret_why);

/* struct kernel_probes - asks a kernel for one thing: 1, it has it; 0, it has not; -errno */
struct kernel_probes {
	int (*program)(enum bpf_prog_type program, const void *options);
	int (*map)(enum bpf_map_type map, const void *options);
	int (*helper)(enum bpf_prog_type program, enum bpf_func_id helper, const void *options);
};

/*
 * requirements_probe() - whether a kernel has every feature that the kernel half is built of
 * Returns 0; -ENOTSUP with the first that it lacks in *@ret_why, and since when Linux has it; what a
 * probe failed with.
 */
int requirements_probe(const struct kernel_probes *probes, char **ret_why);

#endif
