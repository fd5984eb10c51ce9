/* SPDX-License-Identifier: MIT */
/*
 * cgroup.h - paths of control groups as text
 */
#ifndef PORTCRED_KERNEL_CGROUP_H
#define PORTCRED_KERNEL_CGROUP_H

/*
 * cgroup_unit() - the unit in a cgroup path: the first component below @attached that is not a
 * slice, everything above it being slices
 *
 * Returns 0 with a copy for the caller to free; -ENOENT where there is none; -ENOMEM.
 */
int cgroup_unit(const char *cgroup, const char *attached, char **ret_unit);

/*
 * cgroup_path() - the path of a cgroup2 directory as /proc/PID/cgroup would write it
 * Returns 0, the caller frees it; -EMEDIUMTYPE where @directory is not in a cgroup2 file system.
 */
int cgroup_path(const char *directory, char **ret_path);

/*
 * cgroup_mounted() - the directory where the cgroup2 hierarchy is mounted, the first of several
 * Returns 0, the caller frees it; -ENOENT.
 */
int cgroup_mounted(char **ret_path);

#endif
