/* SPDX-License-Identifier: MIT */
/*
 * processes.h - which processes hold a socket, in one pass over /proc
 *
 * Not seen: descriptors on their way through a unix socket, files registered with io_uring only,
 * tables of descriptors that a thread has for itself (CLONE_FILES undone).
 */
#ifndef PORTCRED_KERNEL_PROCESSES_H
#define PORTCRED_KERNEL_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/process.h"
#include "kernel/sockets.h"

/* Descriptors looked at in one pass, of all processes: some seconds of work. */
#define MAX_DESCRIPTORS_SCANNED (4U << 20)

/* struct holding - one socket that one process holds */
struct holding {
	uint64_t inode;
	size_t process; /* index into processes.items */
	int number;     /* of a descriptor for it there: see process_socket_at() */
};

/* struct processes - made by processes_scan(), released by processes_free() */
struct processes {
	struct process *items; /* those that hold at least one of the sockets, each once */
	size_t n_items;
	struct holding *holdings; /* sorted by inode, then process; each pair once */
	size_t n_holdings;
	size_t unreadable; /* processes that could not be looked into (privilege) */
	bool truncated;    /* MAX_DESCRIPTORS_SCANNED was reached */
};

/*
 * processes_scan() - who holds the sockets with these inode numbers
 * @inodes: any order, copies and zeros do no harm
 * @attached: for process.unit, as in process_read()
 *
 * A process that ends meanwhile is left out. Returns 0, -ENOMEM, or why /proc could not be read.
 */
int processes_scan(const uint64_t *inodes, size_t n_inodes, const char *attached,
		   struct processes **ret_processes);

/* processes_scan_list() - the same for the sockets of a list */
int processes_scan_list(const struct socket_list *sockets, const char *attached,
			struct processes **ret_processes);

/*
 * processes_socket() - a duplicate of a socket, from the first of its holders that has it still
 * Returns the descriptor, CLOEXEC; -ENOENT where nobody holds it, else as process_socket().
 */
int processes_socket(const struct processes *processes, uint64_t inode);

/* processes_holding() - the holdings of one socket: the first of *ret_n, which may be none */
const struct holding *processes_holding(const struct processes *processes, uint64_t inode,
					size_t *ret_n);

void processes_free(struct processes *processes);

#endif
