/* SPDX-License-Identifier: MIT */
/*
 * login.h - a login: a pseudo terminal, and the account's shell as a login shell on it
 *
 * login(1) is never run: nothing of the network stands on a command line or in an environment that is
 * read with privileges.
 */
#ifndef PORTCRED_RCMDD_LOGIN_H
#define PORTCRED_RCMDD_LOGIN_H

#include "rcmdd/session.h"

/*
 * login_start() - opens the terminal, gives it to the user, notes it in utmp(5) and wtmp, and starts
 * the user's process, which carries the bytes (terminal.h) and has the shell for a child
 * Returns its pid, -errno.
 */
pid_t login_start(struct session *session, char *const environment[]);

/* login_end() - that process has ended: so utmp(5) and wtmp say it too */
void login_end(const struct session *session, pid_t pid);

#endif
