/* SPDX-License-Identifier: MIT */
/*
 * second.h - the second channel: the server connects to us, for standard error and signals
 *
 * Whoever finds the port first could otherwise write what looks like the command's errors. So only who
 * is at the server's own address is let in, and only who has the proof of being what the server is;
 * others are closed, and waiting goes on.
 */
#ifndef PORTCRED_RSH_SECOND_H
#define PORTCRED_RSH_SECOND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Connections that are looked at: who sends more of the wrong ones than that only wastes time. */
#define SECOND_MAX_STRANGERS 1000U

/* struct second_address - an address with its port */
struct second_address {
	struct sockaddr_storage address;
	socklen_t size;
};

/* second_port() - of an IPv4 or IPv6 address, in the machine's order; 0 of any other */
uint16_t second_port(const struct second_address *address);

/* second_local() - this end of a connection, with another port; 0, -errno */
int second_local(int connection, uint16_t port, struct second_address *ret_address);

/* second_socket() - a non-blocking TCP socket of that family, with SO_REUSEADDR; or -errno */
int second_socket(int family);

/* second_listen() - at a port of the kernel's choice, where the connection is; 0, -errno */
int second_listen(int connection, int *ret_listener, uint16_t *ret_port);

/*
 * second_accept() - wait for the server
 * @wanted: whether somebody at the server's address is the server
 * @ret_fd: non-blocking, the caller's to close
 *
 * Returns 0; -ENOTCONN: the server has answered on @connection instead, or hung up; -ETIMEDOUT;
 * -EMFILE and what else accept(2) says.
 */
int second_accept(int listener, int connection, bool (*wanted)(int accepted, int connection),
		  int64_t deadline, int *ret_fd);

/* second_reserved() - the old proof, for second_accept(): its port is one of 512 to 1023 */
bool second_reserved(int accepted, int connection);

#endif
