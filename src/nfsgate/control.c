/* SPDX-License-Identifier: MIT */
/*
 * control.c - see control.h
 *
 * The varlink server lives in an sd_event loop of its own, which is one descriptor for the gate's epoll. An
 * sd_event loop arms its timers when it prepares to wait: so control_take() is called until there is
 * nothing that it could do.
 */
#include "nfsgate/control.h"

#include <errno.h>
#include <linux/tcp.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/directory.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "control/interface.h"
#include "control/varlink.h"
#include "control/watchers.h"
#include "nfsgate/describe.h"
#include "nfsgate/session.h"

/* Of one reply. */
#define CONNECTIONS_AT_ONCE 64U

struct control {
	struct gate *gate;
	sd_event *event;
	struct varlink_server *server;
	int directory;
	struct watchers watchers;
};

/* sees() - whether a caller's doings are for who asks */
static bool sees(const struct varlink_call *call, const struct caller *caller)
{
	uid_t peer = varlink_peer(call)->uid;

	return peer == 0 || peer == caller_owner(caller);
}

static json_t *refusals_json(const uint64_t refused[static REASONS], enum reason first,
			     enum reason end)
{
	json_t *list = json_array();

	for (enum reason reason = first; reason < end; reason++) {
		if (refused[reason])
			json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "reason",
							      reason_name(reason), "text",
							      reason_text(reason), "n",
							      (json_int_t)refused[reason]));
	}
	return list;
}

static json_t *programs_json(const struct account *account)
{
	json_t *list = json_array();

	for (size_t i = 0; i < account->n_programs; i++) {
		const struct account_use *use = &account->programs[i];

		json_array_append_new(list, json_pack("{s:I, s:I, s:I}", "program",
						      (json_int_t)use->number, "version",
						      (json_int_t)use->version, "calls",
						      (json_int_t)use->calls));
	}
	return list;
}

static json_t *users_json(const struct account *account)
{
	json_t *list = json_array();

	for (size_t i = 0; i < account->n_users; i++)
		json_array_append_new(list, json_pack("{s:I, s:I}", "uid",
						      (json_int_t)account->users[i].number, "calls",
						      (json_int_t)account->users[i].calls));
	return list;
}

/* add_bytes() - as the kernel counts them */
static void add_bytes(json_t *object, int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (!object || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
	    size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t))
		return;
	json_object_set_new(object, "received", json_integer((json_int_t)info.tcpi_bytes_received));
	json_object_set_new(object, "sent", json_integer((json_int_t)info.tcpi_bytes_acked));
}

static json_t *connection_json(const struct session *session)
{
	static const char *const states[] = {
		[SESSION_WAITING] = "waiting",
		[SESSION_CONNECTING] = "connecting",
		[SESSION_OPEN] = "open",
	};
	const struct account *account = &session->account;
	char since[RFC3339_SIZE];
	json_t *object;

	rfc3339(session->since, since);
	object = json_pack("{s:I, s:s, s:o, s:s, s:s, s:o, s:b, s:o, s:b, s:I, s:o}", "id",
			   (json_int_t)session->id, "service", port_name(session->port), "caller",
			   caller_json(&session->caller), "state", states[session->state], "since",
			   since, "programs", programs_json(account), "more_programs",
			   account->more_programs, "users", users_json(account), "more_users",
			   account->more_users, "calls", (json_int_t)account->passed, "refused",
			   refusals_json(account->refused, REASON_CREDENTIAL, REASONS));
	add_bytes(object, session->client.fd);
	return object;
}

static int list_connections(struct varlink_call *call, json_t *parameters, void *userdata)
{
	const json_t *before = json_object_get(parameters, "before");
	const struct control *control = userdata;
	json_t *list = json_array();
	bool more = false;
	size_t n = 0;

	/* The latest come first: their numbers fall. */
	for (const struct session *one = control->gate->sessions; one && !more; one = one->next) {
		if ((json_is_integer(before) && one->id >= (uint64_t)json_integer_value(before)) ||
		    !sees(call, &one->caller))
			continue;
		more = n++ == CONNECTIONS_AT_ONCE;
		if (!more)
			json_array_append_new(list, connection_json(one));
	}
	return varlink_reply(call, json_pack("{s:o, s:b}", "connections", list, "more", more));
}

static json_t *mount_json(const struct mount *mount)
{
	char time[RFC3339_SIZE];

	rfc3339(mount->when, time);
	return json_pack("{s:o, s:o, s:s, s:I}", "caller", caller_json(&mount->caller), "path",
			 varlink_string(mount->path), "time", time, "calls",
			 (json_int_t)mount->calls);
}

static int list_mounts(struct varlink_call *call, json_t *parameters, void *userdata)
{
	const struct control *control = userdata;
	json_t *list = json_array();

	for (size_t i = 0; i < MOUNTS_MAX; i++) {
		const struct mount *mount = &control->gate->mounts.items[i];

		if (mount->path && sees(call, &mount->caller))
			json_array_append_new(list, mount_json(mount));
	}
	return varlink_reply(call, json_pack("{s:o}", "mounts", list));
}

