/* SPDX-License-Identifier: MIT */
/*
 * main.c - portcredd, from start to stop
 *
 * Theory of operation
 *
 * As root: check what the machine lacks, make the directories, fork the name service (which becomes
 * a user of its own). Then all capabilities but a few go (privilege.h), and only then is anything read that
 * others wrote: the policy, the pins. Last, with everything open that will be needed, seccomp.
 *
 * What is put in force lives in the kernel: it is there before the first request and after the last,
 * and neither the daemon's death nor its stop changes a verdict.
 */
#include "base/cleanup.h"
#include "base/directory.h"
#include "base/log.h"
#include "kernel/cgroup.h"
#include "kernel/requirements.h"
#include "policy/machine.h"
#include "portcredd/audit.h"
#include "portcredd/daemon.h"
#include "portcredd/follow.h"
#include "portcredd/image.h"
#include "portcredd/inforce.h"
#include "portcredd/options.h"
#include "portcredd/privilege.h"
#include "portcredd/serve.h"
#include "portcredd/vouching.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#define KERNEL_COMMAND_LINE "/proc/cmdline"
#define OFF_SWITCH          "portcred.off"

#define EXIT_USAGE 2

/* check() - --check: like `portcred check`, with what the daemon itself would read */
static int check(const struct options *options)
{
	struct policy_environment environment = machine_environment();
	_cleanup_free_ char *culprit = NULL;
	struct public_keys keys = { 0 };
	struct image image = { 0 };
	int r;

	vouching_public(options->host_key, &keys, NULL); /* who may not read them goes without */
	environment.own_keys = keys.items;
	environment.n_own_keys = keys.n;
	r = image_from_files(options->policy, &environment, false, &image, &culprit);
	if (image.sources)
		diagnostics_print(&image.diagnostics, image.sources, isatty(STDERR_FILENO), stderr);
	if (culprit)
		fprintf(stderr, "portcredd: %s: %s%s\n", culprit, source_error_text(r),
			image_advice(r));
	else if (r < 0 && !image.diagnostics.errors)
		fprintf(stderr, "portcredd: %s: %s\n", options->policy, strerror(-r));
	image_clear(&image);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* lock_directory() - for as long as the process lives; its child closes all that it inherits */
static void lock_directory(int fd, const char *path)
{
	int r = directory_lock(fd);

	if (r == -EWOULDBLOCK)
		fatalx("%s: another portcredd is at work there", path);
	if (r < 0)
		fatal(r, "%s", path);
}

static bool same_directory(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

static void open_directories(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	int r;

	umask(022);
	r = directory_open(options->runtime_dir, &daemon->runtime_dir);
	if (r < 0)
		fatal(r, "%s: a directory that only root can write to is needed",
		      options->runtime_dir);
	lock_directory(daemon->runtime_dir, options->runtime_dir);
	r = directory_open(options->state_dir, &daemon->state_dir);
	if (r < 0)
		fatal(r, "%s: a directory that only root can write to is needed",
		      options->state_dir);
	if (!same_directory(daemon->runtime_dir, daemon->state_dir))
		lock_directory(daemon->state_dir, options->state_dir);
}

/* detach_all() - returns the number of hooks detached, -ENOENT if nothing was pinned */
static int detach_all(const struct daemon *daemon)
{
	int detached = enforcer_release(daemon->options.pin_dir);

	if (detached < 0 && detached != -ENOENT)
		fatal(detached, "%s cannot be emptied", daemon->options.pin_dir);
	return detached;
}

/* give_back_ports() - those that were reserved for the hooks: call it when these are gone */
static void give_back_ports(const struct daemon *daemon)
{
	_cleanup_(reserved_closep) struct reserved *reserved = NULL;
	int r;

	r = reserved_open(daemon->state_dir, &reserved, NULL);
	if (r == 0)
		r = reserved_release(reserved);
	if (r < 0)
		fatal(r, "the reserved ports cannot be given back");
}

/* release() - --release; a state directory that is not in order keeps no hook attached */
static int release(struct daemon *daemon)
{
	int detached, r;

	if (geteuid() != 0)
		fatalx("--release must run as root");
	detached = detach_all(daemon);
	/* Where there is no state, nothing was reserved: do not make the directory. */
	if (access(daemon->options.state_dir, F_OK) == 0 || errno != ENOENT) {
		r = directory_open(daemon->options.state_dir, &daemon->state_dir);
		if (r < 0)
			fatal(r, "%s: the reserved ports cannot be given back",
			      daemon->options.state_dir);
		give_back_ports(daemon);
	}
	if (detached == -ENOENT)
		log_info("nothing was in force");
	else
		log_info("nothing is in force any more: %d hooks detached", detached);
	return EXIT_SUCCESS;
}

/* switched_off() - whether portcred.off stands on the kernel's command line, as a word */
static bool switched_off(void)
{
	_cleanup_fclose_ FILE *file = fopen(KERNEL_COMMAND_LINE, "re");
	_cleanup_free_ char *line = NULL;
	char *word, *rest;
	size_t size = 0;

	if (!file || getline(&line, &size, file) < 0)
		return false;
	rest = line;
	while ((word = strsep(&rest, " \t\n"))) {
		if (strcmp(word, OFF_SWITCH) == 0)
			return true;
	}
	return false;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct daemon *daemon = data;

	sd_notify(false, "STOPPING=1");
	if (!daemon->disabled && !daemon->options.broker_only)
		log_info("stopping; the policy stays in force (portcredd --release takes it out)");
	return sd_event_exit(daemon->event, EXIT_SUCCESS);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct reload reload = { 0 };
	struct daemon *daemon = data;

	if (daemon->disabled)
		return 0;
	sd_notify(false, "RELOADING=1");
	inforce_reload(daemon, &reload); /* says itself what goes wrong */
	reload_clear(&reload);
	sd_notify(false, "READY=1");
	return 0;
}

/*
 * on_names_ended() - without the name service no policy can be read again
 *
 * Root has ended it, or the kernel for want of memory: no process but its workers is of its user.
 *
 * A service manager that stops us may kill the service as well, and signals the main process first
 * (systemd.kill(5)): on_stop() comes before this one.
 */
static int on_names_ended(sd_event_source *source, int fd, uint32_t ready, void *data)
{
	struct daemon *daemon = data;

	sd_notify(false, "STOPPING=1");
	log_warnx("the name service was killed: stopping, to be started anew%s",
		  daemon->disabled || daemon->options.broker_only ? ""
								  : "; the policy stays in force");
	return sd_event_exit(daemon->event, EXIT_FAILURE);
}

static int follow_names_service(struct daemon *daemon)
{
	sd_event_source *source = NULL;
	int r;

	r = sd_event_add_io(daemon->event, &source, names_process(daemon->names), EPOLLIN,
			    on_names_ended, daemon);
	if (r >= 0)
		r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0)
		r = sd_event_source_set_floating(source, true); /* the loop's reference */
	sd_event_source_unref(source);
	return r < 0 ? r : 0;
}

static int make_loop(struct daemon *daemon)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);

	r = sd_event_default(&daemon->event);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_stop, daemon);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGINT, on_stop, daemon);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_reload, daemon);
	if (r >= 0)
		r = sd_event_set_watchdog(daemon->event, true);
	return r < 0 ? r : 0;
}

