/* SPDX-License-Identifier: MIT */
/*
 * inforce.c - theory of operation
 *
 * put() is the only way into force. Its order is such that a failure at any step leaves the policy
 * before in force, and no moment is without one:
 *
 *	1. find the executables                  nothing is changed yet
 *	2. write the snapshot under a third name
 *	3. reserve newly governed ports          too much is reserved for a moment: harmless
 *	4. attach the hooks that it needs, beside those of the policy before
 *	5. fill the idle slot and flip           from here on the new policy decides
 *	6. rename the snapshot
 *	7. refuse sockets bound before, lead calls to listeners that are there, give back ports that
 *	   are no longer governed, detach the hooks that this policy does not need
 *
 * 3 to 5 and 7 are takeover.c's. Where there is no kernel half (--broker-only), they are left out: from
 * 6 on the broker decides by the new policy.
 *
 * A trial differs in the name of its snapshot alone: STATE_TRIAL beside the STATE_IN_FORCE to come
 * back to. STATE_TRIAL stays after a rollback, so that the next start knows the files for what they
 * are: a policy that nobody confirmed.
 */
#include "portcredd/inforce.h"

#include "base/log.h"
#include "kernel/hooks.h"
#include "kernel/slots.h"
#include "policy/machine.h"
#include "policy/snapshot.h"
#include "portcredd/audit.h"
#include "portcredd/file_list.h"
#include "portcredd/follow.h"
#include "portcredd/guard.h"
#include "portcredd/lead.h"
#include "portcredd/takeover.h"
#include "portcredd/vouching.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <time.h>

/* How long the names of one policy may take to be looked up, all together. */
#define NAMES_LIMIT_MS 20000U

/* A rollback that fails is tried again after so many seconds. */
#define ROLLBACK_AGAIN 10U

void inforce_environment(struct daemon *daemon, struct policy_environment *ret_environment)
{
	_cleanup_free_ char *why = NULL;

	*ret_environment = machine_environment();
	names_environment(daemon->names, ret_environment);
	names_allow(daemon->names, NAMES_LIMIT_MS);
	if (vouching_public(daemon->options.host_key, &daemon->own_keys, &why) < 0)
		log_warnx("%s", why ? why : strerror(ENOMEM));
	ret_environment->own_keys = daemon->own_keys.items;
	ret_environment->n_own_keys = daemon->own_keys.n;
}

static void set_error(struct daemon *daemon, char *error)
{
	free(daemon->error);
	daemon->error = error;
}

