/* SPDX-License-Identifier: MIT */
/*
 * argument.h - numbers, addresses and networks, as they stand on a command line
 */
#ifndef PORTCRED_BASE_ARGUMENT_H
#define PORTCRED_BASE_ARGUMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* struct network - @bits of an IPv6 address count; IPv4 is v4-mapped, its first 96 bits always count */
struct network {
	uint8_t address[16];
	unsigned bits;
};

/* argument_network() - "10.0.0.0/8", "fd00::/64", an address alone; -EINVAL, also with host bits set */
int argument_network(const char *text, struct network *ret_network);

/* network_of() - an address alone; -EAFNOSUPPORT */
int network_of(const struct sockaddr_storage *address, struct network *ret_network);

/* network_has() - of AF_INET or AF_INET6, v4-mapped is v4; no other family is in any network */
bool network_has(const struct network *network, const struct sockaddr_storage *address);

/*
 * argument_address() - [ADDRESS:]PORT; an IPv6 address stands in brackets
 * Without an address it is "::", which takes IPv4 too. Returns 0, -EINVAL.
 */
int argument_address(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_size);

/* argument_number() - decimal digits, ten at most, and nothing else: @min to @max; -EINVAL */
int argument_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret_number);

#endif
