/* SPDX-License-Identifier: MIT */
#include "portcredd/serve.h"

#include "base/log.h"
#include "control/interface.h"
#include "control/varlink.h"
#include "kernel/login.h"
#include "kernel/slots.h"
#include "policy/verdict.h"
#include "portcredd/audit.h"
#include "portcredd/broker.h"
#include "portcredd/follow.h"
#include "portcredd/inforce.h"
#include "portcredd/lead.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define CONTROL_NAME "control"

/* Every connection may watch: root's places among them are root's here too. */
#define MAX_WATCHERS VARLINK_CONNECTIONS_MAX

/* Looking into every process takes a while: for users other than root it is done this often. */
#define LIST_EVERY_USEC 100000U
#define MAX_TURNS       32U /* and as many of them may wait */

#define UNPRIVILEGED_DEFAULT 1024U

/* The longest trial: a day. */
#define MAX_TRY_SECONDS 86400

/* struct watchers - who waits for what at the control socket */
struct watchers {
	struct varlink_call *calls[MAX_WATCHERS];
	size_t n_calls;
	uint64_t list_next; /* CLOCK_MONOTONIC, microseconds: the next turn of ListSockets */
	size_t n_turns;     /* calls that wait for theirs */
};

/* time_text() - RFC 3339, UTC; JSON null for 0. A new reference. */
static json_t *time_text(uint64_t usec)
{
	time_t seconds = (time_t)(usec / 1000000);
	char text[32];
	struct tm broken;

	if (!usec)
		return json_null();
	gmtime_r(&seconds, &broken);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &broken);
	return json_string(text);
}

static json_t *optional(const char *text)
{
	return text ? varlink_string(text) : json_null();
}

/* warnings() - what an administrator should know although nothing failed */
static json_t *warnings(const struct daemon *daemon, const uint64_t counters[static COUNTERS])
{
	json_t *list = json_array();
	unsigned start = daemon->enforcer ? daemon->enforcer->control->unprivileged_port_start
					  : follow_port_start();

	if (start < UNPRIVILEGED_DEFAULT)
		json_array_append_new(
			list,
			json_sprintf("net.ipv4.ip_unprivileged_port_start is %u: any user may "
				     "bind an ungoverned port from there on",
				     start));
	if (daemon->in_force.has_unresolved)
		json_array_append_new(list,
				      json_string("the policy names users or groups that nobody "
						  "knows; their rules admit no one so far"));
	if (daemon->in_force.approvals.refused)
		json_array_append_new(list,
				      json_sprintf("%zu sockets were bound before the policy that "
						   "refuses them; nothing reaches them any more",
						   daemon->in_force.approvals.refused));
	if (daemon->in_force.unjudged)
		json_array_append_new(list, json_string("sockets that were bound before the policy "
							"could not be judged; it is tried again"));
	if (daemon->in_force.keyless)
		json_array_append_new(list, json_string("no host can vouch, for this host's key "
							"cannot be used: mend it and reload"));
	if (daemon->in_force.unanswered)
		json_array_append_new(list,
				      json_sprintf("%zu listeners are older than the policy; their "
						   "callers are known once they are restarted",
						   daemon->in_force.unanswered));
	if (daemon->in_force.bypassed.n_items)
		json_array_append_new(list, json_sprintf("%zu sockets listen on ports that are "
							 "redirected; no new connection reaches "
							 "them",
							 daemon->in_force.bypassed.n_items));
	if (daemon->in_force.unled)
		json_array_append_new(list,
				      json_sprintf("%zu listeners cannot take the calls of "
						   "redirected ports, as those of Multipath TCP "
						   "cannot",
						   daemon->in_force.unled));
	if (counters[COUNTER_EPOCH])
		json_array_append_new(list,
				      json_sprintf("%llu vouches were of another time than ours: "
						   "the clock of a host is wrong, or this one's",
						   (unsigned long long)counters[COUNTER_EPOCH]));
	if (daemon->options.broker_only)
		json_array_append_new(
			list, json_string("started with --broker-only: nobody is refused a port "
					  "that he binds himself"));
	if (daemon->options.observe)
		json_array_append_new(list,
				      json_string("started with --observe: nothing is refused, and "
						  "nothing redirected"));
	return list;
}

static json_t *trial_seconds(const struct daemon *daemon)
{
	struct timespec now;
	int64_t left;

	if (!daemon->trial.timer)
		return json_null();
	clock_gettime(CLOCK_BOOTTIME, &now);
	left = (int64_t)(daemon->trial.deadline / 1000000) - now.tv_sec;
	return json_integer(left > 0 ? left : 0);
}

