/* SPDX-License-Identifier: MIT */
/*
 * gate.h - the process: its listeners, its sessions, and what they share
 */
#ifndef PORTCRED_NFSGATE_GATE_H
#define PORTCRED_NFSGATE_GATE_H

#include "nfsgate/control.h"
#include "nfsgate/event.h"
#include "nfsgate/groups.h"
#include "nfsgate/mounts.h"
#include "nfsgate/options.h"
#include "nfsgate/pipes.h"

struct session;

/* enum source_kind - what epoll tells of */
enum source_kind {
	SOURCE_LISTENER,
	SOURCE_CLIENT,
	SOURCE_SERVER,
	SOURCE_GROUPS,
	SOURCE_SIGNALS,
	SOURCE_CONTROL,
};

/* struct source - what stands behind an event; lies in what it is the source of */
struct source {
	enum source_kind kind;
	int fd;
	void *owner; /* of clients and servers the session */
};

struct listener {
	struct source source;
	enum port port;
};

/* struct counts - since the start, for the log and who asks */
struct counts {
	uint64_t connections, calls;
	uint64_t refused[REASONS]; /* connections and calls */
};

struct gate {
	const struct options *options;
	struct rule rule; /* with the table of ids, which is reloaded */
	int event;        /* epoll */
	int64_t now;      /* milliseconds of the monotonic clock, when the last events came */
	struct listener listeners[MAX_LISTENERS];
	size_t n_listeners;
	struct source signals, groups_source, control_source;
	struct groups *groups;
	struct pipes pipes;
	struct session *sessions; /* all of them */
	struct session *turns;    /* those that could go on at once */
	struct session *ended;    /* closed, until nothing points to them any more */
	size_t n_sessions;
	int64_t first_alarm; /* no session has an earlier one; INT64_MAX: none has any */
	int64_t resting;     /* until then nothing is accepted; 0: it is */
	struct counts counts;
	struct event_floods floods;
	struct mounts mounts;
	struct control *control; /* NULL: nobody can ask */
	bool control_again;      /* it could go on at once */
	int64_t since;           /* real time, milliseconds */
	bool ending;
};

/*
 * gate_run() - until SIGTERM or SIGINT
 * @listeners, @control: taken over. Returns 0, -errno.
 */
int gate_run(const struct options *options, const struct listener *listeners, size_t n,
	     const struct control_socket *control);

/* gate_watch() - tells @source of both directions, once whenever there is something new */
int gate_watch(struct gate *gate, struct source *source);

/* listeners_open() - those of the options, and those inherited; complains. Returns how many, -errno */
int listeners_open(const struct options *options,
		   struct listener ret_listeners[static MAX_LISTENERS]);

/*
 * privilege_drop() - for good: another user, no capability, nothing new by execve(2); all read back
 * @user: whom to become if this is root; of others nothing but their capabilities goes
 * Complains; returns 0, -errno.
 */
int privilege_drop(const char *user, uint32_t descriptors);

/*
 * users_load() - the table of ids; complains
 * @file: NULL: an empty one. Returns 0 with the one before cleared, -errno with it left alone.
 */
int users_load(const char *file, struct id_table *table);

#endif
