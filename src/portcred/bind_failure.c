/* SPDX-License-Identifier: MIT */
#include "portcred/bind_failure.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "kernel/processes.h"
#include "kernel/sockets.h"
#include "portcred/identity.h"
#include "portcred/in_force.h"
#include "portcred/port_argument.h"
#include "portcred/text.h"
#include "portcred/vacant.h"

/* Who has it */

/* mapped_address() - where the socket is to be; IPv4 is v4-mapped */
static struct in6_addr mapped_address(const struct listen_argument *argument)
{
	struct in6_addr address = argument->address;

	if (argument->family == AF_INET)
		address.s6_addr[10] = address.s6_addr[11] = 0xff;
	return address;
}

/* is_any() - 0.0.0.0, ::, in that form */
static bool is_any(const struct in6_addr *address)
{
	return IN6_IS_ADDR_UNSPECIFIED(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr32[3] == 0);
}

/* in_the_way() - whether two sockets cannot be at one port because of their addresses */
static bool in_the_way(const struct bound_socket *socket, const struct listen_argument *argument)
{
	struct in6_addr wanted = mapped_address(argument), taken;
	bool other_family = socket->family != (argument->family == AF_INET ? 4 : 6);

	memcpy(&taken, socket->address, sizeof(taken));
	if (other_family && !argument->everywhere)
		return is_any(&taken) && socket->family == 6 && !socket->v6only;
	return is_any(&taken) || is_any(&wanted) || IN6_ARE_ADDR_EQUAL(&taken, &wanted);
}

static const struct bound_socket *find_bound(const struct socket_list *sockets,
					     const struct listen_argument *argument)
{
	for (size_t i = 0; i < sockets->n_items; i++) {
		const struct bound_socket *socket = &sockets->items[i];

		/* A connection that came in by that port is no holder of it. */
		if (socket->protocol == argument->protocol && socket->port == argument->port &&
		    socket->inode != 0 && socket->peer_port == 0 && in_the_way(socket, argument))
			return socket;
	}
	return NULL;
}

/* first_holder() - of those that may be seen, a copy of its name; NULL: none, or no memory */
static char *first_holder(uint64_t inode, pid_t *ret_pid)
{
	struct processes *processes = NULL;
	const struct holding *holdings;
	char *command = NULL;
	size_t n = 0;

	if (processes_scan(&inode, 1, NULL, &processes) < 0)
		return NULL;
	holdings = processes_holding(processes, inode, &n);
	if (n) {
		const struct process *holder = &processes->items[holdings[0].process];

		command = text_show(holder->command);
		*ret_pid = holder->pid;
	}
	processes_free(processes);
	return command;
}

static int say_holder(struct program *program, const char *where, const struct bound_socket *socket)
{
	_cleanup_free_ char *user = identity_user_name(socket->uid), *shown = NULL, *command = NULL;
	pid_t pid = 0;

	shown = text_show(user ? user : "?");
	command = first_holder(socket->inode, &pid);
	if (pid == getpid())
		return program_say(program, "cannot bind %s: --listen names that port twice",
				   where);
	if (command)
		return program_say(program,
				   "cannot bind %s: %s (pid %d) has it, with a socket of user %s",
				   where, command, (int)pid, shown ? shown : "?");
	return program_say(program, "cannot bind %s: a process of user %s has it%s", where,
			   shown ? shown : "?",
			   geteuid() == 0 ? "" : " (root is told which: portcred who)");
}

static int say_taken(struct program *program, const struct listen_argument *argument,
		     const char *where)
{
	struct socket_list sockets = { 0 };
	const struct bound_socket *holder = NULL;
	int r;

	if (sockets_bound(&sockets) == 0)
		holder = find_bound(&sockets, argument);
	r = holder ? say_holder(program, where, holder)
		   : program_say(program, "cannot bind %s: it is in use", where);
	socket_list_clear(&sockets);
	return r;
}

/* Which rule */

static int say_refused(struct program *program, const struct listen_argument *argument,
		       const char *where)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	_cleanup_(reading_clear) struct reading reading = { 0 };
	_cleanup_free_ char *place = NULL, *shown = NULL, *holders = NULL;
	json_auto_t *status = NULL, *rule = NULL;
	uint32_t set = 0;

	program_say(program, "cannot bind %s: the policy refuses it", where);
	if (client_open(program, &client) != EXIT_YES ||
	    in_force_read(program, client, &reading, &status) != EXIT_YES)
		return EXIT_NO;
	set = reading.compiled->ports[argument->protocol * PORTS + argument->port].enforced;
	if (!set)
		return program_say(program, "the policy in force does not name it any more: "
					    "something else refuses it");
	rule = vacant_rule_json(&reading, set);
	place = in_force_place(rule, client_text(status, "policy"));
	shown = text_show(place ? place : "?");
	holders = vacant_holders_text(&reading, set);
	if (!shown || !holders)
		return program_no_memory(program);
	program_say(program,
		    "by %s it may be held by: %s; 'portcred explain %u/%s --user USER' says more",
		    shown, holders, argument->port, protocol_name(argument->protocol));
	return EXIT_NO;
}

/* All others */

static int say_descriptors(struct program *program, const char *where)
{
	struct rlimit limit = { 0 };

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return program_say(program, "cannot bind %s: too many open files", where);
	return program_say(program,
			   "cannot bind %s: no more than %llu descriptors may be open (ulimit -n, "
			   "LimitNOFILE= of a service)",
			   where, (unsigned long long)limit.rlim_cur);
}

int bind_failure_say(struct program *program, const struct listen_argument *argument,
		     const char *where, int error)
{
	switch (error) {
	case -EADDRINUSE:
		return say_taken(program, argument, where);
	case -EPERM:
		return say_refused(program, argument, where);
	case -EACCES:
		return program_say(program,
				   "cannot bind %s: the kernel leaves low ports to root where no "
				   "rule of portcred.conf(5) says who may have them. Add one, as "
				   "in 'bind %u/%s by user NAME', or run this as root",
				   where, argument->port, protocol_name(argument->protocol));
	case -EADDRNOTAVAIL:
		return program_say(program,
				   "cannot bind %s: no interface of this machine has the address "
				   "('ip address' lists them)",
				   where);
	case -EMFILE:
		return say_descriptors(program, where);
	default:
		return program_say(program, "cannot bind %s: %s", where, strerror(-error));
	}
}
