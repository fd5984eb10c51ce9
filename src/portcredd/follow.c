/* SPDX-License-Identifier: MIT */
#include "portcredd/follow.h"

#include "base/log.h"
#include "kernel/addresses.h"
#include "kernel/hooks.h"
#include "kernel/slots.h"
#include "policy/machine.h"
#include "portcredd/inforce.h"
#include "portcredd/takeover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define UNPRIVILEGED_PORT_START "/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define DEFAULT_PORT_START      1024U /* include/net/net_namespace.h, PROT_SOCK */

/* refresh() - the same text with names as they are now; @always: also if no name has changed */
static int refresh(struct daemon *daemon, bool always)
{
	struct policy_environment environment;
	struct image image = { 0 };
	bool same = false;
	int r;

	if (!daemon->in_force.snapshot)
		return 0;
	inforce_environment(daemon, &environment);
	r = image_from_snapshot(daemon->state_dir, daemon->in_force.snapshot, &environment, &image,
				&same);
	if (r == 0 && (always || !same)) {
		r = inforce_put(daemon, &image, daemon->in_force.snapshot);
		if (r == 0)
			log_info("names or executables have changed: the policy follows");
	}
	image_clear(&image);
	return r;
}

static void refresh_names(struct daemon *daemon)
{
	bool unjudged = daemon->in_force.unjudged ||
			(daemon->enforcer && enforcer_has_unmarked(daemon->enforcer));
	int r;

	if (!daemon->in_force.has_names && !unjudged)
		return;
	r = refresh(daemon, unjudged);
	if (r < 0)
		log_warn(r, "the names of the policy in force cannot be looked up again");
}

static int on_names(sd_event_source *source, int fd, uint32_t ready, void *data)
{
	bool changed[NAMES_WATCHED] = { false };
	struct daemon *daemon = data;
	int r;

	r = watch_read(daemon->names_watch, changed);
	if (r < 0)
		log_warn(r, "changes of the user databases cannot be read");
	if (r != 0)
		refresh_names(daemon);
	return 0;
}

/* only_root_can_change() - what `reload` asks of an executable, of the file that is there now */
static bool only_root_can_change(const char *path)
{
	_cleanup_free_ char *culprit = NULL;

	if (machine_check_executable(NULL, path, &culprit) != -EPERM)
		return true;
	log_warnx("%s can be changed by someone other than root: the file that stands at %s now "
		  "is not granted anything",
		  culprit ? culprit : path, path);
	return false;
}

/* follow_one() - @ret_again: whether the whole policy must be put in force again */
static int follow_one(struct daemon *daemon, size_t index, bool *ret_again)
{
	struct executables *executables = daemon->in_force.executables;
	bool known = executables->items[index].n_files > 0;
	struct executable_change change;
	int r;

	if (!only_root_can_change(executables->items[index].path))
		return 0;
	r = executables_refresh(executables, index, &change);
	if (r < 0)
		return r;
	if (change.added) {
		/* Its statements may have been left out when it was missing. */
		*ret_again |= !known;
		r = daemon->enforcer ? slots_add_exe(daemon->enforcer, &change.new) : 0;
	}
	if (change.dropped) {
		int dropped =
			daemon->enforcer ? slots_remove_exe(daemon->enforcer, &change.old) : 0;

		close(change.held);
		if (r == 0)
			r = dropped;
	}
	return r;
}

/* look_again() - at the paths that @changed names, at all of them if it is NULL */
static int look_again(struct daemon *daemon, const bool *changed)
{
	const struct executables *executables = daemon->in_force.executables;
	bool again = false;
	int r = 0;

	for (size_t i = 0; i < executables->n_items && r >= 0; i++) {
		if (!changed || changed[i])
			r = follow_one(daemon, i, &again);
	}
	return r >= 0 && again ? refresh(daemon, true) : r;
}