static json_t *snapshot_path(const struct daemon *daemon)
{
	if (!daemon->in_force.snapshot)
		return json_null();
	return json_sprintf("%s/%s", daemon->options.state_dir, daemon->in_force.snapshot);
}

/* own_name() - under which this host's policy, or else its kernel, knows it. A new reference. */
static json_t *own_name(const struct daemon *daemon)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (daemon->in_force.name)
		return varlink_string(daemon->in_force.name);
	gethostname(name, sizeof(name) - 1);
	return varlink_string(name);
}

static int get_status(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct daemon *daemon = userdata;
	const struct in_force *in_force = &daemon->in_force;
	const struct settings *settings = NULL;
	uint64_t counters[COUNTERS] = { 0 };
	json_t *reply;

	if (daemon->enforcer) {
		settings = slots_settings(daemon->enforcer);
		enforcer_counters(daemon->enforcer, counters);
	}
	broker_counters(daemon, counters);
	reply = json_pack(
		"{s:s, s:i, s:i, s:o, s:o, s:I, s:o, s:I, s:I, s:s, s:b, s:b, s:o, s:o, s:o}",
		"version", PORTCRED_VERSION, "abi", PORTCRED_ABI, "pid", (int)getpid(), "policy",
		varlink_string(daemon->options.policy), "snapshot", snapshot_path(daemon),
		"generation",
		(json_int_t)(settings ? settings->generation : in_force->files.generation),
		"loaded", time_text(in_force->since), "statements",
		(json_int_t)in_force->statements, "users", (json_int_t)in_force->users, "scope",
		in_force->all_namespaces ? "all" : "own", "observe", daemon->options.observe,
		"enforcing", settings && !daemon->disabled && !daemon->options.observe, "disabled",
		optional(daemon->disabled), "trial", trial_seconds(daemon), "cgroup",
		optional(daemon->options.cgroup));
	if (!reply)
		return varlink_reply(call, NULL);
	json_object_set_new(reply, "name", own_name(daemon));
	json_object_set_new(reply, "broker_only", json_boolean(daemon->options.broker_only));
	json_object_set_new(reply, "refused", json_integer((json_int_t)counters[COUNTER_REFUSED]));
	json_object_set_new(reply, "granted", json_integer((json_int_t)counters[COUNTER_GRANTED]));
	json_object_set_new(reply, "lost", json_integer((json_int_t)counters[COUNTER_LOST]));
	json_object_set_new(reply, "held", json_integer((json_int_t)counters[COUNTER_HELD]));
	json_object_set_new(reply, "marked", json_integer((json_int_t)counters[COUNTER_MARKED]));
	json_object_set_new(reply, "hosts", json_integer((json_int_t)in_force->n_hosts));
	json_object_set_new(reply, "vouched", json_integer((json_int_t)counters[COUNTER_VOUCHED]));
	json_object_set_new(reply, "unproved",
			    json_integer((json_int_t)counters[COUNTER_UNPROVED]));
	json_object_set_new(reply, "warnings", warnings(daemon, counters));
	json_object_set_new(reply, "error", optional(daemon->error));
	return varlink_reply(call, reply);
}

