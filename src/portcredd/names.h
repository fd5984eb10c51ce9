/* SPDX-License-Identifier: MIT */
/*
 * names.h - users, groups and services by name, without a line of name service code in the daemon
 *
 * getpwnam() and its like load whatever modules nsswitch.conf(5) names, some of which talk to the
 * network. So they run elsewhere:
 *
 *	portcredd ---- names.c: sends a request, waits no longer than it was told to
 *	    |  SOCK_SEQPACKET pair, names_wire.h
 *	portcredd-names ---- names_child.c: a user of its own, no capability; reads nothing, calls no module;
 *	    |                starts a worker when there is a request, kills it when its time is up
 *	worker ---- one or more lookups, then it ends
 *
 * A worker may hang, crash or be taken over by what it reads: what it can do is give wrong answers.
 * The daemon cannot start the name service a second time: it has given up what that would take. Where
 * the service ends, killed from outside, the daemon ends too, to be started anew (main.c).
 */
#ifndef PORTCRED_PORTCREDD_NAMES_H
#define PORTCRED_PORTCREDD_NAMES_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "kernel/watch.h"
#include "policy/policy.h"
#include "portcredd/names_wire.h"

/* How long a worker may live before it is killed, in milliseconds. */
#define NAMES_WORKER_LIMIT_MS 5000U

/* What names_lookup() waits beyond that for its answer. */
#define NAMES_GRACE_MS 1000U

struct names;

/*
 * names_start() - make the name service; to be called by a single-threaded process that is still
 * root (one that is not keeps its user id, and has no more to give away)
 * @worker_limit_ms: NAMES_WORKER_LIMIT_MS outside of tests
 *
 * The service ends with its parent, whatever way that ends. Returns 0 when it has given up every
 * privilege, read that back and said so; -EPERM where something could not be given up; -errno.
 */
int names_start(unsigned worker_limit_ms, struct names **ret_names);

/* names_stop() - ends the service and waits for it */
void names_stop(struct names *names);
DEFINE_CLEANUP(struct names *, names_stop)

/*
 * names_allow() - how long all lookups from now on may take together
 * When that is over each fails with -ETIMEDOUT at once: one policy with many names of a directory
 * that does not answer cannot stop the daemon for longer. At first nothing is allowed.
 */
void names_allow(struct names *names, unsigned milliseconds);

/*
 * names_lookup() - ask for one name
 *
 * Returns 0; -ENOENT if no database has it, or no database could; -ETIMEDOUT; -EIO where the worker
 * died of it; -EPIPE where the service has gone; -EBADMSG where it answered nonsense; or the error
 * that the database failed with.
 */
int names_lookup(struct names *names, enum names_kind kind, const char *name,
		 struct names_answer *ret_answer);

/*
 * names_list() - the members of one group, or of all: @each is called with every pair
 * @kind: NAMES_MEMBERS, or NAMES_MEMBERSHIPS, for which @gid is 0
 *
 * Where it fails some pairs may have been told. Returns as names_lookup(); -E2BIG beyond
 * MAX_NAMES_LISTED; what @each ended it with.
 */
int names_list(struct names *names, enum names_kind kind, uint32_t gid, member_function *each,
	       void *closure);

/*
 * names_environment() - sets all that asks for names, and data (= @names)
 * check_executable stays as it is: it must not need `data`.
 */
void names_environment(struct names *names, struct policy_environment *environment);

/* names_pid() - process id of the service, for `status` and tests */
pid_t names_pid(const struct names *names);

/* names_process() - a pidfd, which becomes readable when the service has ended; not the caller's */
int names_process(const struct names *names);

/*
 * names_watch() - passwd, group, services and nsswitch.conf of /etc
 * NAMES_WATCHED elements for watch_read(). Directories that are not files (LDAP) need a timer too.
 */
#define NAMES_WATCHED 4U
int names_watch(struct watch **ret_watch);

/*
 * names_serve() - the service itself; for names_start()
 * @fd: its end of the socket pair; @parent: process id that must still be the parent
 */
void names_serve(int fd, pid_t parent, unsigned worker_limit_ms) __attribute__((noreturn));

#endif
