/* SPDX-License-Identifier: MIT */
#include "portcredd/serve.h"

#include "base/log.h"
#include "base/rfc3339.h"
#include "control/interface.h"
#include "control/varlink.h"
#include "control/watchers.h"
#include "kernel/login.h"
#include "kernel/slots.h"
#include "policy/verdict.h"
#include "portcredd/audit.h"
#include "portcredd/broker.h"
#include "portcredd/follow.h"
#include "portcredd/inforce.h"
#include "portcredd/listing.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define CONTROL_NAME "control"

#define UNPRIVILEGED_DEFAULT 1024U

/* The longest trial: a day. */
#define MAX_TRY_SECONDS 86400

/* time_text() - RFC 3339, UTC; JSON null for 0. A new reference. */
static json_t *time_text(uint64_t usec)
{
	char text[RFC3339_SIZE];

	if (!usec)
		return json_null();
	rfc3339((int64_t)(usec / 1000), text);
	return json_string(text);
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
		varlink_string(daemon->disabled), "trial", trial_seconds(daemon), "cgroup",
		varlink_string(daemon->options.cgroup));
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
	json_object_set_new(reply, "error", varlink_string(daemon->error));
	return varlink_reply(call, reply);
}

static int watch(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct daemon *daemon = userdata;

	return watchers_add(daemon->watchers, call, INTERFACE_PORTCRED ".Failed");
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
		r = varlink_reply(
			call,
			json_pack("{s:I, s:I, s:o, s:o, s:o, s:o}", "generation",
				  (json_int_t)daemon->in_force.files.generation, "statements",
				  (json_int_t)daemon->in_force.statements, "warnings",
				  diagnostics_json(&reload.image), "text", text_json(&reload.image),
				  "refused", listing_refused(daemon), "bypassed",
				  listing_sockets(daemon, &daemon->in_force.bypassed, 0)));
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
	uint32_t mapped = UID_NONE, host = HOST_NONE;
	json_t *answer;

	if (uid < 0 || uid >= UID_NONE)
		return varlink_invalid_parameter(call, "uid");
	if (compiled) {
		host = verdict_find_host(compiled, name);
		mapped = verdict_map_uid(compiled, host, (uint32_t)uid);
	}
	answer = json_pack("{s:b}", "known", host != HOST_NONE);
	if (mapped != UID_NONE)
		json_object_set_new(answer, "uid", json_integer(mapped));
	return varlink_reply(call, answer);
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
	{ "ListSockets", NULL, 0, listing_call },
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
	daemon->watchers->max = VARLINK_CONNECTIONS_MAX;
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
