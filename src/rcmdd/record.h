/* SPDX-License-Identifier: MIT */
/*
 * record.h - who is logged in: utmp(5) and wtmp, where the system has them
 *
 * What cannot be written there keeps nobody out.
 */
#ifndef PORTCRED_RCMDD_RECORD_H
#define PORTCRED_RCMDD_RECORD_H

#include <sys/socket.h>
#include <sys/types.h>

/*
 * record_begin() - @terminal: the path of it; @host: a name or an address
 * record_end() - of the session that began with this pid
 */
void record_begin(pid_t pid, const char *terminal, const char *user, const char *host,
		  const struct sockaddr_storage *address);
void record_end(pid_t pid);

#endif
