/* SPDX-License-Identifier: MIT */
/*
 * record.h - memory for one entry of the user and group databases, as getpwnam_r(3) and its like want it
 *
 * A group of many members has no size that could be known before.
 */
#ifndef PORTCRED_NFSGATE_RECORD_H
#define PORTCRED_NFSGATE_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#define RECORD_MAX (16U << 20) /* bytes; some hundred thousand members */

/* struct record - all zeros at first; kept for the next entry */
struct record {
	char *text;
	size_t size;
};

/* record_more() - before the first call, and after each ERANGE; false: it is RECORD_MAX, or there is no memory */
bool record_more(struct record *record);

#endif
