/* SPDX-License-Identifier: MIT */
#include "portcredd/takeover.h"

#include "base/log.h"
#include "kernel/hooks.h"
#include "kernel/inherit.h"
#include "kernel/sockets.h"
#include "portcredd/adopt.h"
#include "portcredd/follow.h"
#include "portcredd/lead.h"
#include "portcredd/tables.h"

#include <errno.h>
#include <string.h>

/*
 * keep_verdicts() - of a policy that decides already: who was let in stays
 *
 * What a socket's holder runs as may have changed since its bind, which is what was approved.
 */
static void keep_verdicts(const struct daemon *daemon, struct approvals *approvals)
{
	approvals->refused = approvals->connected = 0;
	for (size_t i = 0; i < approvals->n_items; i++) {
		struct approval *approval = &approvals->items[i];

		approval->refused &=
			enforcer_refuses_socket(daemon->enforcer, approval->socket.cookie);
		approvals->refused += approval->refused && !approval->connected;
		approvals->connected += approval->refused && approval->connected;
	}
}

/* judge_sockets() - refuse what was bound before and the tables do not name */
static void judge_sockets(struct daemon *daemon, const struct compiled *compiled, bool same)
{
	struct approvals approvals = { 0 };
	_cleanup_free_ uint64_t *cookies = NULL;
	uint64_t counters[COUNTERS] = { 0 };
	size_t n = 0;
	int r;

	r = enforcer_counters(daemon->enforcer, counters);
	if (r == 0)
		r = approve_sockets(compiled, daemon->cgroup, &approvals, NULL);
	daemon->in_force.unjudged = r < 0;
	if (r < 0) {
		log_warn(r, "sockets that are bound already cannot be judged; to be tried again");
		return;
	}
	/* A listener that could not be marked was never let in. */
	if (same && !enforcer_has_unmarked(daemon->enforcer))
		keep_verdicts(daemon, &approvals);
	cookies = calloc(approvals.refused + approvals.connected + 1, sizeof(*cookies));
	for (size_t i = 0; cookies && i < approvals.n_items; i++) {
		if (approvals.items[i].refused)
			cookies[n++] = approvals.items[i].socket.cookie;
	}
	r = cookies ? enforcer_refuse_sockets(daemon->enforcer, cookies, n,
					      counters[COUNTER_MARKED])
		    : -ENOMEM;
	daemon->in_force.unjudged = r < 0;
	if (r < 0)
		log_warn(r, "not every socket that was bound before could be refused");
	approvals_clear(&daemon->in_force.approvals);
	daemon->in_force.approvals = approvals;
}

/* chosen_hooks() - what guards the ports of a policy that the kernel may choose by itself */
static unsigned chosen_hooks(bool all_namespaces, const struct port_bitmap *governed)
{
	struct port_bitmap chosen;

	/* In other namespaces the range may be another; where it cannot be read, it may be any. */
	if (all_namespaces || reserved_ephemeral_range(&chosen) < 0)
		chosen = *governed;
	port_bitmap_keep(&chosen, governed);
	return port_bitmap_count(&chosen) > 0 ? HOOKS_AUTOBIND : 0;
}

unsigned takeover_stated_hooks(const struct compiled *compiled)
{
	return HOOKS_BIND | (compiled->vouches ? HOOKS_VOUCH : 0) |
	       (compiled->accepts ? HOOKS_ACCEPT : 0) |
	       (compiled->n_redirects ? HOOKS_REDIRECT : 0);
}

/* refusing_hooks() - what may be needed when the sockets that are there are judged, each at a governed port */
static unsigned refusing_hooks(const struct port_bitmap *governed)
{
	struct socket_list sockets = { 0 };
	int r = sockets_at(governed, &sockets);
	bool some = r < 0 || sockets.n_items > 0;

	socket_list_clear(&sockets);
	return some ? HOOKS_REFUSED : 0;
}

