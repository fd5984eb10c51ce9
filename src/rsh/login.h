/* SPDX-License-Identifier: MIT */
/*
 * login.h - a session at a terminal: portcred-rlogin(1), and portcred-rsh(1) without a command
 */
#ifndef PORTCRED_RSH_LOGIN_H
#define PORTCRED_RSH_LOGIN_H

#include "rsh/client.h"

/*
 * login_escape() - the escape character of -e and -E, for login_run()
 * @text: of -e: one character; NULL: '~'
 * Returns it, ESCAPE_NONE for @none; -EINVAL, which is another value: @text is something else.
 */
int login_escape(const char *text, bool none);

/* login_run() - the whole session; returns RSH_DONE where the server ended it, else RSH_FAILED, said */
int login_run(struct client *client, int escape);

#endif
