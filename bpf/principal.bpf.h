/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * principal.bpf.h - the current task as decide.h sees it
 *
 * Valid in process context alone: bind, sendmsg, setsockopt, listen. Everything is read from the
 * credential that the kernel itself would judge by (task->cred, the subjective one), so setuid
 * programs, io_uring workers and override_creds() are judged as what they act as.
 */
#ifndef PORTCRED_BPF_PRINCIPAL_H
#define PORTCRED_BPF_PRINCIPAL_H

#include "kernel.h"
#include "tables.bpf.h"

#include <bpf/bpf_core_read.h>

/* NGROUPS_MAX: 65536 */
#define GROUP_SEARCH_STEP 65536U

/*
 * A pointer that is followed costs the verifier three walks through all of the kernel's types
 * (btf_nested_type_is_trusted()) each time it comes by. So what is asked of the credential is asked in
 * functions of their own, where it comes by once; and by CRED(), a read at run time that costs it
 * nothing, where a read that failed, and gave 0, would grant nothing.
 */
#define CRED(...) BPF_CORE_READ((struct task_struct *)bpf_get_current_task_btf(), cred, __VA_ARGS__)

/* current_ids() - effective uid and, in the upper half, gid */
__noinline __u64 current_ids(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = task->cred;

	return cred->euid.val | (__u64)cred->egid.val << 32;
}

static __always_inline __u32 current_uid(void)
{
	return current_ids();
}

static __always_inline __u32 current_gid(void)
{
	return current_ids() >> 32;
}

/* in_initial_namespace() - whether ids and capabilities of the current task mean what they say */
__noinline int in_initial_namespace(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->cred->user_ns->level == 0;
}

static __always_inline __u32 principal_uid(const struct principal *principal)
{
	return principal->uid;
}

/*
 * principal_capable() - CAP_NET_BIND_SERVICE in a credential of the initial user namespace
 *
 * A capability in a namespace that a user made himself is worth nothing here.
 */
__noinline int principal_capable(const struct principal *principal)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 capabilities = 0;

	if (!principal || !in_initial_namespace())
		return 0;
	bpf_core_read(&capabilities, sizeof(capabilities), &task->cred->cap_effective);
	return (capabilities >> CAP_NET_BIND_SERVICE) & 1;
}

/*
 * principal_in_group() - the effective gid, or a supplementary group (which the kernel sorts)
 *
 * A binary search whose steps are fixed and whose choices are arithmetic: a branch on what was read
 * would make the verifier follow every path of the tree. `below` counts groups known to be <= gid.
 */
__noinline int principal_in_group(const struct principal *principal, __u32 gid)
{
	struct group_info *groups = CRED(group_info);
	__u64 below = 0, total, candidate, take;
	__u32 value;

	if (!principal)
		return 0;
	if (current_gid() == gid)
		return 1;
	total = BPF_CORE_READ(groups, ngroups);
	for (__u32 step = GROUP_SEARCH_STEP; step; step >>= 1) {
		if (step > total)
			continue;
		candidate = below + step;
		value = 0;
		bpf_core_read(&value, sizeof(value), &groups->gid[candidate - 1]);
		/* Both differences are >= 0 where the group exists and is <= gid. */
		take = ~(((__u64)gid - value) | (total - candidate)) >> 63;
		barrier_var(take); /* or the compiler makes it a branch again */
		below += step * take;
	}
	if (below == 0)
		return 0;
	value = ~gid;
	bpf_core_read(&value, sizeof(value), &groups->gid[below - 1]);
	return value == gid;
}

/* current_executable() - inode and device of the current program; -1 for kernel threads */
static __always_inline int current_executable(struct exe_key *ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inode *inode;

	if (!BPF_CORE_READ(task, mm))
		return -1;
	inode = BPF_CORE_READ(task, mm, exe_file, f_inode);
	if (!inode)
		return -1;
	ret->inode = BPF_CORE_READ(inode, i_ino);
	ret->device = BPF_CORE_READ(inode, i_sb, s_dev);
	return 0;
}

static __always_inline int principal_runs(const struct tables *tables,
					  const struct principal *principal, __u32 exe)
{
	struct exe_key key = { .exe = exe };
	(void)principal;

	return current_executable(&key) == 0 && LOOKUP(exes, tables, &key) != NULL;
}

/* current_cgroup() - where the task is in the unified hierarchy */
static __always_inline struct cgroup *current_cgroup(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return BPF_CORE_READ(task, cgroups, dfl_cgrp);
}

