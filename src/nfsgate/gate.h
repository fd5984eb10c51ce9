/* SPDX-License-Identifier: MIT */
/*
 * gate.h - the process: its listeners, its sessions, and what they share
 */
#ifndef PORTCRED_NFSGATE_GATE_H
#define PORTCRED_NFSGATE_GATE_H

#include "nfsgate/busy_poll.h"
#include "nfsgate/control.h"
#include "nfsgate/event.h"
#include "nfsgate/groups.h"
#include "nfsgate/load.h"
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
	SOURCE_LOAD,
	SOURCE_HOSTS,
};

_Static_assert(SOURCE_HOSTS < BUSY_POLL_KINDS, "each has a window of its own");

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
	const struct options *options; /* in force: `first`, then `loaded` */
	struct options first;          /* of the start: some count until the end, options_kept() */
	struct options loaded;
	struct rule rule; /* with the table of ids */
	int argc;         /* to read all of it anew */
	char **argv;
	struct load *load;     /* what is to be in force next; NULL: nothing */
	int64_t load_deadline; /* of it; INT64_MAX: none */
	struct hosts *hosts;   /* that are asked about; NULL: none are */
	int event;             /* epoll */
	int64_t now;           /* milliseconds of the monotonic clock, when the last events came */
	struct busy_poll poll;
	enum source_kind last; /* of the last event: it says what comes next, and how soon */
	bool gathers;          /* and whether it is left to gather: GATHER_FROM */
	struct listener listeners[MAX_LISTENERS];
	size_t n_listeners;
	struct source signals, groups_source, control_source, load_source, hosts_source;
	struct groups *groups;
	struct pipes pipes;
	struct session *sessions; /* all of them */
	struct session *turns;    /* those that could go on at once */
	struct session *ended;    /* closed, until nothing points to them any more */
	size_t n_sessions;
	int64_t first_alarm; /* no session has an earlier one; INT64_MAX: none has any */
	int64_t resting;     /* until then nothing is accepted; 0: it is */
	struct counts counts;
	bool unreached[PORTS]; /* the server, when it was called last */
	struct event_floods floods;
	struct mounts mounts;
	struct control *control; /* NULL: nobody can ask */
	bool control_again;      /* it could go on at once */
	int64_t since;           /* real time, milliseconds */
	bool ending;
};

/* struct gate_start - what it begins with; all of it is taken over, but the command line */
struct gate_start {
	struct options options;
	int argc;
	char **argv;
	struct listener listeners[MAX_LISTENERS];
	size_t n_listeners;
	struct control_socket control;
};

/*
 * gate_hold_signals() - SIGHUP and SIGUSR1 wait until gate_run() takes them: they would end a process that
 * is only starting, while SIGTERM is to do just that. Returns 0, -errno
 */
int gate_hold_signals(void);

/* gate_run() - until SIGTERM or SIGINT. Returns 0, -errno */
int gate_run(struct gate_start *start);

/* gate_watch_level() - for what is read whole each time, or not at all: @on; @operation: EPOLL_CTL_* */
int gate_watch_level(struct gate *gate, struct source *source, int operation, bool on);

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
int privilege_drop(const char *user);

/* descriptors_want() - as many as so many connections take, as far as the limit goes; complains. 0, -errno */
int descriptors_want(uint32_t connections);

#endif
