/* SPDX-License-Identifier: MIT */
/*
 * spare.h - a session's process and its reader, made before there is a connection for them
 *
 *	server ── SOCK_SEQPACKET pair: a seat, and the connection (SCM_RIGHTS) ──> spare
 *	       <── the pair's end: the request has come ──────────────────────────
 *
 * Each serves one connection and ends with it, as one does that is forked for it: only the forks, and
 * what the reader gives up, are not waited for by the client. The next one is made when the request has
 * come: from then on the session is one process' work, and there is a processor for this.
 */
#ifndef PORTCRED_RCMDD_SPARE_H
#define PORTCRED_RCMDD_SPARE_H

#include <sys/types.h>

/* struct spare - the server's side; begins as { .fd = -1, .given = -1 } */
struct spare {
	pid_t pid; /* 0: there is none */
	int fd;
	int given; /* of the one before, which has a connection: at its end once the request has come */
};

/*
 * spare_fork() - as fork(2)
 * @ret_fd: in the child: what spare_wait() takes
 * Returns 0 in the child; the pid, which @spare has; -errno.
 */
pid_t spare_fork(struct spare *spare, int *ret_fd);

/*
 * spare_give() - @connection, which stays the caller's, and its seat
 * Returns the pid, whose process is no spare one any more; -errno: it has ended.
 */
pid_t spare_give(struct spare *spare, int connection, size_t seat);

/* spare_settle() - the one before is waited for no longer */
void spare_settle(struct spare *spare);

/* spare_wait() - in the child: 0, -ENODATA: there is nothing more to do; -errno */
int spare_wait(int fd, int *ret_connection, size_t *ret_seat);

/* spare_clear() - ends the one that has no connection, and waits for it */
void spare_clear(struct spare *spare);

#endif
