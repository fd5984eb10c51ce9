/* SPDX-License-Identifier: MIT */
/*
 * process.h - one process as the policy's decision would see it, read from /proc
 *
 * What is read here is for people (`ls`, `who`, `explain`): the process may change or end while it
 * is being read, and the kernel decides from its own, not from this.
 *
 * Reading other users' processes takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.
 */
#ifndef PORTCRED_KERNEL_PROCESS_H
#define PORTCRED_KERNEL_PROCESS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/abi.h"

/* struct process - texts and groups are owned, process_clear() releases them */
struct process {
	pid_t pid;
	uint32_t uid; /* effective */
	uint32_t gid; /* effective */
	uint32_t *groups;
	size_t n_groups;
	bool capable; /* CAP_NET_BIND_SERVICE effective, own user namespace the initial one */
	char command[MAX_COMMAND];
	char *executable;        /* path as this process would name it; NULL: none or unreadable */
	bool executable_deleted; /* no file has that name any more: removed, or replaced */
	char *cgroup;            /* cgroup2 path from the root of the hierarchy; NULL: none */
	char *unit;              /* see cgroup_unit(); NULL: none */
};

/*
 * process_open() - the directory of a process below /proc, whose contents end with the process
 * Where the leader of a thread group has exited and other threads go on, it is that of one of them.
 * Returns the descriptor, -ENOENT or -ESRCH where there is no such process.
 */
int process_open(pid_t pid);

/*
 * process_read() - everything in struct process
 * @directory: from process_open()
 * @attached: cgroup path that units are sought below (see cgroup_path()); NULL: no units
 *
 * What cannot be read for want of privilege stays empty, and `capable` false. Returns 0; -ENOENT or
 * -ESRCH where the process has gone; -EACCES, -ENOMEM.
 */
int process_read(int directory, pid_t pid, const char *attached, struct process *ret_process);

void process_clear(struct process *process);

/*
 * process_started() - when it began: CLOCK_BOOTTIME, nanoseconds, at most a clock tick too early
 * @directory: from process_open(); proc(5), starttime
 * Returns 0; -ENOENT or -ESRCH where the process has gone; -EBADMSG.
 */
int process_started(int directory, uint64_t *ret_time);

/*
 * process_sockets() - call @each for every descriptor a process has, until it returns non-zero
 * @number: of the descriptor there
 * @inode: of the socket it is, 0 where it is no socket
 *
 * Returns what @each returned last, 0 at the end; -EACCES, -ENOENT, -ESRCH, -ENOMEM.
 */
int process_sockets(int directory, int (*each)(void *data, int number, uint64_t inode), void *data);

/*
 * process_socket() - a duplicate of a socket that another process holds
 * @inode: which of its sockets
 *
 * The descriptor is compared with @inode after it was taken: never another one. Returns it, CLOEXEC;
 * -ENOENT where the process does not hold it (any more), -ESRCH, -EPERM.
 */
int process_socket(pid_t pid, uint64_t inode);

/*
 * process_socket_at() - the same, where the number of a descriptor for it is known already
 * @number: as process_sockets() gave it; what stands there by now need not be the socket
 *
 * For many sockets of one process: process_socket() reads the whole list of descriptors each time.
 */
int process_socket_at(pid_t pid, int number, uint64_t inode);

#endif
