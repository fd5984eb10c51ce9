/* SPDX-License-Identifier: MIT */
#include "portcredd/adopt.h"

#include "base/cleanup.h"
#include "kernel/processes.h"
#include "kernel/sockets.h"

#include <errno.h>
#include <unistd.h>

/* adopt() - one listener */
static int adopt(const struct enforcer *enforcer, const struct processes *processes,
		 const struct bound_socket *socket)
{
	const struct owner owner = { .uid = socket->uid, .gid = UID_NONE };
	_cleanup_close_ int fd = processes_socket(processes, socket->inode);

	return fd < 0 ? fd : enforcer_adopt_listener(enforcer, fd, &owner);
}

/* keep_listeners() - cut a list down to the TCP listeners in it */
static void keep_listeners(struct socket_list *sockets)
{
	size_t n = 0;

	for (size_t i = 0; i < sockets->n_items; i++) {
		const struct bound_socket *socket = &sockets->items[i];

		if (socket->protocol == PROTOCOL_TCP && socket->listening)
			sockets->items[n++] = *socket;
	}
	sockets->n_items = n;
}

int adopt_listeners(const struct enforcer *enforcer, const char *attached, size_t *ret_unanswered)
{
	struct processes *processes = NULL;
	struct socket_list sockets = { 0 };
	size_t unanswered = 0;
	int r;

	r = sockets_bound(&sockets);
	if (r < 0)
		return r;
	keep_listeners(&sockets);
	r = processes_scan_list(&sockets, attached, &processes);
	for (size_t i = 0; r == 0 && i < sockets.n_items; i++)
		unanswered += adopt(enforcer, processes, &sockets.items[i]) < 0;
	processes_free(processes);
	socket_list_clear(&sockets);
	if (r == 0)
		*ret_unanswered = unanswered;
	return r;
}
