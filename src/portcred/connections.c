/* SPDX-License-Identifier: MIT */
#include "portcred/connections.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "control/varlink.h"
#include "kernel/netlink.h"
#include "kernel/processes.h"
#include "kernel/sockets.h"
#include "portcred/endpoint.h"
#include "portcred/peer_text.h"
#include "portcred/table.h"
#include "portcred/user_names.h"

static const struct column columns[] = {
	{ "PROTO", 0, 0, false },  { "LOCAL", 2, 9, false }, { "PORT", 0, 0, true },
	{ "REMOTE", 3, 9, false }, { "PORT", 0, 0, true },   { "PROCESS", 1, 9, false },
	{ "WHO", 4, 9, false },    { "HOW", 0, 0, false },
};

/* struct connections - what was found; peers[i] is of sockets.items[i] */
struct connections {
	struct socket_list sockets;
	struct processes *processes;
	struct portcred_peer **peers; /* NULL: that socket could not be asked */
	struct user_names users;
	bool unseen; /* some have no process that may be seen */
	int error;   /* why the first of those that should have answered did not */
};

static void connections_clear(struct connections *connections)
{
	for (size_t i = 0; connections->peers && i < connections->sockets.n_items; i++)
		portcred_peer_free(connections->peers[i]);
	free(connections->peers);
	processes_free(connections->processes);
	socket_list_clear(&connections->sockets);
	user_names_clear(&connections->users);
}

static int compare_sockets(const void *left, const void *right)
{
	const struct bound_socket *a = left, *b = right;
	int order = (a->port > b->port) - (a->port < b->port);

	if (order == 0)
		order = memcmp(a->address, b->address, sizeof(a->address));
	if (order == 0)
		order = memcmp(a->peer_address, b->peer_address, sizeof(a->peer_address));
	if (order == 0)
		order = (a->peer_port > b->peer_port) - (a->peer_port < b->peer_port);
	return order;
}

/* duplicate() - a descriptor for a socket, of one of those who hold it; -ENOENT, -EPERM */
static int duplicate(const struct connections *connections, uint64_t inode)
{
	const struct holding *holdings;
	int fd = -ENOENT;
	size_t n;

	holdings = processes_holding(connections->processes, inode, &n);
	for (size_t i = 0; i < n && fd < 0; i++)
		fd = process_socket_at(connections->processes->items[holdings[i].process].pid,
				       holdings[i].number, inode);
	return fd;
}

/* ask() - nothing where the connection has gone, or nobody's descriptor can be had */
static void ask(struct connections *connections, size_t i)
{
	uint64_t inode = connections->sockets.items[i].inode;
	_cleanup_close_ int fd = -EBADF;
	int error;

	if (inode == 0)
		return; /* not accepted yet: no process has it */
	fd = duplicate(connections, inode);
	if (fd < 0) {
		connections->unseen = true;
		return;
	}
	error = portcred_peer(fd, &connections->peers[i]);
	if (error < 0 && error != -ENOTCONN && !connections->error)
		connections->error = error;
}

static int look(struct connections *connections)
{
	struct socket_list *sockets = &connections->sockets;
	int r = sockets_established(0, sockets);

	if (r < 0)
		return r;
	if (sockets->n_items)
		qsort(sockets->items, sockets->n_items, sizeof(sockets->items[0]), compare_sockets);
	connections->peers = calloc(sockets->n_items + 1, sizeof(connections->peers[0]));
	if (!connections->peers)
		return -ENOMEM;
	r = processes_scan_list(sockets, NULL, &connections->processes);
	for (size_t i = 0; r == 0 && i < sockets->n_items; i++)
		ask(connections, i);
	return r;
}

static const char *user_of(struct connections *connections, const struct portcred_peer *peer)
{
	uid_t uid;

	return portcred_peer_uid(peer, &uid) < 0 ? NULL : user_names_find(&connections->users, uid);
}

static void add_endpoint(struct table *table, const uint32_t address[static 4], uint16_t port)
{
	struct endpoint endpoint = endpoint_from(address, port);

	table_add(table, STYLE_PLAIN, endpoint.address);
	table_addf(table, STYLE_PLAIN, "%u", endpoint.port);
}