/* begin_enforcing() - the kernel half, then the policy */
static void begin_enforcing(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	_cleanup_free_ char *why = NULL;
	bool damaged = false;
	int r;

	r = enforcer_open(options->cgroup, options->pin_dir, &daemon->enforcer, &why);
	if (r < 0)
		fatalx("%s", why ? why : strerror(-r));
	r = reserved_open(daemon->state_dir, &daemon->reserved, &damaged);
	if (r < 0)
		fatal(r, "%s/" RESERVED_STATE_FILE, options->state_dir);
	if (damaged)
		log_warnx("%s/" RESERVED_STATE_FILE
			  " is damaged: ports that it named stay reserved",
			  options->state_dir);
	r = audit_begin(daemon);
	if (r < 0)
		fatal(r, "events of the kernel half cannot be read");
	r = inforce_start(daemon);
	if (r < 0)
		fatalx("there is no policy to put in force%s",
		       daemon->enforcer->adopted ? "; what is pinned stays" : "");
	r = enforcer_remove_others(daemon->enforcer);
	if (r > 0)
		log_info("%d hooks of another version were taken out", r);
	r = follow_begin(daemon);
	if (r < 0)
		fatal(r, "timers cannot be set");
}

/* begin_broker_only() - no kernel half: what decides is the policy that the broker reads */
static void begin_broker_only(struct daemon *daemon)
{
	int r;

	if (access(daemon->options.pin_dir, F_OK) == 0)
		log_warnx("%s: hooks are pinned there, and go on deciding too; portcredd --release "
			  "takes "
			  "them out",
			  daemon->options.pin_dir);
	r = audit_begin(daemon);
	if (r < 0)
		fatal(r, "timers cannot be set");
	r = inforce_start(daemon);
	if (r < 0)
		fatalx("there is no policy to go by");
	r = follow_begin(daemon);
	if (r < 0)
		fatal(r, "timers cannot be set");
	log_info("nothing is enforced (--broker-only): sockets are bound for those who ask");
}

