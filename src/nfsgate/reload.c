/* SPDX-License-Identifier: MIT */
/*
 * reload.c - options and table in force, from the first to the last
 *
 * What is read anew replaces what was in force in one step, when all of it is known and right. Connections
 * are judged again then, and their calls from the next one on.
 */
#include "nfsgate/reload.h"

#include <errno.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "nfsgate/clock.h"
#include "nfsgate/hosts.h"
#include "nfsgate/lookup.h"
#include "nfsgate/session.h"

/* put_in_force() - what was loaded; calls from now on are judged by it */
static void put_in_force(struct gate *gate, struct load *load)
{
	struct options options;
	struct id_table ids;

	load_take(load, &options, &ids);
	ids_clear(&gate->rule.ids);
	if (!gate->options) {
		gate->first = options;
		gate->options = &gate->first;
	} else {
		options_clear(&gate->loaded);
		gate->loaded = options;
		gate->options = &gate->loaded;
	}
	gate->rule = options.rule;
	gate->poll.limit = (int64_t)options.poll * 1000;
	gate->rule.ids = ids;
}

/* judge_sessions() - that are open: of some the caller may have lost what let him in */
static void judge_sessions(struct gate *gate)
{
	struct session *next;
	unsigned ended = 0;

	for (struct session *session = gate->sessions; session; session = next) {
		next = session->next;
		ended += !session_judge(session);
	}
	if (ended)
		log_warnx("%u connections have been ended, whose callers may no longer connect",
			  ended);
}

static void stop_asking(struct gate *gate)
{
	if (gate->hosts)
		hosts_free(gate->hosts);
	gate->hosts = NULL;
}

void reload_ask_hosts(struct gate *gate)
{
	int r = hosts_new(gate->options, &gate->rule, &gate->hosts);

	if (r == -ENOENT)
		return;
	if (r == 0) {
		gate->hosts_source = (struct source){ SOURCE_HOSTS, hosts_fd(gate->hosts), gate };
		r = gate_watch_level(gate, &gate->hosts_source, EPOLL_CTL_ADD, true);
	}
	if (r == 0)
		return;
	log_warn(r, "portcredd cannot be asked which hosts it knows");
	stop_asking(gate);
}

void reload_take_hosts(struct gate *gate)
{
	if (gate->hosts && hosts_receive(gate->hosts) != -EINPROGRESS)
		stop_asking(gate);
}

/* end_load() - tell the service manager too, whatever came of it */
static void end_load(struct gate *gate, int error)
{
	char kept[OPTIONS_KEPT_MAX];

	if (error == 0) {
		load_kept(gate->load, &gate->first, kept);
		put_in_force(gate, gate->load);
		judge_sessions(gate);
		groups_forget(gate->groups, gate->options->groups_lifetime);
		descriptors_want(gate->options->max_connections);
		if (kept[0])
			log_warnx("%s: what is said of it now counts from the next start on", kept);
		log_info("reloaded");
		reload_ask_hosts(gate);
	} else {
		log_warnx("nothing has changed");
	}
	if (gate->load)
		load_free(gate->load);
	gate->load = NULL;
	gate->load_deadline = INT64_MAX;
	sd_notify(0, "READY=1");
}

void reload_take(struct gate *gate)
{
	int r = gate->load ? load_receive(gate->load) : -EINPROGRESS;

	if (r != -EINPROGRESS)
		end_load(gate, r);
}

/* read_options() - those that the start would take too; taken over by nobody yet */
static int read_options(const struct gate *gate, struct options *ret_options)
{
	int r = options_parse(gate->argc, gate->argv, ret_options);

	for (size_t i = 0; r == 0 && i < gate->n_listeners; i++) {
		enum port port = gate->listeners[i].port;

		if (ret_options->servers[port].text)
			continue;
		/* A file that was emptied would loosen all that it said. */
		log_warnx("it has a socket for %s, of which no server was given", port_name(port));
		options_clear(ret_options);
		r = -EINVAL;
	}
	return r;
}

void reload_begin(struct gate *gate)
{
	struct options options = { 0 };
	int r;

	/* A time before the signal would be that of an earlier reload (systemd.service(5)). */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_us());
	if (gate->load)
		load_free(gate->load);
	gate->load = NULL;
	stop_asking(gate);
	r = read_options(gate, &options);
	if (r == 0)
		r = load_new(&options, &gate->load);
	if (r == 0 && load_fd(gate->load) >= 0) {
		gate->load_source = (struct source){ SOURCE_LOAD, load_fd(gate->load), gate };
		gate->load_deadline = clock_ms() + LOOKUP_LIMIT_MS;
		r = gate_watch_level(gate, &gate->load_source, EPOLL_CTL_ADD, true);
		if (r == 0)
			return;
	}
	end_load(gate, r);
}

void reload_late(struct gate *gate)
{
	load_late(gate->load);
	end_load(gate, -ETIMEDOUT);
}

int reload_first(struct gate *gate, struct options *options)
{
	_cleanup_(load_freep) struct load *load = NULL;
	int r = load_new(options, &load);

	if (r == 0)
		r = load_wait(load);
	if (r == 0)
		put_in_force(gate, load);
	return r;
}
