/* SPDX-License-Identifier: MIT */
/*
 * gate.h - the process: its listeners, its sessions, and what they share
 */
#ifndef PORTCRED_NFSGATE_GATE_H
#define PORTCRED_NFSGATE_GATE_H

#include "nfsgate/busy_poll.h"
#include "nfsgate/groups.h"
#include "nfsgate/options.h"
#include "nfsgate/pipes.h"

struct session;

/* enum source_kind - what epoll tells of */
enum source_kind { SOURCE_LISTENER, SOURCE_CLIENT, SOURCE_SERVER, SOURCE_GROUPS, SOURCE_SIGNALS };

_Static_assert(SOURCE_SIGNALS < BUSY_POLL_KINDS, "each has a window of its own");

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

/* struct counts - since the start, for the log */
struct counts {
	uint64_t connections, refused, denied, calls;
};

/* struct limiter - of lines in the log: so many a second, the rest is counted */
struct limiter {
	int64_t second;
	unsigned told, untold;
};

struct gate {
	const struct options *options;
	struct rule rule; /* with the table of ids, which is reloaded */
	int event;        /* epoll */
	int64_t now;      /* milliseconds of the monotonic clock, when the last events came */
	struct busy_poll poll;
	enum source_kind last; /* of the last event: it says what comes next, and how soon */
	struct listener listeners[MAX_LISTENERS];
	size_t n_listeners;
	struct source signals, groups_source;
	struct groups *groups;
	struct pipes pipes;
	struct session *sessions; /* all of them */
	struct session *turns;    /* those that could go on at once */
	struct session *ended;    /* closed, until nothing points to them any more */
	size_t n_sessions;
	int64_t first_alarm; /* no session has an earlier one; INT64_MAX: none has any */
	int64_t resting;     /* until then nothing is accepted; 0: it is */
	struct counts counts;
	struct limiter limiter;
	bool ending;
};

/*
 * gate_run() - until SIGTERM or SIGINT
 * @listeners: taken over. Returns 0, -errno.
 */
int gate_run(const struct options *options, const struct listener *listeners, size_t n);

/* gate_tells() - whether there may be a line in the log now; it says itself when lines were left out */
bool gate_tells(struct gate *gate);

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
