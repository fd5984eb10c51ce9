/* SPDX-License-Identifier: MIT */
/*
 * follow.h - what changes under a policy while it is in force
 *
 * Executables are replaced by upgrades (inotify), names get other ids (inotify, and a timer for
 * directories that are not files), addresses of this machine come and go (netlink, and the timer),
 * someone writes to the sysctls (the timer), or everything is taken out (inotify): then the daemon ends,
 * for what it would say of the policy in force is not true.
 */
#ifndef PORTCRED_PORTCREDD_FOLLOW_H
#define PORTCRED_PORTCREDD_FOLLOW_H

#include "portcredd/daemon.h"

/* How often names and sysctls are looked at again, in seconds. */
#define FOLLOW_EVERY            300U
#define FOLLOW_EVERY_UNRESOLVED 15U /* while a name is unknown: a directory service may come up */

/* follow_begin() - from now on */
int follow_begin(struct daemon *daemon);
void follow_end(struct daemon *daemon);

/* follow_schedule() - when to look at everything again, by the policy in force; before the start nothing */
int follow_schedule(struct daemon *daemon);

/* follow_executables() - watch those of the policy in force, and no others any more */
int follow_executables(struct daemon *daemon);

/* follow_addresses() - tell the kernel half which ones this machine has now; a failure is logged */
void follow_addresses(struct daemon *daemon);

/* follow_port_start() - net.ipv4.ip_unprivileged_port_start of this network namespace, as it is now */
unsigned follow_port_start(void);

/* follow_sysctls() - tell the kernel half what stands there now */
void follow_sysctls(struct daemon *daemon);

#endif
