/* SPDX-License-Identifier: MIT */
#include "portcredd/adopt.h"

#include "base/cleanup.h"
#include "kernel/processes.h"
#include "kernel/sockets.h"

#include <errno.h>
#include <unistd.h>

/* adopt() - one listener, through a duplicate of the descriptor that some process has of it */
static int adopt(const struct enforcer *enforcer, const struct processes *processes,
		 const struct bound_socket *socket)
{
	const struct owner owner = { .uid = socket->uid, .gid = UID_NONE };
	const struct holding *holdings;
	size_t n = 0;
	int r = -ENOENT;

	holdings = processes_holding(processes, socket->inode, &n);
	for (size_t i = 0; i < n && r < 0; i++) {
		_cleanup_close_ int fd =
			process_socket(processes->items[holdings[i].process].pid, socket->inode);

		r = fd < 0 ? fd : enforcer_adopt_listener(enforcer, fd, &owner);
	}
	return r;
}

/* listening_inodes() - of the TCP listeners in a list, which is cut down to them */
static uint64_t *listening_inodes(struct socket_list *sockets)
{
	uint64_t *inodes = calloc(sockets->n_items + 1, sizeof(*inodes));
	size_t n = 0;

	if (!inodes)
		return NULL;
	for (size_t i = 0; i < sockets->n_items; i++) {
		const struct bound_socket *socket = &sockets->items[i];

		if (socket->protocol != PROTOCOL_TCP || !socket->listening)
			continue;
		inodes[n] = socket->inode;
		sockets->items[n++] = *socket;
	}
	sockets->n_items = n;
	return inodes;
}

int adopt_listeners(const struct enforcer *enforcer, const char *attached, size_t *ret_unanswered)
{
	_cleanup_free_ uint64_t *inodes = NULL;
	struct processes *processes = NULL;
	struct socket_list sockets = { 0 };
	size_t unanswered = 0;
	int r;

	r = sockets_bound(&sockets);
	if (r < 0)
		return r;
	inodes = listening_inodes(&sockets);
	r = inodes ? processes_scan(inodes, sockets.n_items, attached, &processes) : -ENOMEM;
	for (size_t i = 0; r == 0 && i < sockets.n_items; i++)
		unanswered += adopt(enforcer, processes, &sockets.items[i]) < 0;
	processes_free(processes);
	socket_list_clear(&sockets);
	if (r == 0)
		*ret_unanswered = unanswered;
	return r;
}