/* begin_disabled() - out of the kernel's way, but still there to say so */
static void begin_disabled(struct daemon *daemon)
{
	detach_all(daemon);
	give_back_ports(daemon);
	daemon->disabled = strdup(OFF_SWITCH " is on the kernel command line");
	log_warnx("%s: nothing is enforced", OFF_SWITCH);
}

/* check_machine() - that it has what will be needed */
static void check_machine(const struct options *options)
{
	_cleanup_free_ char *why = NULL;
	int r;

	if (options->broker_only && geteuid() != 0)
		fatalx("portcredd must run as root: it binds for every user");
	r = geteuid() == 0 ? privilege_check(options->broker_only, &why) : 0;
	if (r == 0 && !options->broker_only)
		r = requirements_check(options->cgroup, options->pin_dir, &why);
	if (r < 0)
		fatalx("%s", why ? why : strerror(-r));
}

/* status_text() - for the service manager */
static const char *status_text(const struct daemon *daemon)
{
	if (daemon->disabled)
		return daemon->disabled;
	return daemon->options.broker_only ? "broker only: nothing is enforced"
					   : "the policy is in force";
}

static int serve(struct daemon *daemon)
{
	int r;

	check_machine(&daemon->options);
	open_directories(daemon);
	r = make_loop(daemon);
	if (r < 0)
		fatal(r, "the event loop cannot be made");
	r = names_start(NAMES_WORKER_LIMIT_MS, &daemon->names);
	if (r < 0)
		fatal(r, "the name service cannot be started");
	r = follow_names_service(daemon);
	if (r < 0)
		fatal(r, "the name service cannot be watched");
	r = daemon->options.cgroup ? cgroup_path(daemon->options.cgroup, &daemon->cgroup) : 0;
	if (r < 0)
		fatal(r, "%s", daemon->options.cgroup);
	r = privilege_drop(daemon->options.broker_only);
	if (r < 0)
		fatal(r, "capabilities cannot be dropped");

	if (switched_off())
		begin_disabled(daemon);
	else if (daemon->options.broker_only)
		begin_broker_only(daemon);
	else
		begin_enforcing(daemon);
	r = serve_begin(daemon);
	if (r < 0)
		fatal(r, "%s/control", daemon->options.runtime_dir);
	r = privilege_confine();
	if (r < 0)
		fatal(r, "system calls cannot be confined");

	sd_notifyf(false, "READY=1\nSTATUS=%s", status_text(daemon));
	return sd_event_loop(daemon->event);
}

static void daemon_clear(struct daemon *daemon)
{
	serve_end(daemon);
	inforce_end(daemon);
	audit_end(daemon);
	reserved_close(daemon->reserved);
	enforcer_close(daemon->enforcer);
	names_stop(daemon->names);
	sd_event_unref(daemon->event);
	if (daemon->runtime_dir >= 0)
		close(daemon->runtime_dir);
	if (daemon->state_dir >= 0)
		close(daemon->state_dir);
	free(daemon->cgroup);
	free(daemon->disabled);
	free(daemon->reason);
	options_clear(&daemon->options);
}

int main(int argc, char *argv[])
{
	struct daemon daemon = { .runtime_dir = -EBADF, .state_dir = -EBADF };
	int r;

	r = options_parse(argc, argv, &daemon.options);
	if (r != 0)
		return r > 0 ? EXIT_SUCCESS : r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	switch (daemon.options.mode) {
	case MODE_CHECK:
		r = check(&daemon.options);
		break;
	case MODE_RELEASE:
		r = release(&daemon);
		break;
	default:
		r = serve(&daemon);
		break;
	}
	daemon_clear(&daemon);
	return r < 0 ? EXIT_FAILURE : r;
}
