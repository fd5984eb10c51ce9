/* SPDX-License-Identifier: MIT */
/*
 * requester.h - who asks the broker, as the policy's decision sees him
 *
 * User and groups are those of the connect(2) (SO_PEERCRED, SO_PEERGROUPS): whoever holds the connection
 * by now, it was opened by them. What the kernel does not keep of that moment, executable, unit and
 * capability, is read from /proc, of the process that connected and of no other that has its number by
 * now. A process can execute something else between connecting and being looked at, so
 *
 *	- its user must still be the one who connected: nobody lends himself a setuid program's rights;
 *	- a capability counts for root alone: who has it otherwise may have it from the program's file,
 *	  and needs no broker;
 *	- its executable is who may run it can steer it, as everywhere (portcred.conf(5)).
 */
#ifndef PORTCRED_PORTCREDD_REQUESTER_H
#define PORTCRED_PORTCREDD_REQUESTER_H

#include <sys/stat.h>

#include "kernel/process.h"
#include "policy/verdict.h"
#include "portcredd/daemon.h"

struct varlink_call;

/* struct requester - all owned: requester_clear() */
struct requester {
	struct process process; /* its gid, groups and `capable` are those that count here */
	struct stat executable; /* st_ino 0: none */
	bool is_portcred; /* `portcred run` asks for what it will start, and is nobody's `exe` */
};

/*
 * requester_read() - the peer of a call
 * Returns 0; -EXDEV where it is in another network namespace than portcredd; -ESRCH where it is not
 * there any more, or in a pid namespace where it cannot be seen; -EKEYREJECTED where it is another user by now;
 * -ENOMEM, -errno.
 */
int requester_read(const struct daemon *daemon, const struct varlink_call *call,
		   struct requester *ret_requester);
void requester_clear(struct requester *requester);

/*
 * requester_verdict() - what the policy in force answers him
 * @observed: the observing policy instead
 */
struct answer requester_verdict(const struct daemon *daemon, const struct requester *requester,
				const struct target *target, bool observed);

/* requester_describe() - fill in who asked for what, as the kernel half would tell it; no verdict yet */
void requester_describe(const struct daemon *daemon, const struct requester *requester,
			const struct target *target, struct event *ret_event);

/* requester_own_cgroup() - whether portcredd itself, and so what it binds, is below the governed cgroup */
bool requester_own_cgroup(const struct daemon *daemon);

#endif
