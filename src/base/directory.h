/* SPDX-License-Identifier: MIT */
/*
 * directory.h - a directory that a daemon keeps its sockets and its state in
 */
#ifndef PORTCRED_BASE_DIRECTORY_H
#define PORTCRED_BASE_DIRECTORY_H

/*
 * directory_open() - made with mode 0755 if it is missing; its parent must be there
 * Returns 0 and a descriptor, the caller's; -EPERM where it belongs to neither root nor the effective
 * user, or anybody else can write to it; -errno.
 */
int directory_open(const char *path, int *ret_fd);

/* directory_lock() - as long as the descriptor is open; 0, -EWOULDBLOCK: another has it; -errno */
int directory_lock(int fd);

#endif
