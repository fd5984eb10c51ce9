/* SPDX-License-Identifier: MIT */
#include "portcredd/approve.h"

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/verdict.h"

#include <errno.h>
#include <string.h>

static int compare_cookies(const void *a, const void *b)
{
	const struct approval *left = a, *right = b;

	return (left->socket.cookie > right->socket.cookie) -
	       (left->socket.cookie < right->socket.cookie);
}

void governed_ports(const struct compiled *compiled, struct port_bitmap *ret_ports)
{
	memset(ret_ports, 0, sizeof(*ret_ports));
	for (unsigned port = 1; port < PORTS; port++) {
		if (compiled->ports[PROTOCOL_TCP * PORTS + port].enforced ||
		    compiled->ports[PROTOCOL_UDP * PORTS + port].enforced)
			port_bitmap_set(ret_ports, port);
	}
}

static bool is_governed(const struct compiled *compiled, const struct bound_socket *socket)
{
	return compiled->ports[socket->protocol * PORTS + socket->port].enforced != 0;
}

static struct target target_of(const struct bound_socket *socket)
{
	struct target target = {
		.family = socket->family,
		.v6only = socket->v6only_known && socket->v6only,
		.protocol = socket->protocol,
		.port = socket->port,
	};

	memcpy(target.address, socket->address, sizeof(target.address));
	return target;
}

/* judge_as() - the maker, with what a holder lends him */
static struct answer judge_as(const struct compiled *compiled, const struct bound_socket *socket,
			      const struct process *holder)
{
	struct target target = target_of(socket);
	struct subject subject = {
		.uid = socket->uid,
		.gid = UINT32_MAX,
		.capable = socket->uid == 0,
	};

	if (holder) {
		subject.gid = holder->gid;
		subject.groups = holder->groups;
		subject.n_groups = holder->n_groups;
		subject.exe = holder->executable;
		subject.unit = holder->unit;
		subject.capable |= holder->capable;
	}
	return verdict_enforced(compiled, &subject, &target);
}

static void judge(const struct compiled *compiled, const struct processes *processes,
		  struct approval *approval)
{
	const struct bound_socket *socket = &approval->socket;
	struct answer answer = judge_as(compiled, socket, NULL);
	const struct holding *holdings;
	size_t n = 0;

	holdings = processes_holding(processes, socket->inode, &n);
	for (size_t i = 0; processes && i < n && answer.verdict == VERDICT_REFUSED; i++) {
		const struct process *holder = &processes->items[holdings[i].process];

		if (socket->uid == 0 || holder->uid == socket->uid)
			answer = judge_as(compiled, socket, holder);
	}
	approval->rule = answer.rule;
	approval->refused = answer.verdict == VERDICT_REFUSED;
}

/* is_connected() - a TCP socket that has another end; an own one, since it has a file */
static bool is_connected(const struct bound_socket *socket)
{
	return socket->protocol == PROTOCOL_TCP && socket->peer_port != 0;
}

/* collect() - the sockets at governed ports, and their inodes */
static int collect(const struct compiled *compiled, struct approvals *approvals,
		   uint64_t **ret_inodes)
{
	struct socket_list sockets = { 0 };
	_cleanup_free_ uint64_t *inodes = NULL;
	struct port_bitmap governed;
	int r;

	governed_ports(compiled, &governed);
	r = sockets_at(&governed, &sockets);
	if (r == 0 && sockets.truncated)
		r = -E2BIG; /* among those left out may be one to refuse */
	for (size_t i = 0; i < sockets.n_items && r == 0; i++) {
		const struct bound_socket *socket = &sockets.items[i];

		if (!is_governed(compiled, socket) || (is_connected(socket) && socket->inode == 0))
			continue;
		r = GROW(approvals->items, approvals->n_allocated, approvals->n_items);
		if (r == 0)
			approvals->items[approvals->n_items++] =
				(struct approval){ .socket = *socket,
						   .connected = is_connected(socket) };
	}
	socket_list_clear(&sockets);
	if (r < 0)
		return r;
	inodes = calloc(approvals->n_items + 1, sizeof(*inodes));
	if (!inodes)
		return -ENOMEM;
	for (size_t i = 0; i < approvals->n_items; i++)
		inodes[i] = approvals->items[i].socket.inode;
	*ret_inodes = TAKE_PTR(inodes);
	return 0;
}

