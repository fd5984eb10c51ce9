/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_hang.h - a directory that does not answer, as one on a share whose server has gone
 *
 * openat(2) of the C library is replaced in the program that links this, and so in its children.
 */
#ifndef PORTCRED_TESTS_UNIT_RCMDD_HANG_H
#define PORTCRED_TESTS_UNIT_RCMDD_HANG_H

/* hang_at() - whoever opens something of this name waits for ever; NULL: nobody does */
void hang_at(const char *name);

#endif
