/* SPDX-License-Identifier: MIT */
/*
 * log.h - what a program says about itself (the audit of binds goes through portcredd/audit.h)
 *
 * To standard error, behind the program's name, with the <priority> that journald reads when standard
 * error is the journal.
 * Libraries do not log: only daemons and their children call this.
 */
#ifndef PORTCRED_BASE_LOG_H
#define PORTCRED_BASE_LOG_H

#include <stdbool.h>

/* log_to_journal() - whether standard error is a stream to the journal (JOURNAL_STREAM) */
bool log_to_journal(void);

/* log_warn() - with ": " and the text of errno @error (positive or negative) behind it */
void log_warn(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* fatal(), fatalx() - the same, then exit status 1: at start only */
void fatal(int error, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
void fatalx(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
