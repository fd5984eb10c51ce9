/* SPDX-License-Identifier: MIT */
/*
 * tell.h - what the server says to the administrator, and to nobody else
 *
 * To syslog, as LOG_AUTHPRIV; a server that stands alone says it on standard error as well, where the
 * journal takes what is there. Standard error of one that inetd starts is the client's connection, so
 * nothing is written there.
 */
#ifndef PORTCRED_RCMDD_TELL_H
#define PORTCRED_RCMDD_TELL_H

#include <stdbool.h>

/* tell_open() - once, before the root directory or the user changes */
void tell_open(void);

/* tell() - @priority: of syslog(3); @aloud: on standard error too */
void tell(bool aloud, int priority, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
