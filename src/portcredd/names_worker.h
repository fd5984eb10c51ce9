/* SPDX-License-Identifier: MIT */
/*
 * names_worker.h - the process in which name service modules run
 */
#ifndef PORTCRED_PORTCREDD_NAMES_WORKER_H
#define PORTCRED_PORTCREDD_NAMES_WORKER_H

/*
 * names_work() - answer the requests that arrive on @fd, and end when none comes for a moment or
 * half of the time that the supervisor allows is over (a lookup always has the other half)
 *
 * A malformed request ends it with a failure, without an answer: nothing after it can be trusted.
 */
void names_work(int fd, unsigned limit_ms) __attribute__((noreturn));

#endif
