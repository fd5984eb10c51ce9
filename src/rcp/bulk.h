/* SPDX-License-Identifier: MIT */
/*
 * bulk.h - bytes between descriptors: moved by the kernel where it can, else in large blocks
 *
 * An error of the file is one thing, the copy goes on with the next; an error of the connection is its
 * end. So each function says which of the two it was.
 */
#ifndef PORTCRED_RCP_BULK_H
#define PORTCRED_RCP_BULK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* bulk_read() - read(2), waiting where the descriptor does not; 0 at the end, or -errno */
ssize_t bulk_read(int fd, void *bytes, size_t n);

/* bulk_write() - write(2) all of it; 0 or -errno */
int bulk_write(int fd, const void *bytes, size_t n);

/*
 * bulk_send() - @size bytes of @file to @out
 * @ret_file: 0, or why the file gave less: -errno, -ENODATA where it has become shorter. Zeros went in
 *	place of what is missing: the other end was told a size.
 *
 * Returns 0, or -errno of @out.
 */
int bulk_send(int file, int out, int64_t size, int *ret_file);

/*
 * bulk_receive() - @size bytes of @in to @file
 * @ret_file: 0, or -errno of the file; the rest was read and thrown away then
 * @ret_kept: bytes that the file has got
 *
 * Returns 0, or -errno of @in: -ECONNRESET where it ended early.
 */
int bulk_receive(int in, int file, int64_t size, int *ret_file, int64_t *ret_kept);

#endif