/* has_process() - whether a process is among the holders of a socket */
static bool has_process(const struct processes *processes, uint64_t inode, size_t process)
{
	const struct holding *holdings;
	size_t n = 0;

	holdings = processes_holding(processes, inode, &n);
	for (size_t i = 0; i < n; i++) {
		if (holdings[i].process == process)
			return true;
	}
	return false;
}

/*
 * is_served() - whether a connection is held by who also holds an admitted listener of its port
 *
 * Then it was accepted there, most likely: root's listener is often served by another user.
 */
static bool is_served(const struct approvals *approvals, const struct processes *processes,
		      const struct bound_socket *connection)
{
	const struct holding *holdings;
	size_t n = 0;

	holdings = processes_holding(processes, connection->inode, &n);
	/* Connections come last. */
	for (size_t i = 0; i < approvals->n_items && !approvals->items[i].connected; i++) {
		const struct approval *approval = &approvals->items[i];

		if (approval->refused || !approval->socket.listening ||
		    approval->socket.port != connection->port)
			continue;
		for (size_t k = 0; k < n; k++) {
			if (has_process(processes, approval->socket.inode, holdings[k].process))
				return true;
		}
	}
	return false;
}

/* keep_what_counts() - without the connections that no policy refuses; counts what is refused */
static void keep_what_counts(struct approvals *approvals, const struct processes *processes)
{
	size_t n = 0;

	for (size_t i = 0; i < approvals->n_items; i++) {
		struct approval *approval = &approvals->items[i];

		if (approval->connected && approval->refused)
			approval->refused = !is_served(approvals, processes, &approval->socket);
	}
	for (size_t i = 0; i < approvals->n_items; i++) {
		const struct approval *approval = &approvals->items[i];

		if (approval->connected && !approval->refused)
			continue;
		approvals->refused += approval->refused && !approval->connected;
		approvals->connected += approval->connected;
		approvals->items[n++] = *approval;
	}
	approvals->n_items = n;
}

int approve_sockets(const struct compiled *compiled, const char *attached,
		    struct approvals *ret_approvals, struct processes **ret_processes)
{
	struct approvals approvals = { 0 };
	struct processes *processes = NULL;
	_cleanup_free_ uint64_t *inodes = NULL;
	int r;

	r = collect(compiled, &approvals, &inodes);
	if (r == 0)
		r = processes_scan(inodes, approvals.n_items, attached, &processes);
	if (r < 0) {
		approvals_clear(&approvals);
		return r;
	}
	for (size_t i = 0; i < approvals.n_items; i++)
		judge(compiled, processes, &approvals.items[i]);
	keep_what_counts(&approvals, processes);
	if (approvals.n_items)
		qsort(approvals.items, approvals.n_items, sizeof(*approvals.items),
		      compare_cookies);
	*ret_approvals = approvals;
	if (ret_processes)
		*ret_processes = processes;
	else
		processes_free(processes);
	return 0;
}

bool approvals_refused(const struct approvals *approvals, uint64_t cookie)
{
	struct approval wanted = { .socket.cookie = cookie }, *found;

	if (!approvals->n_items)
		return false;
	found = bsearch(&wanted, approvals->items, approvals->n_items, sizeof(wanted),
			compare_cookies);
	return found && found->refused;
}

void approvals_clear(struct approvals *approvals)
{
	free(approvals->items);
	*approvals = (struct approvals){ 0 };
}
