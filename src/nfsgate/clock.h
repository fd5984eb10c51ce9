/* SPDX-License-Identifier: MIT */
/*
 * clock.h - times, in milliseconds, and one in microseconds
 */
#ifndef PORTCRED_NFSGATE_CLOCK_H
#define PORTCRED_NFSGATE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* clock_ms() - of the monotonic clock, for deadlines */
static inline int64_t clock_ms(void)
{
	return clock_ms_of(CLOCK_MONOTONIC);
}

/* clock_us() - of the monotonic clock, in microseconds, as sd_notify(3) wants it */
static inline int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* clock_real_ms() - since 1970, for people */
static inline int64_t clock_real_ms(void)
{
	return clock_ms_of(CLOCK_REALTIME);
}

#endif
