/* SPDX-License-Identifier: MIT */
/*
 * descriptors.h - what a process that was forked keeps open, and what it is handed
 */
#ifndef PORTCRED_RCMDD_DESCRIPTORS_H
#define PORTCRED_RCMDD_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

/* descriptors_keep() - close all but these, which ascend; 0, -errno */
int descriptors_keep(const int kept[], size_t n);

/* descriptors_keep_two() - the same of two in any order */
int descriptors_keep_two(int one, int other);

/* descriptors_keep_three() - and of three */
int descriptors_keep_three(int one, int two, int three);

/* descriptor_set_blocking() - 0, -errno */
int descriptor_set_blocking(int fd, bool blocking);

/*
 * descriptor_send() - @fd, with a few bytes, to who holds the other end of a pair (unix(7))
 * Does not wait. Returns 0, -errno.
 */
int descriptor_send(int to, int fd, const void *bytes, size_t size);

/*
 * descriptor_receive() - what descriptor_send() sent, no more and no less; waits for it
 * @ret_fd: owned, closed by exec
 * Returns 0; -ENODATA: the other end is closed; -EBADMSG; -errno.
 */
int descriptor_receive(int from, void *bytes, size_t size, int *ret_fd);

#endif