static uint64_t now_usec(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* same_bytes() - whether two files of a directory are equal; false where one cannot be read */
static bool same_bytes(int directory, const char *a, const char *b)
{
	_cleanup_fclose_ FILE *one = NULL, *other = NULL;
	int fd = openat(directory, a, O_RDONLY | O_CLOEXEC);
	int left, right;

	one = fd >= 0 ? fdopen(fd, "re") : NULL;
	fd = openat(directory, b, O_RDONLY | O_CLOEXEC);
	other = fd >= 0 ? fdopen(fd, "re") : NULL;
	if (!one || !other)
		return false;
	do {
		left = getc_unlocked(one);
		right = getc_unlocked(other);
	} while (left == right && left != EOF);
	return left == right && !ferror(one) && !ferror(other);
}

/*
 * decides_already() - whether what STATE_NEXT holds is what decides, names included
 *
 * At a start only a snapshot that no trial stands beside is known to be what the pins enforce.
 */
static bool decides_already(const struct daemon *daemon)
{
	const char *snapshot = daemon->in_force.snapshot;

	if (daemon->in_force.unjudged)
		return false;
	if (!snapshot && daemon->enforcer->adopted &&
	    faccessat(daemon->state_dir, STATE_TRIAL, F_OK, 0) < 0)
		snapshot = STATE_IN_FORCE;
	return snapshot && same_bytes(daemon->state_dir, STATE_NEXT, snapshot);
}

/* struct summary - what is to be remembered of a policy when its text is gone */
struct summary {
	struct file_list files;
	size_t statements;
	bool has_names;
	bool has_unresolved;
};

static int summarize(const struct image *image, struct summary *ret_summary)
{
	const struct policy *policy = image->policy;
	struct summary summary = { .statements = policy->n_statements,
				   .has_names = policy_asks(policy),
				   .has_unresolved = !policy_is_resolved(policy) };
	int r = file_list_fill(&summary.files, image->sources);

	if (r < 0)
		return r;
	*ret_summary = summary;
	return 0;
}

/* adopt() - remember what events, the broker, `status` and the followers need */
static void adopt(struct daemon *daemon, struct compiled *compiled, const char *snapshot,
		  const struct summary *summary, struct executables *executables)
{
	struct in_force *in_force = &daemon->in_force;

	file_list_clear(&in_force->files_before);
	in_force->files_before = in_force->files;
	in_force->files = summary->files;
	in_force->files.generation = daemon->enforcer ? slots_settings(daemon->enforcer)->generation
						      : in_force->files_before.generation + 1;
	in_force->statements = summary->statements;
	in_force->users = compiled->n_users;
	free(in_force->name);
	in_force->name = TAKE_PTR(compiled->name);
	in_force->all_namespaces = compiled->all_namespaces;
	in_force->hooks = takeover_stated_hooks(compiled);
	in_force->vouches = compiled->vouches;
	in_force->n_hosts = compiled->n_hosts;
	lead_take(daemon, compiled);
	in_force->since = now_usec(CLOCK_REALTIME);
	in_force->snapshot = snapshot;
	in_force->has_names = summary->has_names;
	in_force->has_unresolved = summary->has_unresolved;
	executables_free(in_force->executables);
	in_force->executables = executables;
	compiled_free(in_force->compiled);
	in_force->compiled = compiled;
}

int inforce_put(struct daemon *daemon, struct image *image, const char *snapshot)
{
	_cleanup_(executables_freep) struct executables *executables = NULL;
	struct summary summary = { 0 };
	struct port_bitmap governed;
	bool same = false;
	int r;

	r = executables_new((const char *const *)image->compiled->exes, image->compiled->n_exes,
			    daemon->in_force.executables, &executables);
	if (r == 0)
		r = snapshot_write(daemon->state_dir, STATE_NEXT, image->policy);
	if (r == 0)
		r = summarize(image, &summary);
	/* The tables are all that is needed from here on: their copy in the kernel takes room. */
	if (r == 0) {
		image_thin(image);
		same = daemon->enforcer && decides_already(daemon);
	}
	governed_ports(image->compiled, &governed);
	if (r == 0 && daemon->enforcer)
		r = takeover_fill(daemon, image->compiled, executables, &governed);
	if (r < 0) {
		file_list_clear(&summary.files);
		return r;
	}
	if (renameat(daemon->state_dir, STATE_NEXT, daemon->state_dir, snapshot) < 0) {
		log_warn(errno, "%s/%s: the policy in force cannot be kept for the next start",
			 daemon->options.state_dir, snapshot);
		snapshot = NULL; /* what stands there is the policy before */
	}
	daemon->in_force.governed = governed;
	adopt(daemon, TAKE_PTR(image->compiled), snapshot, &summary, TAKE_PTR(executables));
	if (daemon->enforcer)
		takeover_settle(daemon, same);
	compiled_thin(daemon->in_force.compiled); /* the broker needs no more */
	r = follow_executables(daemon);
	if (r < 0)
		log_warn(r, "executables that are replaced will not be followed");
	r = follow_schedule(daemon);
	if (r < 0)
		log_warn(r, "the machine will not be looked at again");
	malloc_trim(0); /* a policy takes much more to make than to keep */
	return 0;
}

static void forget_trial(struct daemon *daemon)
{
	daemon->trial.timer = sd_event_source_disable_unref(daemon->trial.timer);
	daemon->trial.deadline = 0;
}

static void unlink_state(struct daemon *daemon, const char *name)
{
	if (unlinkat(daemon->state_dir, name, 0) < 0 && errno != ENOENT)
		log_warn(errno, "%s/%s", daemon->options.state_dir, name);
}

/* say_diagnostics() - to the log, and for `status` */
static void say_diagnostics(struct daemon *daemon, const struct image *image)
{
	char *text = NULL;

	if (image_text(image, &text) == 0 && text[0])
		log_warnx("%s", text);
	if (image->diagnostics.errors)
		set_error(daemon, text);
	else
		free(text);
}

/* was_on_trial() - whether the files are what was tried and not confirmed */
static bool was_on_trial(struct daemon *daemon, const struct sources *files)
{
	struct snapshot_names *names = NULL;
	struct sources *tried = NULL;
	bool same = false;
	int r;

	r = snapshot_read(daemon->state_dir, STATE_TRIAL, &tried, &names);
	if (r == 0)
		same = snapshot_same_sources(files, tried);
	else if (r != -ENOENT)
		/* It may be the same. Safer is what was confirmed, if that is known. */
		same = faccessat(daemon->state_dir, STATE_IN_FORCE, F_OK, 0) == 0;
	if (r < 0 && r != -ENOENT)
		log_warn(r, "%s/" STATE_TRIAL, daemon->options.state_dir);
	sources_free(tried);
	snapshot_names_free(names);
	return same;
}

/* start_before() - what was in force before, because the files will not do */
static int start_before(struct daemon *daemon, const struct policy_environment *environment)
{
	struct image image = { 0 };
	int r;

	r = image_from_snapshot(daemon->state_dir, STATE_IN_FORCE, environment, &image, NULL);
	if (r == 0)
		r = inforce_put(daemon, &image, STATE_IN_FORCE);
	image_clear(&image);
	if (r == 0)
		log_warnx("the policy that was in force before stays in force");
	return r;
}

/* start_pinned() - nothing to compile: what is pinned decides on */
static int start_pinned(struct daemon *daemon)
{
	_cleanup_free_ char *why = NULL;
	int r = hooks_attach(daemon->enforcer, HOOKS_ALL, &why);

	if (why)
		log_warnx("%s", why);
	return r;
}

int inforce_start(struct daemon *daemon)
{
	struct policy_environment environment;
	_cleanup_free_ char *culprit = NULL;
	struct image image = { 0 };
	bool tried = false;
	int r, before;

	inforce_environment(daemon, &environment);
	r = image_from_files(daemon->options.policy, &environment, true, &image, &culprit);
	if (culprit)
		log_warnx("%s: %s%s", culprit, source_error_text(r), image_advice(r));
	say_diagnostics(daemon, &image);
	if (r == 0)
		tried = was_on_trial(daemon, image.sources);
	if (r == 0 && !tried) {
		r = inforce_put(daemon, &image, STATE_IN_FORCE);
		if (r == 0)
			unlink_state(daemon, STATE_TRIAL);
		image_clear(&image);
		return r;
	}
	image_clear(&image);
	if (tried) {
		log_warnx("%s was on trial and nobody confirmed it", daemon->options.policy);
		set_error(daemon, strdup("the policy on disk was on trial and nobody confirmed it; "
					 "portcred reload loads it"));
	} else if (!daemon->error) {
		set_error(daemon, strdup(strerror(-r)));
	}
	before = start_before(daemon, &environment);
	if (before == 0)
		return 0;
	if (!tried && before == -ENOENT && daemon->enforcer && daemon->enforcer->adopted)
		return start_pinned(daemon);
	if (before != -ENOENT)
		log_warn(before, "%s/%s", daemon->options.state_dir, STATE_IN_FORCE);
	return r < 0 ? r : before;
}

/* check_login() - unless it is forced: the caller must be able to come back */
static int check_login(const struct daemon *daemon, struct reload *reload)
{
	if (!reload->caller || reload->force || !daemon->enforcer)
		return 0;
	return guard_login(reload->image.compiled, daemon->cgroup, reload->caller,
			   &reload->login_port, &reload->reason);
}

static int start_trial_clock(struct daemon *daemon, unsigned seconds, struct trial *ret_trial);

static int on_trial_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct policy_environment environment;
	struct daemon *daemon = data;
	struct image image = { 0 };
	int r;

	forget_trial(daemon);
	inforce_environment(daemon, &environment);
	r = image_from_snapshot(daemon->state_dir, STATE_IN_FORCE, &environment, &image, NULL);
	if (r == 0)
		r = inforce_put(daemon, &image, STATE_IN_FORCE);
	image_clear(&image);
	if (r < 0) {
		log_warn(r, "the trial is over, and the policy before cannot be put back");
		set_error(daemon, strdup("the trial is over, and the policy before cannot be put "
					 "back; it is tried again"));
		start_trial_clock(daemon, ROLLBACK_AGAIN, &daemon->trial);
		return 0;
	}
	log_warnx("the trial is over and nobody confirmed it: the policy before is in force again");
	set_error(daemon,
		  strdup("the policy on trial was not confirmed; the one before is in force"));
	return 0;
}

