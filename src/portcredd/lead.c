/* SPDX-License-Identifier: MIT */
#include "portcredd/lead.h"

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/log.h"
#include "kernel/listeners.h"

#include <errno.h>
#include <unistd.h>

void lead_take(struct daemon *daemon, struct compiled *compiled)
{
	struct in_force *in_force = &daemon->in_force;

	free(in_force->redirects);
	in_force->n_redirects = compiled->n_redirects;
	in_force->redirects = TAKE_PTR(compiled->redirects);
	compiled->n_redirects = 0;
}

/* add() - one listener */
static int add(const struct enforcer *enforcer, const struct processes *processes,
	       const struct bound_socket *socket)
{
	_cleanup_close_ int fd = processes_socket(processes, socket->inode);

	return fd < 0 ? fd : listeners_add(enforcer, fd, socket);
}

/* wants_calls() - whether calls are to be led to a socket, and are not yet */
static bool wants_calls(const struct daemon *daemon, const struct compiled *compiled,
			const struct bound_socket *socket)
{
	return compiled->tcp[socket->port].called &&
	       !approvals_refused(&daemon->in_force.approvals, socket->cookie) &&
	       !listeners_has(daemon->enforcer, socket);
}

/* sort_out() - what is bypassed; what is left in the list are listeners that want calls */
static int sort_out(struct daemon *daemon, const struct compiled *compiled,
		    struct socket_list *sockets, struct socket_list *bypassed)
{
	size_t n = 0;

	for (size_t i = 0; i < sockets->n_items; i++) {
		const struct bound_socket *socket = &sockets->items[i];

		if (socket->protocol != PROTOCOL_TCP || !socket->listening)
			continue;
		if (compiled->tcp[socket->port].redirect) {
			if (GROW(bypassed->items, bypassed->n_allocated, bypassed->n_items) < 0)
				return -ENOMEM;
			bypassed->items[bypassed->n_items++] = *socket;
		} else if (wants_calls(daemon, compiled, socket)) {
			sockets->items[n++] = *socket;
		}
	}
	sockets->n_items = n;
	return 0;
}

/* add_listeners() - all of a list; how many could not be */
static int add_listeners(const struct daemon *daemon, const struct socket_list *sockets,
			 size_t *ret_unled)
{
	struct processes *processes = NULL;
	size_t unled = 0;
	int r;

	r = processes_scan_list(sockets, daemon->cgroup, &processes);
	for (size_t i = 0; i < sockets->n_items && r == 0; i++)
		unled += add(daemon->enforcer, processes, &sockets->items[i]) < 0;
	processes_free(processes);
	*ret_unled = unled;
	return r;
}

/* say() - what the administrator should hear of at once */
static void say(const struct in_force *in_force)
{
	for (size_t i = 0; i < in_force->bypassed.n_items; i++)
		log_warnx("port %u is redirected, and a socket of user %u listens there: no new "
			  "connection reaches it any more",
			  in_force->bypassed.items[i].port, in_force->bypassed.items[i].uid);
	if (in_force->unled)
		log_warnx(
			"%zu listeners that are there already cannot take the calls of redirected "
			"ports, as those of Multipath TCP cannot",
			in_force->unled);
}

int lead_listeners(struct daemon *daemon, const struct compiled *compiled)
{
	struct in_force *in_force = &daemon->in_force;
	struct socket_list sockets = { 0 };
	int r = 0;

	socket_list_clear(&in_force->bypassed);
	in_force->unled = 0;
	if (in_force->n_redirects == 0 || daemon->options.observe)
		return 0;
	r = sockets_bound(&sockets);
	if (r == 0)
		r = sort_out(daemon, compiled, &sockets, &in_force->bypassed);
	if (r == 0 && sockets.n_items)
		r = add_listeners(daemon, &sockets, &in_force->unled);
	socket_list_clear(&sockets);
	say(in_force);
	return r;
}

bool lead_serves(const struct daemon *daemon, const struct redirect *redirect,
		 const struct socket_list *sockets)
{
	if (!daemon->enforcer)
		return false;
	for (size_t i = 0; i < sockets->n_items && !daemon->options.observe; i++) {
		const struct bound_socket *socket = &sockets->items[i];

		if (socket->protocol == PROTOCOL_TCP && socket->listening &&
		    socket->port == redirect->target &&
		    !approvals_refused(&daemon->in_force.approvals, socket->cookie) &&
		    listeners_has(daemon->enforcer, socket))
			return true;
	}
	return false;
}