/* add_process() - "812/postgres +3" */
static void add_process(struct table *table, const struct connections *connections, uint64_t inode)
{
	const struct holding *holdings;
	const struct process *first;
	char more[32] = "";
	size_t n;

	holdings = processes_holding(connections->processes, inode, &n);
	if (n == 0) {
		table_add(table, STYLE_PLAIN, NULL);
		return;
	}
	first = &connections->processes->items[holdings[0].process];
	if (n > 1)
		snprintf(more, sizeof(more), " +%zu", n - 1);
	table_addf(table, STYLE_PLAIN, "%d/%s%s", first->pid, first->command, more);
}

static void add_peer(struct table *table, struct connections *connections,
		     const struct portcred_peer *peer)
{
	bool known = peer && peer_text_is_known(peer);
	_cleanup_free_ char *who = NULL;

	if (known) {
		who = peer_text_who(peer, user_of(connections, peer));
		table->failed |= !who;
	}
	table_add(table, STYLE_BOLD, who);
	table_add(table, known ? STYLE_GOOD : STYLE_DIM,
		  peer ? portcred_known_text(portcred_peer_known(peer)) : NULL);
}

static int print(struct program *program, struct connections *connections)
{
	_cleanup_(table_clear) struct table table;
	int r;

	if (connections->sockets.n_items == 0)
		fputs("No TCP connection is established.\n", program->out);
	table_begin(&table, columns, ELEMENTS(columns));
	for (size_t i = 0; i < connections->sockets.n_items; i++) {
		const struct bound_socket *socket = &connections->sockets.items[i];

		table_add(&table, STYLE_PLAIN, "tcp");
		add_endpoint(&table, socket->address, socket->port);
		add_endpoint(&table, socket->peer_address, socket->peer_port);
		add_process(&table, connections, socket->inode);
		add_peer(&table, connections, connections->peers[i]);
	}
	r = table_print(&table, program);
	if (r == EXIT_YES && connections->unseen && geteuid() != 0)
		fputs("Processes of other users, and who calls them, are shown to root.\n",
		      program->out);
	return r;
}

static json_t *processes_json(const struct connections *connections, uint64_t inode)
{
	json_t *list = json_array();
	const struct holding *holdings;
	size_t n;

	holdings = processes_holding(connections->processes, inode, &n);
	for (size_t i = 0; i < n; i++) {
		const struct process *process = &connections->processes->items[holdings[i].process];

		json_array_append_new(list, json_pack("{s:i, s:I, s:o}", "pid", process->pid, "uid",
						      (json_int_t)process->uid, "command",
						      varlink_string(process->command)));
	}
	return list;
}

static json_t *connection_json(struct connections *connections, size_t i)
{
	const struct bound_socket *socket = &connections->sockets.items[i];
	const struct portcred_peer *peer = connections->peers[i];
	struct endpoint local = endpoint_from(socket->address, socket->port);
	struct endpoint remote = endpoint_from(socket->peer_address, socket->peer_port);

	return json_pack("{s:s, s:o, s:o, s:I, s:o, s:o}", "protocol", "tcp", "local",
			 endpoint_json(&local), "remote", endpoint_json(&remote), "inode",
			 (json_int_t)socket->inode, "processes",
			 processes_json(connections, socket->inode), "peer",
			 peer ? peer_text_json(peer, user_of(connections, peer)) : json_null());
}

static int print_json(struct program *program, struct connections *connections)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < connections->sockets.n_items; i++) {
		if (json_array_append_new(list, connection_json(connections, i)) < 0)
			return program_no_memory(program);
	}
	return program_json(program, json_pack("{s:O}", "connections", list), false);
}

int connections_show(struct program *program, bool json)
{
	_cleanup_(connections_clear) struct connections connections = { 0 };
	_cleanup_free_ char *why = NULL;
	int r = netlink_check(&why);

	if (why)
		return program_say(program, "cannot list connections: %s", why);
	if (r == 0)
		r = look(&connections);
	if (r == -ENOMEM)
		return program_no_memory(program);
	if (r == -EOPNOTSUPP)
		return program_say(program, "the kernel cannot list connections: it lacks "
					    "inet_diag or tcp_diag (modprobe tcp_diag)");
	if (r < 0)
		return program_say(program, "cannot list connections: %s", strerror(-r));
	r = json ? print_json(program, &connections) : print(program, &connections);
	if (connections.sockets.truncated)
		program_say(program, "there are more connections than the %u listed",
			    MAX_BOUND_SOCKETS);
	if (!connections.error)
		return r;
	return program_say(program, "cannot tell who is at the other end of some of them: %s",
			   portcred_error_text(connections.error));
}
