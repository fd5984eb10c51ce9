/* SPDX-License-Identifier: MIT */
#include "kernel/login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/sockets.h"

#define MAX_STAT 65536U

/* struct search - the connections of this namespace, and what one process holds of them */
struct search {
	struct socket_list connections; /* sorted by inode */
	struct socket_list bound;
	/* At the lowest local port that is held; NULL: none is. */
	const struct bound_socket *incoming; /* of those listened on */
	const struct bound_socket *any;
};

static int parent_of(pid_t pid, pid_t *ret_parent)
{
	_cleanup_free_ char *text = NULL;
	char path[48];
	const char *rest;
	int error;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	error = procfs_read(AT_FDCWD, path, MAX_STAT, &text, NULL);
	if (error < 0)
		return error;
	rest = strrchr(text, ')'); /* PID (COMMAND) STATE PPID; a command may hold parentheses */
	if (!rest || sscanf(rest, ") %*c %d", ret_parent) != 1)
		return -EBADMSG;
	return 0;
}

int process_ancestors(pid_t pid, pid_t ret_pids[static MAX_ANCESTORS], size_t *ret_n)
{
	size_t n = 0;

	while (pid > 0 && n < MAX_ANCESTORS) {
		pid_t parent;
		int error = parent_of(pid, &parent);

		if (error < 0 && n == 0)
			return error;
		if (error < 0)
			break;
		ret_pids[n++] = pid;
		pid = parent;
	}
	*ret_n = n;
	return 0;
}

static int compare_inodes(const void *left, const void *right)
{
	const struct bound_socket *a = left, *b = right;

	return (a->inode > b->inode) - (a->inode < b->inode);
}

static bool listened_on(const struct socket_list *bound, uint16_t port)
{
	for (size_t i = 0; i < bound->n_items; i++)
		if (bound->items[i].listening && bound->items[i].port == port)
			return true;
	return false;
}

static int take_socket(void *data, int number, uint64_t inode)
{
	struct search *search = data;
	const struct bound_socket key = { .inode = inode }, *found;

	(void)number;
	if (inode == 0)
		return 0;
	found = bsearch(&key, search->connections.items, search->connections.n_items, sizeof(key),
			compare_inodes);
	if (!found)
		return 0;
	if (!search->any || found->port < search->any->port)
		search->any = found;
	if ((!search->incoming || found->port < search->incoming->port) &&
	    listened_on(&search->bound, found->port))
		search->incoming = found;
	return 0;
}

static void describe(const struct bound_socket *socket, pid_t holder, struct login *ret_login)
{
	*ret_login = (struct login){
		.inode = socket->inode,
		.holder = holder,
		.peer_port = socket->peer_port,
		.port = socket->port,
		.family = socket->family,
	};
	memcpy(ret_login->peer_address, socket->peer_address, sizeof(ret_login->peer_address));
}

static int search_ancestors(struct search *search, pid_t pid, struct login *ret_login)
{
	pid_t pids[MAX_ANCESTORS];
	bool found = false;
	size_t n;
	int error = process_ancestors(pid, pids, &n);

	if (error < 0)
		return error;
	for (size_t i = 0; i < n; i++) {
		_cleanup_close_ int directory = process_open(pids[i]);

		if (directory < 0)
			continue; /* it has gone: look further up */
		search->any = NULL;
		error = process_sockets(directory, take_socket, search);
		if (error < 0 && error != -ENOENT && error != -ESRCH)
			return error;
		if (search->incoming) {
			describe(search->incoming, pids[i], ret_login);
			return 0;
		}
		if (search->any && !found)
			describe(search->any, pids[i], ret_login);
		found |= search->any != NULL;
	}
	return found ? 0 : -ENOENT;
}

int process_login(pid_t pid, struct login *ret_login)
{
	struct search search = { 0 };
	int error = sockets_established(0, &search.connections);

	if (error == 0)
		error = sockets_bound(&search.bound);
	if (error == 0 && search.connections.n_items == 0)
		error = -ENOENT;
	if (error == 0) {
		qsort(search.connections.items, search.connections.n_items,
		      sizeof(search.connections.items[0]), compare_inodes);
		error = search_ancestors(&search, pid, ret_login);
	}
	socket_list_clear(&search.connections);
	socket_list_clear(&search.bound);
	return error;
}
