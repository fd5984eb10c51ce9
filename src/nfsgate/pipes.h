/* SPDX-License-Identifier: MIT */
/*
 * pipes.h - what splice(2) moves bytes through, from one socket to the other
 *
 * Who has something to move borrows one and gives it back empty; so a thousand connections that are
 * idle have none.
 */
#ifndef PORTCRED_NFSGATE_PIPES_H
#define PORTCRED_NFSGATE_PIPES_H

#include <stddef.h>

/* How many are kept for the next who wants one. */
#define PIPES_KEPT 16U

/*
 * What a pipe holds, in bytes, where the kernel allows it (pipe(7), /proc/sys/fs/pipe-user-pages-soft): half of
 * the MiB that clients like to write and read at a time, so that one is moved while another is read
 */
#define PIPE_SIZE (512 << 10)

struct pipes {
	int kept[PIPES_KEPT][2];
	size_t n;
};

/* pipes_borrow() - 0; what pipe2(2) says. An end is -EBADF where there is none */
int pipes_borrow(struct pipes *pipes, int ret_pipe[static 2]);

/* pipes_return() - one that is empty; @pipe is -EBADF then */
void pipes_return(struct pipes *pipes, int pipe[static 2]);

/* pipe_close() - one that may hold something; of none nothing */
void pipe_close(int pipe[static 2]);

void pipes_clear(struct pipes *pipes);

#endif