static int on_executables(sd_event_source *source, int fd, uint32_t ready, void *data)
{
	struct daemon *daemon = data;
	size_t n = daemon->in_force.executables->n_items;
	_cleanup_free_ bool *changed = calloc(n + 1, sizeof(*changed));
	int r;

	r = changed ? watch_read(daemon->in_force.executable_watch, changed) : -ENOMEM;
	if (r >= 0)
		r = look_again(daemon, changed);
	if (r < 0)
		log_warn(r, "an executable that was replaced cannot be followed");
	return 0;
}

static void stop_executables(struct daemon *daemon)
{
	struct in_force *in_force = &daemon->in_force;

	in_force->executable_source = sd_event_source_disable_unref(in_force->executable_source);
	watch_free(in_force->executable_watch);
	in_force->executable_watch = NULL;
}

int follow_executables(struct daemon *daemon)
{
	struct in_force *in_force = &daemon->in_force;
	size_t n = in_force->executables->n_items;
	_cleanup_free_ const char **paths = NULL;
	int r;

	stop_executables(daemon);
	if (n == 0)
		return 0;
	paths = calloc(n, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		paths[i] = in_force->executables->items[i].path;
	r = watch_new(paths, n, 0, &in_force->executable_watch);
	if (r == 0)
		r = sd_event_add_io(daemon->event, &in_force->executable_source,
				    watch_fd(in_force->executable_watch), EPOLLIN, on_executables,
				    daemon);
	if (r < 0) {
		log_warn(
			r,
			"executables that are replaced will not be followed until the next reload");
		stop_executables(daemon);
		return 0;
	}
	/* What was replaced between the first look and the watch. */
	r = look_again(daemon, NULL);
	if (r < 0)
		log_warn(r, "an executable that was replaced cannot be followed");
	return 0;
}

void follow_addresses(struct daemon *daemon)
{
	struct address_list list = { 0 };
	int r;

	r = addresses_list(&list);
	if (r == 0)
		r = addresses_put(daemon->enforcer, &list);
	if (r < 0)
		log_warn(r,
			 "the addresses of this machine cannot be listed: callers at new ones are "
			 "not known");
	else if (list.truncated && !daemon->addresses_truncated)
		log_warnx("this machine has more than %u addresses: callers at the others are not "
			  "known",
			  MAX_OWN_ADDRESSES);
	if (r == 0)
		daemon->addresses_truncated = list.truncated;
	address_list_clear(&list);
}

static int on_addresses(sd_event_source *source, int fd, uint32_t ready, void *data)
{
	int r = addresses_changed(fd);

	if (r < 0)
		log_warn(r, "changes of this machine's addresses cannot be read");
	if (r != 0)
		follow_addresses(data);
	return 0;
}

static void watch_addresses(struct daemon *daemon)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	r = addresses_watch(&fd);
	if (r == 0)
		r = sd_event_add_io(daemon->event, &daemon->addresses_source, fd, EPOLLIN,
				    on_addresses, daemon);
	if (r >= 0)
		r = sd_event_source_set_io_fd_own(daemon->addresses_source, true);
	if (r >= 0)
		fd = -EBADF;
	else
		log_warn(r, "new addresses of this machine are seen every %u s only", FOLLOW_EVERY);
	/* What changed before the watch. */
	follow_addresses(daemon);
}

unsigned follow_port_start(void)
{
	_cleanup_fclose_ FILE *file = fopen(UNPRIVILEGED_PORT_START, "re");
	unsigned start = DEFAULT_PORT_START;

	if (file && fscanf(file, "%u", &start) != 1)
		start = DEFAULT_PORT_START;
	return start;
}

void follow_sysctls(struct daemon *daemon)
{
	__atomic_store_n(&daemon->enforcer->control->unprivileged_port_start, follow_port_start(),
			 __ATOMIC_RELAXED);
}

int follow_schedule(struct daemon *daemon)
{
	uint64_t seconds = daemon->in_force.has_unresolved || daemon->in_force.unjudged
				   ? FOLLOW_EVERY_UNRESOLVED
				   : FOLLOW_EVERY;
	int r;

	if (!daemon->recheck)
		return 0;
	r = sd_event_source_set_time_relative(daemon->recheck, seconds * 1000000);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(daemon->recheck, SD_EVENT_ONESHOT);
}

