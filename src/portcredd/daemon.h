/* SPDX-License-Identifier: MIT */
/*
 * daemon.h - everything that one portcredd has
 *
 * Order of construction, which is also the order in which things depend on each other: options,
 * directories, names, enforcer, events, policy in force, control socket.
 */
#ifndef PORTCRED_PORTCREDD_DAEMON_H
#define PORTCRED_PORTCREDD_DAEMON_H

#include <systemd/sd-event.h>

#include "kernel/enforcer.h"
#include "kernel/events.h"
#include "kernel/executable.h"
#include "kernel/reserved.h"
#include "kernel/watch.h"
#include "portcredd/approve.h"
#include "portcredd/file_list.h"
#include "portcredd/names.h"
#include "portcredd/options.h"
#include "vouch/own_keys.h"

struct broker;
struct varlink_server;
struct watchers;

/* Names of files in the state directory. */
#define STATE_IN_FORCE "in-force" /* snapshot of the policy to come back to */
#define STATE_TRIAL    "trial"    /* snapshot of a policy that was not confirmed (yet) */
#define STATE_NEXT     "next"     /* on its way to one of these */

/* struct in_force - what is to be known about the policy that decides; see inforce.h */
struct in_force {
	struct file_list files;
	struct file_list files_before; /* an event may be of the policy before */
	size_t statements;
	size_t users;
	bool all_namespaces;
	unsigned hooks;       /* HOOKS_* that its statements need (kernel/hooks.h) */
	uint64_t since;       /* CLOCK_REALTIME, microseconds; 0: nothing was put in force by us */
	const char *snapshot; /* STATE_IN_FORCE or STATE_TRIAL; NULL: none */
	struct compiled *compiled; /* thinned; NULL: what decides was pinned by another daemon */
	struct executables *executables;
	struct watch *executable_watch;
	sd_event_source *executable_source;
	bool has_names;
	bool has_unresolved; /* a name that nobody has so far */
	struct port_bitmap governed;
	char *name;        /* `set name`; NULL: the host name */
	bool vouches;      /* the kernel half has connections to look after */
	size_t n_hosts;    /* that a statement names */
	bool keyless;      /* no host can vouch: this host's key cannot be used */
	size_t unanswered; /* older listeners whose callers cannot be known yet */
	struct redirect *redirects;
	size_t n_redirects;
	struct socket_list
		bypassed; /* listeners whose port is redirected: they hear nothing more */
	size_t unled;     /* older listeners to which no call can be led */
	bool unjudged; /* sockets that were bound before could not be judged: to be tried again */
	struct approvals approvals; /* of sockets that are bound to governed ports */
};

/* struct trial - a policy that goes unless it is confirmed */
struct trial {
	sd_event_source *timer; /* NULL: none */
	uint64_t deadline;      /* CLOCK_BOOTTIME, microseconds */
};

/* struct turns - of users who ask what is bound, which takes a while: see listing.c */
struct turns {
	uint64_t next;  /* CLOCK_MONOTONIC, microseconds */
	size_t waiting; /* for theirs */
};

struct daemon {
	struct options options;
	int runtime_dir; /* descriptor */
	int state_dir;
	sd_event *event;
	struct names *names;
	struct watch *names_watch;
	sd_event_source *names_source;
	struct watch *pins_watch;
	sd_event_source *pins_source;
	sd_event_source *addresses_source;
	bool addresses_truncated;  /* there are more than the kernel half can know */
	sd_event_source *recheck;  /* timer: see follow.h */
	struct enforcer *enforcer; /* this and the next two: NULL with --broker-only */
	struct events *events;
	struct reserved *reserved;
	struct in_force in_force;
	struct trial trial;
	struct varlink_server *server;
	struct watchers *watchers;
	struct turns turns;
	struct broker *broker;
	sd_event_source *sweep;      /* timer: look for what a flood kept back */
	struct public_keys own_keys; /* of this host, when a policy was last read */
	char *cgroup;                /* path of the attached cgroup in its hierarchy */
	char *disabled;              /* why nothing is enforced; NULL: enforcing */
	char *reason; /* why the host key cannot be used; NULL: it can, or is not needed */
	char *error;  /* what the last failed load said; NULL: it did not fail */
};

#endif
