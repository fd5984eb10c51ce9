/* SPDX-License-Identifier: MIT */
/*
 * login.h - over which TCP connection is the user of a process logged in?
 */
#ifndef PORTCRED_KERNEL_LOGIN_H
#define PORTCRED_KERNEL_LOGIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A longer line of parents is not followed to its end. */
#define MAX_ANCESTORS 64U

/*
 * process_ancestors() - a process, its parent, and so on
 * @ret_pids: nearest first, @pid itself being the first
 *
 * Returns 0; -ENOENT or -ESRCH where there is no process @pid.
 */
int process_ancestors(pid_t pid, pid_t ret_pids[static MAX_ANCESTORS], size_t *ret_n);

/* struct login - a connection that brought somebody here */
struct login {
	uint64_t inode;           /* of its socket */
	pid_t holder;             /* a process that holds it */
	uint32_t peer_address[4]; /* network byte order, IPv4 v4-mapped */
	uint16_t peer_port;
	uint16_t port; /* of this end */
	uint8_t family;
};

/*
 * process_login() - the established TCP connection that brought a process
 * here: that of the nearest ancestor which holds one to a port that something listens on, or, where
 * no ancestor has such a one (its listener may have ended), of the nearest that holds any
 *
 * A guess for a guard against cutting off one's own login, not proof: a session that was left and
 * taken up again (screen, tmux) has no such ancestor. Returns 0, -ENOENT, or why it could not be
 * found out.
 */
int process_login(pid_t pid, struct login *ret_login);

#endif
