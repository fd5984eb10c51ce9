/* SPDX-License-Identifier: MIT */
#include "portcredd/listing.h"

#include "control/interface.h"
#include "control/varlink.h"
#include "kernel/processes.h"
#include "kernel/slots.h"
#include "kernel/sockets.h"
#include "portcredd/audit.h"
#include "portcredd/lead.h"

#include <errno.h>
#include <string.h>

/* Looking into every process takes a while: for users other than root it is done this often. */
#define LIST_EVERY_USEC 100000U
#define MAX_TURNS       32U /* and as many of them may wait */

static json_t *process_json(const struct process *process)
{
	return json_pack("{s:I, s:I, s:o, s:o, s:o}", "pid", (json_int_t)process->pid, "uid",
			 (json_int_t)process->uid, "command", varlink_string(process->command),
			 "executable", varlink_string(process->executable), "unit",
			 varlink_string(process->unit));
}

/* holders_json() - the processes that hold a socket, as far as the caller may know them */
static json_t *holders_json(const struct processes *processes, uint64_t inode, uid_t caller)
{
	json_t *list = json_array();
	const struct holding *holdings;
	size_t n = 0;

	holdings = processes ? processes_holding(processes, inode, &n) : NULL;
	for (size_t i = 0; i < n; i++) {
		const struct process *process = &processes->items[holdings[i].process];

		if (caller == 0 || process->uid == caller)
			json_array_append_new(list, process_json(process));
	}
	return list;
}

/* socket_json() - @rule: NULL where it is ungoverned */
static json_t *socket_json(const struct daemon *daemon, const struct bound_socket *socket,
			   const struct rule *rule, bool refused, const struct processes *processes,
			   uid_t caller)
{
	char address[AUDIT_ADDRESS_SIZE];
	json_t *where = json_null();

	audit_address(socket->address, socket->family, address);
	if (rule)
		where = audit_rule(daemon, rule, daemon->in_force.files.generation);
	return json_pack("{s:s, s:s, s:i, s:I, s:b, s:I, s:b, s:o, s:b, s:o}", "protocol",
			 audit_protocol(socket->protocol), "address", address, "port", socket->port,
			 "uid", (json_int_t)socket->uid, "listening", socket->listening, "inode",
			 (json_int_t)socket->inode, "governed", rule != NULL, "rule", where,
			 "refused", refused, "processes",
			 holders_json(processes, socket->inode, caller));
}

/* redirects_json() - served: one of these sockets takes the calls */
static json_t *redirects_json(const struct daemon *daemon, const struct socket_list *sockets)
{
	json_t *list = json_array();

	for (size_t i = 0; i < daemon->in_force.n_redirects; i++) {
		const struct redirect *redirect = &daemon->in_force.redirects[i];

		json_array_append_new(
			list, json_pack("{s:i, s:i, s:i, s:o, s:b}", "first", redirect->first,
					"last", redirect->last, "target", redirect->target, "rule",
					audit_rule(daemon, &redirect->rule,
						   daemon->in_force.files.generation),
					"served", lead_serves(daemon, redirect, sockets)));
	}
	return list;
}

/* governing() - whether the policy in force governs a socket's port, and the first statement that does */
static bool governing(const struct daemon *daemon, const struct bound_socket *socket,
		      struct rule *ret_rule)
{
	const struct compiled *compiled = daemon->in_force.compiled;
	uint32_t set;

	if (daemon->enforcer)
		return slots_governing(daemon->enforcer, socket->protocol, socket->port, ret_rule) >
		       0;
	set = compiled ? compiled->ports[socket->protocol * PORTS + socket->port].enforced : 0;
	if (set)
		*ret_rule = compiled->sets[set].rule;
	return set != 0;
}

/* scan_holders() - NULL with nobody known where /proc cannot be read */
static struct processes *scan_holders(const struct daemon *daemon,
				      const struct socket_list *sockets)
{
	struct processes *processes = NULL;

	if (processes_scan_list(sockets, daemon->cgroup, &processes) < 0)
		return NULL;
	return processes;
}

