/* SPDX-License-Identifier: MIT */
/*
 * arguments.h - what stands on the command line, from text to values, without any I/O
 */
#ifndef PORTCRED_RCMDD_ARGUMENTS_H
#define PORTCRED_RCMDD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* struct network - addresses of one prefix; IPv4 is written v4-mapped, so bits are 96 to 128 then */
struct network {
	uint8_t address[16];
	unsigned bits;
};

/* argument_network() - "10.0.0.0/8", "fd00::/64", an address alone; -EINVAL */
int argument_network(const char *text, struct network *ret_network);

/* network_has() - of AF_INET or AF_INET6, v4-mapped is v4; no other family is in any network */
bool network_has(const struct network *network, const struct sockaddr_storage *address);

/*
 * argument_listen() - [ADDRESS:]PORT; an IPv6 address stands in brackets
 * Without an address it is "::", which takes IPv4 too. Returns 0, -EINVAL.
 */
int argument_listen(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_size);

/* argument_number() - decimal digits, @min to @max; -EINVAL */
int argument_number(const char *text, unsigned min, unsigned max, unsigned *ret_number);

/* The ways in which it may be known who calls: see proof.h. */
enum proof {
	PROOF_VOUCHED,
	PROOF_RESERVED,
	PROOF_PASSWORD,
	PROOFS,
};

/* proof_text() - "vouched", "reserved", "password" */
const char *proof_text(enum proof proof);

/* struct proofs - those that count, in the order in which they are tried, each once */
struct proofs {
	enum proof items[PROOFS];
	size_t n;
};

/* argument_proofs() - "vouched,password"; -EINVAL: none, twice the same, an unknown one */
int argument_proofs(const char *text, struct proofs *ret_proofs);

bool proofs_have(const struct proofs *proofs, enum proof proof);

#endif
