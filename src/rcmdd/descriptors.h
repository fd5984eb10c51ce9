/* SPDX-License-Identifier: MIT */
/*
 * descriptors.h - what a process that was forked keeps open
 */
#ifndef PORTCRED_RCMDD_DESCRIPTORS_H
#define PORTCRED_RCMDD_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

/* descriptors_keep() - close all but these, which ascend; 0, -errno */
int descriptors_keep(const int kept[], size_t n);

/* descriptors_keep_two() - the same of two in any order */
int descriptors_keep_two(int one, int other);

/* descriptor_set_blocking() - 0, -errno */
int descriptor_set_blocking(int fd, bool blocking);

#endif
