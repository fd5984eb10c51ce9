/* SPDX-License-Identifier: MIT */
/*
 * names.h - names of hosts and netgroups, without a line of name service code in a process of root
 *
 * getnameinfo(3) and innetgr(3) talk to servers that may hang, lie and send what crashes a resolver. So
 * they are called in a child, one a session, which is nobody and has nothing but a socket:
 *
 *	session (root) ---- names.c: one question at a time, waits no longer than all of them may take
 *	    |  SOCK_SEQPACKET pair, names_wire.h
 *	names child ---- names_child.c: getnameinfo(), getaddrinfo(), innetgr(); answers, bounded
 *
 * What the child says is believed as far as a name service can be: a name is checked letter by
 * letter, and is none that has not the caller's address among its own.
 *
 * The child starts with the first question. One that did not answer in time is killed, and every
 * question after it fails at once.
 */
#ifndef PORTCRED_RCMDD_NAMES_H
#define PORTCRED_RCMDD_NAMES_H

#include <sys/socket.h>

#include "base/cleanup.h"
#include "rcmdd/names_wire.h"

/* How long the questions of a session may take together, in milliseconds. */
#define NAMES_LIMIT_MS 10000U

/* How many questions a session may ask: each line of somebody's .rhosts may be one. */
#define NAMES_MAX_QUESTIONS 64U

/* struct names - the name service of one session */
struct names;

/*
 * names_new() - nothing is started yet
 * @limit_ms: NAMES_LIMIT_MS outside of tests; the time runs while questions are asked
 * Returns 0, -ENOMEM.
 */
int names_new(unsigned limit_ms, struct names **ret_names);

/* names_free() - ends the child, if there is one, and waits for it */
void names_free(struct names *names);
DEFINE_CLEANUP(struct names *, names_free)

/*
 * names_host_of() - the name of an address, if the name has the address too
 * @address: AF_INET or AF_INET6; v4-mapped is v4
 * @ret_host: in lower case, letters, digits, "-", "_" and "." only; left alone on failure
 *
 * Returns 0; -ENOENT: it has no name; -EPERM: the name is not one of that address, or is no name of a
 * host; what names_is_host() fails with.
 */
int names_host_of(struct names *names, const struct sockaddr_storage *address,
		  char ret_host[static NAMES_HOST_SIZE]);

/*
 * names_is_host() - whether @address is one of @host's
 * @host: a name or an address in digits
 *
 * Returns 1, 0 (also for a name that nobody knows); -EINVAL: cannot be a name; -ETIMEDOUT; -EDQUOT:
 * more than NAMES_MAX_QUESTIONS; -EAGAIN: the name service says so; -EIO: the child died of it, or
 * could not give up its privileges; -EBADMSG: its answer makes no sense; -ENOMEM; what fork(2) and
 * socketpair(2) say.
 */
int names_is_host(struct names *names, const char *host, const struct sockaddr_storage *address);

/*
 * names_netgroup_has_host(), names_netgroup_has_user() - innetgr(3) of one of its fields
 * Return as names_is_host().
 */
int names_netgroup_has_host(struct names *names, const char *netgroup, const char *host);
int names_netgroup_has_user(struct names *names, const char *netgroup, const char *user);

/*
 * names_serve() - the child itself, for names.c
 * @fd: its end of the socket pair; @parent: process id that must still be the parent
 */
void names_serve(int fd, pid_t parent) __attribute__((noreturn));

#endif