/* own_counts() - of the connections that a user has open: what others do is not his to know */
static struct counts own_counts(struct varlink_call *call, const struct gate *gate)
{
	struct counts counts = { 0 };

	for (const struct session *one = gate->sessions; one; one = one->next) {
		if (!sees(call, &one->caller))
			continue;
		counts.connections++;
		counts.calls += one->account.passed;
		for (int reason = 0; reason < REASONS; reason++)
			counts.refused[reason] += one->account.refused[reason];
	}
	return counts;
}

static int get_status(struct varlink_call *call, json_t *parameters, void *userdata)
{
	const struct control *control = userdata;
	const struct gate *gate = control->gate;
	bool root = varlink_peer(call)->uid == 0;
	struct counts counts = root ? gate->counts : own_counts(call, gate);
	char since[RFC3339_SIZE];

	rfc3339(gate->since, since);
	return varlink_reply(
		call,
		json_pack("{s:s, s:i, s:s, s:I, s:I, s:I, s:o, s:o}", "version", PORTCRED_VERSION,
			  "pid", (int)getpid(), "since", since, "connections",
			  (json_int_t)(root ? gate->n_sessions : counts.connections), "opened",
			  (json_int_t)counts.connections, "calls", (json_int_t)counts.calls,
			  "refused",
			  refusals_json(counts.refused, REASON_UNVOUCHED, REASON_CREDENTIAL),
			  "denied", refusals_json(counts.refused, REASON_CREDENTIAL, REASONS)));
}

static int watch(struct varlink_call *call, json_t *parameters, void *userdata)
{
	struct control *control = userdata;

	return watchers_add(&control->watchers, call, INTERFACE_NFSGATE ".Failed");
}

void control_event(struct control *control, uid_t uid, const char *member, json_t *value)
{
	watchers_tell(control ? &control->watchers : NULL, uid, member, value);
}

static const struct varlink_parameter list_parameters[] = {
	{ "before", VARLINK_INT, true },
	{ 0 },
};

static const struct varlink_method methods[] = {
	{ "GetStatus", NULL, 0, get_status },
	{ "ListConnections", list_parameters, 0, list_connections },
	{ "ListMounts", NULL, 0, list_mounts },
	{ "Watch", NULL, VARLINK_MORE, watch },
	{ 0 },
};

static const struct varlink_service service = {
	.vendor = "portcred",
	.product = "portcred-nfsgate",
	.version = PORTCRED_VERSION,
	.url = "",
	.interface = INTERFACE_NFSGATE,
	.description = interface_nfsgate,
	.methods = methods,
};

static const struct varlink_limits limits = {
	.call_bytes = 4096,
	.connections = CONTROL_CONNECTIONS,
	.connections_user = 4,
	.connections_root = 8,
	.reply_bytes = 4U << 20,
	.stream_bytes = 256U << 10,
	.user_bytes = 8U << 20,
	.others_bytes = 16U << 20,
};

int control_open(const char *directory, struct control_socket *ret_socket)
{
	_cleanup_close_ int opened = -EBADF;
	int fd, r;

	*ret_socket = (struct control_socket){ -EBADF, -EBADF };
	if (!directory)
		return 0;
	r = directory_open(directory, &opened);
	if (r == 0)
		r = directory_lock(opened);
	if (r == 0)
		r = varlink_listen_at(opened, CONTROL_NAME, &fd);
	if (r == -EPERM)
		log_warnx("%s: a directory that only root, or its own user, can write to is needed",
			  directory);
	else if (r == -EWOULDBLOCK || r == -EADDRINUSE)
		log_warnx("%s: another one is at work there", directory);
	else if (r < 0)
		log_warn(r, "%s", directory);
	if (r == 0)
		*ret_socket = (struct control_socket){ TAKE_FD(opened), fd };
	return r;
}

int control_new(struct gate *gate, const struct control_socket *socket,
		struct control **ret_control)
{
	_cleanup_(control_freep) struct control *control = NULL;
	int r;

	if (socket->fd < 0)
		return 0;
	control = calloc(1, sizeof(*control));
	if (!control)
		return -ENOMEM;
	control->gate = gate;
	control->directory = -EBADF;
	control->watchers.max = CONTROL_CONNECTIONS;
	r = sd_event_new(&control->event);
	if (r >= 0)
		r = varlink_server_new(&control->server, control->event, &service, &limits,
				       control);
	if (r >= 0)
		r = varlink_server_listen_fd(control->server, socket->fd);
	if (r < 0)
		return r;
	control->directory = socket->directory;
	*ret_control = TAKE_PTR(control);
	return 0;
}

void control_free(struct control *control)
{
	varlink_server_free(control->server);
	sd_event_unref(control->event);
	if (control->directory >= 0)
		close(control->directory);
	free(control);
}

int control_fd(const struct control *control)
{
	return sd_event_get_fd(control->event);
}

bool control_take(struct control *control)
{
	int r = sd_event_run(control->event, 0);

	if (r < 0)
		log_warn(r, "the control socket");
	return r > 0;
}
