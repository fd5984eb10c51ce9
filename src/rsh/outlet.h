/* SPDX-License-Identifier: MIT */
/*
 * outlet.h - write to a descriptor that others share, without waiting and without changing it
 *
 * O_NONBLOCK belongs to the open file, not to the descriptor: set on a terminal, the shell and
 * everything beside us would have it too. So a socket is told with each call, and a pipe or terminal is
 * opened once more, through /proc. Another user's cannot be (after su(1), say): there the kernel is told
 * with each call if it knows how to (pipes, since Linux 6.4), else only small pieces are written, each
 * when poll(2) says that there is room.
 */
#ifndef PORTCRED_RSH_OUTLET_H
#define PORTCRED_RSH_OUTLET_H

#include <stdbool.h>
#include <sys/types.h>

/* struct outlet - for outlet_close() */
struct outlet {
	int fd;      /* for poll(2) */
	bool ours;   /* opened here */
	bool socket; /* takes MSG_DONTWAIT */
	bool nowait; /* takes RWF_NOWAIT, as far as is known */
	bool blocks; /* none of these */
};

void outlet_open(int fd, struct outlet *ret_outlet);

void outlet_close(struct outlet *outlet);

/* outlet_write() - as much as there is room for: how much, or -EAGAIN, -EPIPE, -errno */
ssize_t outlet_write(struct outlet *outlet, const void *bytes, size_t size);

#endif