/* follow_range() - the ephemeral range may have come to include governed ports, or to leave them */
static void follow_range(struct daemon *daemon)
{
	unsigned groups = takeover_hooks(daemon);
	_cleanup_free_ char *why = NULL;
	int r;

	if (!daemon->in_force.snapshot)
		return;
	r = hooks_attach(daemon->enforcer, groups, &why);
	if (r == 0)
		r = hooks_detach_but(daemon->enforcer, groups);
	if (r < 0)
		log_warn(r, "%s", why ? why : "hooks cannot be detached");
}

/* recheck_kernel() - what the kernel half depends on */
static void recheck_kernel(struct daemon *daemon)
{
	size_t restored = 0;
	int r;

	follow_addresses(daemon);
	follow_sysctls(daemon);
	r = reserved_recheck(daemon->reserved, &restored);
	if (r < 0)
		log_warn(r, "net.ipv4.ip_local_reserved_ports cannot be looked at again");
	else if (restored)
		log_warnx("%zu governed ports were missing in net.ipv4.ip_local_reserved_ports and "
			  "have been put back",
			  restored);
	follow_range(daemon);
}

static int on_recheck(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *daemon = data;

	refresh_names(daemon);
	/* A mount over a path tells nobody, and inotify has its limits. */
	if (daemon->in_force.executables && look_again(daemon, NULL) < 0)
		log_warnx("the executables of the policy cannot be looked at again");
	if (daemon->enforcer)
		recheck_kernel(daemon);
	return follow_schedule(daemon);
}

static int on_pins(sd_event_source *source, int fd, uint32_t ready, void *data)
{
	struct daemon *daemon = data;
	bool changed = false;
	int r = watch_read(daemon->pins_watch, &changed);

	if (r < 0)
		log_warn(r, "whether the pins are still there cannot be told");
	if (enforcer_is_pinned(daemon->enforcer))
		return 0;
	log_warnx("the hooks were taken out (portcredd --release): nothing is enforced; stopping");
	sd_notify(false, "STOPPING=1");
	return sd_event_exit(daemon->event, EXIT_SUCCESS);
}

static int follow_pins(struct daemon *daemon)
{
	int r;

	r = enforcer_watch_pins(daemon->enforcer, &daemon->pins_watch);
	if (r < 0)
		return r;
	r = sd_event_add_io(daemon->event, &daemon->pins_source, watch_fd(daemon->pins_watch),
			    EPOLLIN, on_pins, daemon);
	return r < 0 ? r : 0;
}

int follow_begin(struct daemon *daemon)
{
	int r = 0;

	if (daemon->enforcer)
		r = follow_pins(daemon);
	if (r < 0)
		return r;
	if (daemon->enforcer)
		watch_addresses(daemon);

	r = names_watch(&daemon->names_watch);
	if (r == 0)
		r = sd_event_add_io(daemon->event, &daemon->names_source,
				    watch_fd(daemon->names_watch), EPOLLIN, on_names, daemon);
	if (r < 0)
		log_warn(r, "changes of the user databases are seen every %u s only", FOLLOW_EVERY);
	r = sd_event_add_time_relative(daemon->event, &daemon->recheck, CLOCK_BOOTTIME, 0, 1000000,
				       on_recheck, daemon);
	return r < 0 ? r : follow_schedule(daemon);
}

void follow_end(struct daemon *daemon)
{
	stop_executables(daemon);
	daemon->pins_source = sd_event_source_disable_unref(daemon->pins_source);
	watch_free(daemon->pins_watch);
	daemon->pins_watch = NULL;
	daemon->addresses_source = sd_event_source_disable_unref(daemon->addresses_source);
	daemon->names_source = sd_event_source_disable_unref(daemon->names_source);
	daemon->recheck = sd_event_source_disable_unref(daemon->recheck);
	watch_free(daemon->names_watch);
	daemon->names_watch = NULL;
}
