/* SPDX-License-Identifier: MIT */
/*
 * enforcer.h - the kernel half: loaded, pinned, adopted, released; hooks.h attaches it
 *
 * Everything is pinned below PIN-DIR/abi-N/: maps under their names, links under link-NAME. A
 * pinned link keeps its program attached when the daemon is gone. A daemon that finds pins of its
 * own number adopts the maps and puts its own programs into the links, each in one step; pins of
 * another number it leaves in force until its own policy stands, and then takes them out; what they
 * know of sockets it copies before (inherit.h).
 */
#ifndef PORTCRED_KERNEL_ENFORCER_H
#define PORTCRED_KERNEL_ENFORCER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct portcred_bpf;
struct watch;

/* The tables of a slot. */
enum table {
	TABLE_PORTS,
	TABLE_SETS,
	TABLE_CLAUSES,
	TABLE_PREFIXES,
	TABLE_UNITS,
	TABLE_USERS,
	TABLE_EXES,
	TABLE_TCP,
	TABLE_HOSTS,
	TABLE_ADDRESSES,
	TABLE_SHARED_IDS,
	TABLE_MEMBERS,
	TABLES,
};

/* How many programs the kernel half has. */
#define HOOKS 14

/* struct enforcer - made by enforcer_open(); members are for src/kernel alone */
struct enforcer {
	struct portcred_bpf *skeleton;
	struct control *control; /* mapped */
	int cgroup_fd;
	int namespace_fd;      /* our network namespace */
	int table_fds[TABLES]; /* of the slot in force, once slots_put() has filled one */
	uint64_t cgroup;       /* id */
	uint64_t namespace_cookie;
	char *pins; /* PIN-DIR/abi-N */
	char *pin_dir;
	int lock_fd;         /* PIN-DIR: of one enforcer at a time */
	bool adopted;        /* a policy was in force before */
	int programs[HOOKS]; /* descriptors; -EBADF: not loaded (yet); see hooks.h */
	unsigned attached;   /* bits by number of hook: by this process */
};

/*
 * enforcer_open() - make the maps, or adopt what is pinned, and load the programs that every policy
 * needs; attaches nothing yet
 * @ret_why: on failure a sentence for the administrator (caller frees), may be NULL
 *
 * Returns 0; -EBUSY where another process has opened the same @pin_dir; -errno.
 */
int enforcer_open(const char *cgroup, const char *pin_dir, struct enforcer **ret_enforcer,
		  char **ret_why);

/*
 * enforcer_each_other() - call @each, which may be NULL, for the pins of each other version (abi-M)
 * Returns how many there are, -errno, or what @each failed with.
 */
int enforcer_each_other(const struct enforcer *enforcer, int (*each)(void *data, const char *pins),
			void *data);

/* enforcer_remove_others() - take out what other versions have pinned; returns the number of hooks detached */
int enforcer_remove_others(struct enforcer *enforcer);

/*
 * enforcer_watch_pins() - learn that the pins were taken out (--release) while they are in use here
 * enforcer_is_pinned() - whether they are still there, when the watch said something
 */
int enforcer_watch_pins(const struct enforcer *enforcer, struct watch **ret_watch);
bool enforcer_is_pinned(const struct enforcer *enforcer);

/* enforcer_close() - let go; pins and enforcement stay */
void enforcer_close(struct enforcer *enforcer);

/*
 * enforcer_release() - take out everything that any version pinned below @pin_dir
 * Returns the number of hooks detached, -ENOENT if nothing is pinned, -errno.
 */
int enforcer_release(const char *pin_dir);

/*
 * enforcer_adopt_listener() - answer for a listener that was there before its vouch was wanted
 * @fd: of the listener, a duplicate will do; @owner: recorded if nobody is yet
 *
 * Returns 0; -EOPNOTSUPP where the kernel cannot ask its SYN-ACKs of us any more (before Linux 6.12):
 * its callers are known once it has been restarted; -errno. Needs HOOKS_ADOPT attached.
 */
int enforcer_adopt_listener(const struct enforcer *enforcer, int fd, const struct owner *owner);

/*
 * enforcer_peer() - who is at the other end of a connected socket
 * Returns 0; -ENOPROTOOPT or -EOPNOTSUPP where the programs that would know are not attached; -errno.
 */
int enforcer_peer(int fd, struct peer *ret_peer);

/*
 * enforcer_broker_begin() - the next bind(2) of @fd is @owner's, who may do it: it is not judged, takes no
 * capability, and what listens there will be @owner's
 * enforcer_broker_end() - no bind(2) of @fd is, from here on: before anyone else gets the socket
 *
 * Holds where HOOKS_BIND is attached to a cgroup that the caller was in when it made the socket.
 * Returns 0, -errno.
 */
int enforcer_broker_begin(const struct enforcer *enforcer, int fd, const struct owner *owner);
int enforcer_broker_end(const struct enforcer *enforcer, int fd);

/* enforcer_counters() - sums over all CPUs */
int enforcer_counters(const struct enforcer *enforcer, uint64_t ret_counters[static COUNTERS]);

/*
 * enforcer_refuse_sockets() - nothing may arrive for these sockets, and for no others because of us
 * @cookies: SO_COOKIE of each, sorted ascending
 *
 * @marked: COUNTER_MARKED of before they were looked for
 *
 * That goes for listeners that the kernel half could not mark, too (REFUSED_UNASKED): whoever calls
 * has looked at them, or at those that were there by then; -EAGAIN where others have come since, which stay
 * refused. Connections that are established go on. Returns 0; -E2BIG beyond MAX_REFUSED_SOCKETS, -errno:
 * then some of them may not be refused yet.
 */
int enforcer_refuse_sockets(const struct enforcer *enforcer, const uint64_t *cookies, size_t n,
			    uint64_t marked);

/* enforcer_has_unmarked() - whether some listener could not be marked since (REFUSED_UNASKED) */
bool enforcer_has_unmarked(const struct enforcer *enforcer);

/* enforcer_refuses_socket() - whether it is one of them */
bool enforcer_refuses_socket(const struct enforcer *enforcer, uint64_t cookie);

#endif
