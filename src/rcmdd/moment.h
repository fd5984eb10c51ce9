/* SPDX-License-Identifier: MIT */
/*
 * moment.h - deadlines: milliseconds of the clock that nobody sets
 */
#ifndef PORTCRED_RCMDD_MOMENT_H
#define PORTCRED_RCMDD_MOMENT_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t moment_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* moment_left() - for poll(2): what is left until @deadline, 0 if it has passed */
static inline int moment_left(uint64_t deadline)
{
	uint64_t now = moment_now();

	if (deadline <= now)
		return 0;
	return deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now);
}

#endif
