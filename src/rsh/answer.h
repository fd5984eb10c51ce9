/* SPDX-License-Identifier: MIT */
/*
 * answer.h - whether a server has let us in: one NUL, or else a line that says why not
 */
#ifndef PORTCRED_RSH_ANSWER_H
#define PORTCRED_RSH_ANSWER_H

#include <stdint.h>

/* Bytes of such a line that are shown; no more are read. */
#define ANSWER_MAX_LINE 1024U

/*
 * answer_wait() - the first byte of the server, and the line where that is not NUL (rcmd(3))
 * @ret_why: a sentence, for free(3), made of printable characters alone
 *
 * Of what stands behind the NUL nothing is read. Returns 0; -EACCES: refused; -ENODATA: it hung up
 * instead; -ETIMEDOUT; -errno.
 */
int answer_wait(int connection, int64_t deadline, char **ret_why);

#endif
