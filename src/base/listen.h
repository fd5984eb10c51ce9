/* SPDX-License-Identifier: MIT */
/*
 * listen.h - sockets that a server accepts from, made or inherited: none of them blocks, since who called
 * may have hung up before accept(2), which would wait for the next; none outlives execve(2)
 */
#ifndef PORTCRED_BASE_LISTEN_H
#define PORTCRED_BASE_LISTEN_H

#include <sys/socket.h>

/* listen_open() - a TCP socket that listens there; returns 0 and the caller's descriptor, -errno */
int listen_open(const struct sockaddr_storage *address, socklen_t size, int *ret_fd);

/* listen_inherited() - make a descriptor one of them; -EINVAL: it is no socket that listens; -errno */
int listen_inherited(int fd);

#endif
