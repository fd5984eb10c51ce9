/* SPDX-License-Identifier: MIT */
#include "kernel/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "kernel/procfs.h"

DEFINE_CLEANUP(struct processes *, processes_free)

/* struct scan - the pass; `wanted` is sorted */
struct scan {
	const uint64_t *wanted;
	size_t n_wanted;
	const char *attached;
	struct processes *result;
	size_t items_allocated, holdings_allocated;
	size_t looked; /* descriptors */
};

static int compare_inodes(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static int compare_holdings(const void *left, const void *right)
{
	const struct holding *a = left, *b = right;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (a->process > b->process) - (a->process < b->process);
}

static int take_socket(void *data, int number, uint64_t inode)
{
	struct scan *scan = data;
	struct processes *result = scan->result;
	int error;

	if (++scan->looked > MAX_DESCRIPTORS_SCANNED) {
		result->truncated = true;
		return 1;
	}
	if (inode == 0 ||
	    !bsearch(&inode, scan->wanted, scan->n_wanted, sizeof(inode), compare_inodes))
		return 0;
	error = GROW(result->holdings, scan->holdings_allocated, result->n_holdings);
	if (error < 0)
		return error;
	result->holdings[result->n_holdings++] = (struct holding){ inode, result->n_items, number };
	return 0;
}

/* Returns 0 also for a process that has gone or may not be read: only the pass as a whole fails. */
static int scan_process(struct scan *scan, pid_t pid)
{
	struct processes *result = scan->result;
	size_t before = result->n_holdings;
	_cleanup_close_ int directory = process_open(pid);
	int error = directory;

	if (error >= 0)
		error = process_sockets(directory, take_socket, scan);
	if (error >= 0 && result->n_holdings == before)
		return 0;
	if (error >= 0)
		error = GROW(result->items, scan->items_allocated, result->n_items);
	if (error == 0)
		error = process_read(directory, pid, scan->attached,
				     &result->items[result->n_items]);
	if (error == 0) {
		result->n_items++;
		return 0;
	}
	result->n_holdings = before;
	if (error == -ENOENT || error == -ESRCH)
		return 0;
	if (error == -EACCES || error == -EPERM) {
		result->unreadable++;
		return 0;
	}
	return error;
}

static int scan_all(struct scan *scan)
{
	_cleanup_(procfs_closep) DIR *directory = NULL;
	const struct dirent *entry;
	int error = procfs_list(AT_FDCWD, "/proc", &directory);

	if (error < 0)
		return error;
	while (!scan->result->truncated && (entry = readdir(directory))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (*end || pid <= 0)
			continue;
		error = scan_process(scan, (pid_t)pid);
		if (error < 0)
			return error;
	}
	return 0;
}

/* A process may hold a socket by several descriptors: once is enough. */
static void sort_holdings(struct processes *processes)
{
	struct holding *holdings = processes->holdings;
	size_t kept = 0;

	if (processes->n_holdings == 0)
		return;
	qsort(holdings, processes->n_holdings, sizeof(holdings[0]), compare_holdings);
	for (size_t i = 1; i < processes->n_holdings; i++)
		if (compare_holdings(&holdings[kept], &holdings[i]) != 0)
			holdings[++kept] = holdings[i];
	processes->n_holdings = kept + 1;
}

int processes_scan(const uint64_t *inodes, size_t n_inodes, const char *attached,
		   struct processes **ret_processes)
{
	_cleanup_(processes_freep) struct processes *result = calloc(1, sizeof(*result));
	_cleanup_free_ uint64_t *wanted = calloc(n_inodes + 1, sizeof(*wanted));
	struct scan scan = { wanted, n_inodes, attached, result, 0, 0, 0 };
	int error;

	if (!result || !wanted)
		return -ENOMEM;
	if (n_inodes) {
		memcpy(wanted, inodes, n_inodes * sizeof(*wanted));
		qsort(wanted, n_inodes, sizeof(*wanted), compare_inodes);
		error = scan_all(&scan);
		if (error < 0)
			return error;
	}
	sort_holdings(result);
	*ret_processes = TAKE_PTR(result);
	return 0;
}

int processes_scan_list(const struct socket_list *sockets, const char *attached,
			struct processes **ret_processes)
{
	_cleanup_free_ uint64_t *inodes = calloc(sockets->n_items + 1, sizeof(*inodes));

	if (!inodes)
		return -ENOMEM;
	for (size_t i = 0; i < sockets->n_items; i++)
		inodes[i] = sockets->items[i].inode;
	return processes_scan(inodes, sockets->n_items, attached, ret_processes);
}

const struct holding *processes_holding(const struct processes *processes, uint64_t inode,
					size_t *ret_n)
{
	size_t low = 0, high = processes->n_holdings, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (processes->holdings[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < processes->n_holdings && processes->holdings[low + n].inode == inode)
		n++;
	*ret_n = n;
	return processes->holdings + low;
}

void processes_free(struct processes *processes)
{
	if (!processes)
		return;
	for (size_t i = 0; i < processes->n_items; i++)
		process_clear(&processes->items[i]);
	free(processes->items);
	free(processes->holdings);
	free(processes);
}

int processes_socket(const struct processes *processes, uint64_t inode)
{
	const struct holding *holdings;
	size_t n = 0;
	int fd = -ENOENT;

	holdings = processes_holding(processes, inode, &n);
	for (size_t i = 0; i < n && fd < 0; i++)
		fd = process_socket(processes->items[holdings[i].process].pid, inode);
	return fd;
}