/* start_trial_clock() - not yet daemon->trial's: that may be running for another policy */
static int start_trial_clock(struct daemon *daemon, unsigned seconds, struct trial *ret_trial)
{
	uint64_t usec = (uint64_t)seconds * 1000000;
	int r;

	r = sd_event_add_time_relative(daemon->event, &ret_trial->timer, CLOCK_BOOTTIME, usec, 1,
				       on_trial_over, daemon);
	if (r < 0)
		return r;
	ret_trial->deadline = now_usec(CLOCK_BOOTTIME) + usec;
	return 0;
}

/* put_reload() - in force for good, or on trial with the clock running before it begins */
static int put_reload(struct daemon *daemon, struct reload *reload)
{
	struct trial trial = { 0 };
	int r;

	if (!reload->try_seconds) {
		r = inforce_put(daemon, &reload->image, STATE_IN_FORCE);
		if (r == 0) {
			forget_trial(daemon);
			unlink_state(daemon, STATE_TRIAL);
		}
		return r;
	}
	if (faccessat(daemon->state_dir, STATE_IN_FORCE, F_OK, 0) < 0)
		return -ENODATA;
	r = start_trial_clock(daemon, reload->try_seconds, &trial);
	if (r == 0)
		r = inforce_put(daemon, &reload->image, STATE_TRIAL);
	if (r < 0) {
		sd_event_source_disable_unref(trial.timer); /* a trial that was running goes on */
		return r;
	}
	forget_trial(daemon);
	daemon->trial = trial;
	return 0;
}

