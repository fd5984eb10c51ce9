/* SPDX-License-Identifier: MIT */
/*
 * rfc3339.h - a moment in UTC, for programs and people
 */
#ifndef PORTCRED_BASE_RFC3339_H
#define PORTCRED_BASE_RFC3339_H

#include <stdint.h>

#define RFC3339_SIZE 40

/* rfc3339() - @when: CLOCK_REALTIME, milliseconds, which are written too */
void rfc3339(int64_t when, char ret_text[static RFC3339_SIZE]);

#endif