json_t *listing_sockets(const struct daemon *daemon, const struct socket_list *sockets,
			uid_t caller)
{
	struct processes *processes = sockets->n_items ? scan_holders(daemon, sockets) : NULL;
	json_t *list = json_array();

	for (size_t i = 0; i < sockets->n_items; i++) {
		const struct bound_socket *socket = &sockets->items[i];
		struct rule rule;
		bool governed = governing(daemon, socket, &rule);

		json_array_append_new(
			list,
			socket_json(daemon, socket, governed ? &rule : NULL,
				    approvals_refused(&daemon->in_force.approvals, socket->cookie),
				    processes, caller));
	}
	processes_free(processes);
	return list;
}

static int answer_list(struct varlink_call *call, struct daemon *daemon)
{
	uid_t caller = varlink_peer(call)->uid;
	struct socket_list sockets = { 0 };
	json_t *list, *redirects;
	int r;

	r = sockets_bound(&sockets);
	if (r < 0)
		return varlink_error(call, INTERFACE_PORTCRED ".Failed",
				     json_pack("{s:s}", "reason", strerror(-r)));
	list = listing_sockets(daemon, &sockets, caller);
	redirects = redirects_json(daemon, &sockets);
	socket_list_clear(&sockets);
	return varlink_reply(call,
			     json_pack("{s:o, s:o}", "sockets", list, "redirects", redirects));
}

/* struct turn - a call of ListSockets that waits for its turn */
struct turn {
	struct daemon *daemon;
	struct varlink_call *call;
	sd_event_source *timer;
};

static void turn_end(struct turn *turn)
{
	turn->daemon->turns.waiting--;
	sd_event_source_disable_unref(turn->timer);
	varlink_call_unref(turn->call);
	free(turn);
}

static void turn_gone(struct varlink_call *call, void *userdata)
{
	turn_end(userdata);
}

static int on_turn(sd_event_source *source, uint64_t usec, void *data)
{
	struct turn *turn = data;

	/* With its answer the call is over, and turn_gone() will not be called. */
	answer_list(turn->call, turn->daemon);
	turn_end(turn);
	return 0;
}

int listing_call(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct daemon *daemon = userdata;
	uint64_t now, at;
	struct turn *turn;
	int r;

	r = sd_event_now(daemon->event, CLOCK_MONOTONIC, &now);
	at = daemon->turns.next;
	if (r < 0 || varlink_peer(call)->uid == 0)
		return answer_list(call, daemon);
	if (at > now && daemon->turns.waiting == MAX_TURNS)
		return varlink_error(call, INTERFACE_PORTCRED ".Failed",
				     json_pack("{s:s}", "reason",
					       "too many ask at once: try again in a few seconds"));
	daemon->turns.next = (at > now ? at : now) + LIST_EVERY_USEC;
	if (at <= now)
		return answer_list(call, daemon);

	turn = calloc(1, sizeof(*turn));
	if (!turn)
		return -ENOMEM;
	turn->daemon = daemon;
	r = sd_event_add_time(daemon->event, &turn->timer, CLOCK_MONOTONIC, at, 1, on_turn, turn);
	if (r < 0) {
		free(turn);
		return r;
	}
	turn->call = varlink_call_ref(call);
	daemon->turns.waiting++;
	varlink_call_on_disconnect(call, turn_gone, turn);
	return 0;
}

json_t *listing_refused(const struct daemon *daemon)
{
	const struct approvals *approvals = &daemon->in_force.approvals;
	struct socket_list sockets = { 0 };
	struct processes *processes = NULL;
	json_t *list = json_array();

	if (approvals->refused && sockets_bound(&sockets) == 0)
		processes = scan_holders(daemon, &sockets);
	socket_list_clear(&sockets);
	for (size_t i = 0; i < approvals->n_items; i++) {
		const struct approval *approval = &approvals->items[i];

		if (approval->refused && !approval->connected)
			json_array_append_new(list,
					      socket_json(daemon, &approval->socket,
							  &approval->rule, true, processes, 0));
	}
	processes_free(processes);
	return list;
}
