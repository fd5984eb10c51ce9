/* SPDX-License-Identifier: MIT */
/*
 * endpoint.h - one end of a TCP connection: an address and a port
 */
#ifndef PORTCRED_PORTCRED_ENDPOINT_H
#define PORTCRED_PORTCRED_ENDPOINT_H

#include <jansson.h>
#include <netinet/in.h>
#include <stdint.h>

/* struct endpoint - as people write it; a v4-mapped address is the IPv4 one that it means */
struct endpoint {
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
};

/* endpoint_from() - @address: network byte order, IPv4 v4-mapped */
struct endpoint endpoint_from(const uint32_t address[static 4], uint16_t port);

/* endpoint_local(), endpoint_remote() - of a socket; 0, -errno, -EAFNOSUPPORT: neither IP */
int endpoint_local(int fd, struct endpoint *ret_endpoint);
int endpoint_remote(int fd, struct endpoint *ret_endpoint);

/* endpoint_json() - {"address": ..., "port": ...}; NULL: no memory */
json_t *endpoint_json(const struct endpoint *endpoint);

#endif