/* turning_hooks() - what a policy needs while it comes into force; what the one before needs is attached */
static unsigned turning_hooks(const struct compiled *compiled, const struct port_bitmap *governed)
{
	return takeover_stated_hooks(compiled) | chosen_hooks(compiled->all_namespaces, governed) |
	       (compiled->vouches ? HOOKS_ADOPT : 0) | refusing_hooks(governed);
}

unsigned takeover_hooks(const struct daemon *daemon)
{
	const struct in_force *in_force = &daemon->in_force;
	/* What was refused before stays so until it is known better. */
	bool refuses =
		in_force->unjudged || in_force->approvals.refused || in_force->approvals.connected;

	return in_force->hooks | chosen_hooks(in_force->all_namespaces, &in_force->governed) |
	       (refuses ? HOOKS_REFUSED : 0);
}

/* adopt_older() - listeners from before the vouch was wanted; setsockopt's hook must be attached */
static void adopt_older(struct daemon *daemon)
{
	int r;

	daemon->in_force.unanswered = 0;
	if (!daemon->in_force.vouches)
		return;
	r = adopt_listeners(daemon->enforcer, daemon->cgroup, &daemon->in_force.unanswered);
	if (r < 0)
		log_warn(r, "listeners that are there already cannot be asked who calls them");
	if (daemon->in_force.unanswered)
		log_warnx("%zu listeners that are there already will know their callers once they "
			  "are restarted",
			  daemon->in_force.unanswered);
}

int takeover_fill(struct daemon *daemon, const struct compiled *compiled,
		  const struct executables *executables, const struct port_bitmap *governed)
{
	_cleanup_free_ char *why = NULL;
	int r;

	r = reserved_extend(daemon->reserved, governed);
	follow_addresses(daemon);
	if (r == 0)
		r = hooks_attach(daemon->enforcer, turning_hooks(compiled, governed), &why);
	if (why)
		log_warnx("%s", why);
	if (r == 0)
		r = tables_put(daemon, compiled, executables);
	return r;
}

/* inherit() - of a portcredd of another version, whose hooks are still attached */
static void inherit(const struct daemon *daemon)
{
	struct inherited inherited = { 0 };
	int r = inherit_records(daemon->enforcer, daemon->cgroup, &inherited);

	if (r < 0)
		log_warn(r, "what another version knows of sockets cannot be taken over");
	if (inherited.strange)
		log_warnx(
			"what another version knows of some sockets cannot be read: who bound them "
			"is taken to be who made them, who calls is unknown");
	if (inherited.records)
		log_info("%zu records of sockets were taken over from another version",
			 inherited.records);
}

/* attach_refusing() - the hook behind what judge_sockets() wrote, where nothing was there a moment before */
static void attach_refusing(struct daemon *daemon)
{
	_cleanup_free_ char *why = NULL;
	int r = hooks_attach(daemon->enforcer, takeover_hooks(daemon), &why);

	if (r == 0)
		return;
	log_warnx("sockets that were bound before are not refused yet: %s",
		  why ? why : strerror(-r));
	daemon->in_force.unjudged = true;
}

void takeover_settle(struct daemon *daemon, bool same)
{
	int r;

	inherit(daemon);
	judge_sockets(daemon, daemon->in_force.compiled, same);
	attach_refusing(daemon);
	adopt_older(daemon);
	r = lead_listeners(daemon, daemon->in_force.compiled);
	if (r < 0)
		log_warn(r, "calls cannot be led to listeners that are there already");
	r = reserved_update(daemon->reserved, &daemon->in_force.governed);
	if (r < 0)
		log_warn(r, "net.ipv4.ip_local_reserved_ports cannot be written");
	r = hooks_detach_but(daemon->enforcer, takeover_hooks(daemon));
	if (r < 0)
		log_warn(r, "hooks that are not needed cannot be detached");
	follow_sysctls(daemon);
}