static __always_inline struct cgroup *cgroup_parent(struct cgroup *cgroup)
{
	/* self is the first member of struct cgroup (include/linux/cgroup-defs.h). */
	return (struct cgroup *)BPF_CORE_READ(cgroup, self.parent);
}

/* struct name - one name of a cgroup */
struct name {
	char text[MAX_UNIT_NAME];
};

#define SLICE_SUFFIX 6

/* name_is_slice() - whether a cgroup's name ends in ".slice" */
static __always_inline int name_is_slice(const struct name *name, __u32 length)
{
	static const char suffix[SLICE_SUFFIX] = ".slice";

	if (length < SLICE_SUFFIX || length >= MAX_UNIT_NAME)
		return 0;
	for (__u32 i = 0; i < SLICE_SUFFIX; i++) {
		if (name->text[(length - SLICE_SUFFIX + i) & (MAX_UNIT_NAME - 1)] != suffix[i])
			return 0;
	}
	return 1;
}

/*
 * forgotten() - the same pointer, of which the verifier no longer knows that it is
 *
 * It ties copies of a value together, and then follows a loop once for each way in which they can be
 * tied; an operation that it does not see through unties them.
 */
static __always_inline void *forgotten(void *pointer)
{
	asm volatile("%0 ^= -1\n%0 ^= -1" : "+r"(pointer));
	return pointer;
}

/*
 * unit_name() - the unit of the current task
 *
 * Nothing in its loop is a function of its own: Linux 6.1's verifier follows a loop that calls one, and
 * carries something on from step to step, along every path there is.
 *
 * From the leaf up, the last name that is not a slice is the first one below the attached cgroup
 * that is none, all above it being slices. Returns the name's length; 0 where there is no unit, the
 * task is not below that cgroup, or lies deeper than MAX_SLICES: then no `unit` matches.
 */
__noinline __u32 unit_name(__u64 attached, struct name *name)
{
	struct cgroup *cgroup = current_cgroup(), *unit = NULL;
	struct kernfs_node *node;
	long length;

	if (!name)
		return 0;
	for (int i = 0; i < MAX_SLICES && cgroup; i++) {
		if (BPF_CORE_READ(cgroup, kn, id) == attached)
			break;
		length = bpf_probe_read_kernel_str(name->text, sizeof(name->text),
						   BPF_CORE_READ(cgroup, kn, name));
		if (length <= 1)
			return 0;
		if (!name_is_slice(name, length - 1))
			unit = forgotten(cgroup);
		cgroup = cgroup_parent(cgroup);
	}
	if (!unit || !cgroup || BPF_CORE_READ(cgroup, kn, id) != attached)
		return 0;
	node = BPF_CORE_READ(unit, kn);
	length = bpf_probe_read_kernel_str(name->text, sizeof(name->text),
					   BPF_CORE_READ(node, name));
	return length > 1 ? length - 1 : 0;
}

/*
 * same_bytes() - whether name[from..] and pattern[at..] agree in @count bytes
 *
 * A function of its own, so that the verifier walks its loop once and not once for each length that
 * the name and the pattern could have.
 */
__noinline int same_bytes(const struct name *name, __u32 from, const struct unit_pattern *pattern,
			  __u32 at, __u32 count)
{
	if (!name || !pattern)
		return 0;
	for (__u32 i = 0; i < MAX_UNIT_NAME; i++) {
		if (i >= count)
			return 1;
		if (name->text[(from + i) & (MAX_UNIT_NAME - 1)] !=
		    pattern->text[(at + i) & (MAX_UNIT_NAME - 1)])
			return 0;
	}
	return 0;
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wframe-larger-than" /* the name; all others make room for it */

/* principal_in_unit() - whether the unit's name matches a pattern */
__noinline int principal_in_unit(const struct tables *tables, const struct principal *principal,
				 __u32 unit)
{
	const struct unit_pattern *pattern;
	__u32 length, prefix, suffix;
	struct name name;

	if (!tables || !principal)
		return 0;
	pattern = LOOKUP(units, tables, &unit);
	if (!pattern)
		return 0;
	length = unit_name(principal->cgroup, &name);
	prefix = pattern->prefix;
	suffix = pattern->suffix;
	if (length == 0 || prefix + suffix > length || (!pattern->wildcard && prefix != length))
		return 0;
	return same_bytes(&name, 0, pattern, 0, prefix) &&
	       same_bytes(&name, length - suffix, pattern, prefix, suffix);
}

#pragma clang diagnostic pop

#endif
