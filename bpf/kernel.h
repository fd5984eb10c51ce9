/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * kernel.h - the kernel's own structures, as far as we read them
 *
 * Only the members that are read; the loader finds their true offsets in the running kernel's BTF
 * (CO-RE). So the build needs no kernel headers, no vmlinux.h and no particular kernel.
 * Sources: include/linux/{sched,cred,fs,mount,cgroup-defs,tcp}.h, include/net/sock.h, fs/mount.h.
 */
#ifndef PORTCRED_BPF_KERNEL_H
#define PORTCRED_BPF_KERNEL_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct user_namespace {
	int level; /* 0: the initial one */
};

struct group_info {
	int ngroups;
	kgid_t gid[]; /* sorted: kernel/groups.c groups_sort() */
};

/*
 * A u64 since Linux 6.3, two words before, the low one first: on a little-endian machine the same
 * eight bytes. So it is read whole and never through a member of its own.
 */
typedef struct {
	__u64 bytes;
} kernel_cap_t;

struct cred {
	kuid_t euid;
	kgid_t egid;
	kernel_cap_t cap_effective;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};

struct super_block {
	__u32 s_dev;
};

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
};

struct mm_struct {
	struct file *exe_file;
};

struct kernfs_node {
	const char *name;
	__u64 id;
};

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self; /* first: a css of the default hierarchy is its cgroup */
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	unsigned int flags;
	int tgid;
	char comm[16]; /* TASK_COMM_LEN */
	struct mm_struct *mm;
	const struct cred *cred;
	struct css_set *cgroups;
};

struct net {
	__u64 net_cookie;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	unsigned char skc_ipv6only : 1;
	possible_net_t skc_net;
};

struct sock {
	struct sock_common __sk_common;
	__u8 sk_userlocks : 4;
	kuid_t sk_uid;
};

struct tcp_fastopen_request {
	struct msghdr *data;
};

struct tcp_sock {
	__u8 is_mptcp;             /* CONFIG_MPTCP */
	__u8 fastopen_connect : 1; /* TCP_FASTOPEN_CONNECT */
	struct tcp_fastopen_request *fastopen_req;
};

#pragma clang attribute pop

/* include/net/sock.h: the port was asked for by bind(2) */
#define SOCK_BINDPORT_LOCK 8

/* include/linux/sched.h */
#define PF_KTHREAD 0x00200000

/* include/uapi/linux/capability.h */
#define CAP_NET_BIND_SERVICE 10

#endif