const char *reload_reason(const struct reload *reload, int error)
{
	if (reload->reason)
		return reload->reason;
	if (reload->culprit)
		return source_error_text(error);
	return error == -ENODATA ? "nothing is in force that a trial could go back to"
				 : strerror(-error);
}

/* say_failure() - to the log, and for `status` */
static void say_failure(struct daemon *daemon, const struct reload *reload, int error)
{
	char *text = NULL;

	say_diagnostics(daemon, &reload->image);
	if (!reload->image.diagnostics.errors) {
		if (asprintf(&text, "%s: %s",
			     reload->culprit ? reload->culprit : daemon->options.policy,
			     reload_reason(reload, error)) < 0)
			text = NULL;
		if (text)
			log_warnx("%s", text);
		set_error(daemon, text);
	}
	log_warnx("%s cannot be put in force; the policy before stays", daemon->options.policy);
}

int inforce_reload(struct daemon *daemon, struct reload *reload)
{
	struct policy_environment environment;
	int r;

	/* What happened under the policy before is told with its files' names. */
	audit_flush(daemon);
	inforce_environment(daemon, &environment);
	r = image_from_files(daemon->options.policy, &environment, false, &reload->image,
			     &reload->culprit);
	if (r == 0)
		r = check_login(daemon, reload);
	if (r == 0) {
		r = put_reload(daemon, reload);
		if (r < 0)
			reload->reason = TAKE_PTR(daemon->reason);
	}
	if (r == 0) {
		set_error(daemon, NULL);
		log_info("%s is in force%s: %zu statements", daemon->options.policy,
			 reload->try_seconds ? " on trial" : "", daemon->in_force.statements);
	} else if (r != -EBUSY) {
		say_failure(daemon, reload, r);
	}
	return r;
}

void reload_clear(struct reload *reload)
{
	image_clear(&reload->image);
	free(reload->culprit);
	free(reload->reason);
	*reload = (struct reload){ 0 };
}

int inforce_confirm(struct daemon *daemon)
{
	if (!daemon->trial.timer)
		return -ENOENT;
	if (renameat(daemon->state_dir, STATE_TRIAL, daemon->state_dir, STATE_IN_FORCE) < 0)
		return -errno;
	daemon->in_force.snapshot = STATE_IN_FORCE;
	forget_trial(daemon);
	log_info("the policy on trial is confirmed");
	return 0;
}

void inforce_end(struct daemon *daemon)
{
	struct in_force *in_force = &daemon->in_force;

	forget_trial(daemon);
	follow_end(daemon);
	file_list_clear(&in_force->files);
	file_list_clear(&in_force->files_before);
	executables_free(in_force->executables);
	compiled_free(in_force->compiled);
	approvals_clear(&in_force->approvals);
	socket_list_clear(&in_force->bypassed);
	free(in_force->redirects);
	free(in_force->name);
	*in_force = (struct in_force){ 0 };
	set_error(daemon, NULL);
}