static json_t *process_json(const struct process *process)
{
	return json_pack("{s:I, s:I, s:o, s:o, s:o}", "pid", (json_int_t)process->pid, "uid",
			 (json_int_t)process->uid, "command", varlink_string(process->command),
			 "executable", optional(process->executable), "unit",
			 optional(process->unit));
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

/* sockets_json() - a list of sockets, and who holds them as far as @caller may know */
static json_t *sockets_json(const struct daemon *daemon, const struct socket_list *sockets,
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
	list = sockets_json(daemon, &sockets, caller);
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
	turn->daemon->watchers->n_turns--;
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

/* list_sockets() - root at once, the others one after the other */
static int list_sockets(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct daemon *daemon = userdata;
	uint64_t now, at;
	struct turn *turn;
	int r;

	r = sd_event_now(daemon->event, CLOCK_MONOTONIC, &now);
	at = daemon->watchers->list_next;
	if (r < 0 || varlink_peer(call)->uid == 0)
		return answer_list(call, daemon);
	if (at > now && daemon->watchers->n_turns == MAX_TURNS)
		return varlink_error(call, INTERFACE_PORTCRED ".Failed",
				     json_pack("{s:s}", "reason",
					       "too many ask at once: try again in a few seconds"));
	daemon->watchers->list_next = (at > now ? at : now) + LIST_EVERY_USEC;
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
	daemon->watchers->n_turns++;
	varlink_call_on_disconnect(call, turn_gone, turn);
	return 0;
}

static void watcher_gone(struct varlink_call *call, void *userdata)
{
	struct daemon *daemon = userdata;
	struct watchers *watchers = daemon->watchers;

	for (size_t i = 0; i < watchers->n_calls; i++) {
		if (watchers->calls[i] == call) {
			watchers->calls[i] = watchers->calls[--watchers->n_calls];
			varlink_call_unref(call);
			return;
		}
	}
}

static int watch(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct daemon *daemon = userdata;
	struct watchers *watchers = daemon->watchers;
	int r;

	if (watchers->n_calls == MAX_WATCHERS)
		return varlink_error(call, INTERFACE_PORTCRED ".Failed",
				     json_pack("{s:s}", "reason", "too many watch already"));
	r = varlink_reply_continues(call, json_pack("{s:n}", "event"));
	if (r < 0)
		return r;
	watchers->calls[watchers->n_calls++] = varlink_call_ref(call);
	varlink_call_on_disconnect(call, watcher_gone, daemon);
	return 0;
}

void serve_event(struct daemon *daemon, uint32_t uid, const char *member, json_t *value)
{
	struct watchers *watchers = daemon->watchers;

	/* From the end: a peer that has gone takes itself out. */
	for (size_t i = watchers ? watchers->n_calls : 0; value && i-- > 0;) {
		struct varlink_call *call = watchers->calls[i];
		uid_t peer = varlink_peer(call)->uid;

		/* One who reads too slowly loses this event; the audit has it. */
		if (peer == 0 || peer == uid)
			varlink_reply_continues(call, json_pack("{s:O, s:I}", member, value, "lost",
								(json_int_t)varlink_lost(call)));
	}
	json_decref(value);
}

static json_t *diagnostics_json(const struct image *image)
{
	json_t *list = json_array();

	for (size_t i = 0; i < image->diagnostics.n_items; i++) {
		const struct diagnostic *item = &image->diagnostics.items[i];
		const struct sources *sources = image->sources;
		const char *file = sources && item->where.file < sources->n_files
					   ? sources->files[item->where.file].name
					   : "";

		json_array_append_new(
			list, json_pack("{s:o, s:i, s:i, s:s, s:o}", "file", varlink_string(file),
					"line", (int)item->where.line, "column",
					(int)item->where.column, "severity",
					item->severity == SEVERITY_ERROR ? "error" : "warning",
					"message", varlink_string(item->text ? item->text : "")));
	}
	return list;
}

static json_t *text_json(const struct image *image)
{
	_cleanup_free_ char *text = NULL;

	if (image_text(image, &text) < 0)
		return json_string("");
	return varlink_string(text);
}

static json_t *refused_json(const struct daemon *daemon)
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

static int reload_failed(struct varlink_call *call, const struct daemon *daemon,
			 const struct reload *reload, int error)
{
	if (error == -EBUSY && reload->login_port)
		return varlink_error(call, INTERFACE_PORTCRED ".WouldCutCaller",
				     json_pack("{s:i}", "port", reload->login_port));
	if (reload->image.diagnostics.errors)
		return varlink_error(call, INTERFACE_PORTCRED ".PolicyInvalid",
				     json_pack("{s:o, s:o}", "diagnostics",
					       diagnostics_json(&reload->image), "text",
					       text_json(&reload->image)));
	if (reload->culprit)
		return varlink_error(call, INTERFACE_PORTCRED ".PolicyUnreadable",
				     json_pack("{s:o, s:s}", "file",
					       varlink_string(reload->culprit), "reason",
					       reload_reason(reload, error)));
	return varlink_error(call, INTERFACE_PORTCRED ".Failed",
			     json_pack("{s:s}", "reason", reload_reason(reload, error)));
}

static int do_reload(struct varlink_call *call, json_t *parameters, void *userdata)
{
	json_int_t seconds = json_integer_value(json_object_get(parameters, "try"));
	struct daemon *daemon = userdata;
	struct reload reload = {
		.force = json_is_true(json_object_get(parameters, "force")),
		.caller = varlink_peer(call)->pid,
	};
	int r;

	if (daemon->disabled)
		return varlink_error(call, INTERFACE_PORTCRED ".Disabled", NULL);
	if (seconds < 0 || seconds > MAX_TRY_SECONDS ||
	    (seconds == 0 && json_is_integer(json_object_get(parameters, "try"))))
		return varlink_invalid_parameter(call, "try");
	reload.try_seconds = (unsigned)seconds;
	sd_notify(false, "RELOADING=1");
	r = inforce_reload(daemon, &reload);
	sd_notify(false, "READY=1");
	if (r < 0)
		r = reload_failed(call, daemon, &reload, r);
	else
		r = varlink_reply(call,
				  json_pack("{s:I, s:I, s:o, s:o, s:o, s:o}", "generation",
					    (json_int_t)daemon->in_force.files.generation,
					    "statements", (json_int_t)daemon->in_force.statements,
					    "warnings", diagnostics_json(&reload.image), "text",
					    text_json(&reload.image), "refused",
					    refused_json(daemon), "bypassed",
					    sockets_json(daemon, &daemon->in_force.bypassed, 0)));
	reload_clear(&reload);
	return r;
}

static int confirm(struct varlink_call *call, json_t *parameters, void *userdata)
{
	int r = inforce_confirm(userdata);

	if (r == -ENOENT)
		return varlink_error(call, INTERFACE_PORTCRED ".NoTrial", NULL);
	if (r < 0)
		return varlink_error(call, INTERFACE_PORTCRED ".Failed",
				     json_pack("{s:s}", "reason", strerror(-r)));
	return varlink_reply(call, json_object());
}

/* map_user() - the kernel half's own answer (bpf/decide.h), which a caller cannot have by connecting */
static int map_user(struct varlink_call *call, json_t *parameters, void *userdata)
{
	const struct daemon *daemon = userdata;
	const struct compiled *compiled = daemon->in_force.compiled;
	const char *name = json_string_value(json_object_get(parameters, "host"));
	json_int_t uid = json_integer_value(json_object_get(parameters, "uid"));
	uint32_t mapped;

	if (uid < 0 || uid >= UID_NONE)
		return varlink_invalid_parameter(call, "uid");
	mapped = compiled ? verdict_map_uid(compiled, verdict_find_host(compiled, name),
					    (uint32_t)uid)
			  : UID_NONE;
	return varlink_reply(call, mapped == UID_NONE
					   ? json_object()
					   : json_pack("{s:I}", "uid", (json_int_t)mapped));
}

static const struct varlink_parameter map_user_parameters[] = {
	{ "host", VARLINK_STRING, false },
	{ "uid", VARLINK_INT, false },
	{ 0 },
};

static const struct varlink_parameter reload_parameters[] = {
	{ "try", VARLINK_INT, true },
	{ "force", VARLINK_BOOL, true },
	{ 0 },
};

static const struct varlink_method methods[] = {
	{ "GetStatus", NULL, 0, get_status },
	{ "ListSockets", NULL, 0, list_sockets },
	{ "Watch", NULL, VARLINK_MORE, watch },
	{ "Reload", reload_parameters, VARLINK_ROOT_ONLY, do_reload },
	{ "Confirm", NULL, VARLINK_ROOT_ONLY, confirm },
	{ "Bind", broker_parameters, 0, broker_serve },
	{ "MapUser", map_user_parameters, 0, map_user },
	{ 0 },
};

static const struct varlink_service service = {
	.vendor = "portcred",
	.product = "portcredd",
	.version = PORTCRED_VERSION,
	.url = "",
	.interface = INTERFACE_PORTCRED,
	.description = interface_portcred,
	.methods = methods,
};

int serve_begin(struct daemon *daemon)
{
	int fd, r;

	daemon->watchers = calloc(1, sizeof(*daemon->watchers));
	if (!daemon->watchers)
		return -ENOMEM;
	r = broker_begin(daemon);
	if (r < 0)
		return r;
	r = varlink_server_new(&daemon->server, daemon->event, &service, NULL, daemon);
	if (r < 0)
		return r;
	r = varlink_listen_at(daemon->runtime_dir, CONTROL_NAME, &fd);
	if (r < 0)
		return r;
	r = varlink_server_listen_fd(daemon->server, fd);
	if (r < 0)
		close(fd);
	return r;
}

void serve_end(struct daemon *daemon)
{
	varlink_server_free(daemon->server);
	daemon->server = NULL;
	free(daemon->watchers);
	daemon->watchers = NULL;
	broker_end(daemon);
}
