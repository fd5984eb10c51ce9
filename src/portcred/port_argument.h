/* SPDX-License-Identifier: MIT */
/*
 * port_argument.h - PORT[/PROTO] and addresses as they stand on a command line
 */
#ifndef PORTCRED_PORTCRED_PORT_ARGUMENT_H
#define PORTCRED_PORTCRED_PORT_ARGUMENT_H

#include "policy/policy.h"
#include "policy/verdict.h"

/* struct port_argument - a service may have another port for each protocol */
struct port_argument {
	uint16_t ports[PROTOCOLS]; /* of the protocols that are meant */
	uint8_t protocols;         /* bits, at least one */
};

/*
 * port_argument_parse() - "80", "80/tcp", "https", "domain/udp"
 * @environment: knows the services
 * @ret_why: what is wrong and what was expected, the caller's to free, safe to print
 *
 * Returns 0; -EINVAL; -ENOMEM.
 */
int port_argument_parse(const char *text, const struct policy_environment *environment,
			struct port_argument *ret_argument, char **ret_why);

/*
 * address_parse() - an IPv4 or IPv6 address into @target; v4-mapped is IPv4
 * Returns 0, -EINVAL.
 */
int address_parse(const char *text, struct target *target);

/* protocol_name() - "tcp" or "udp" */
const char *protocol_name(enum protocol protocol);

/* protocol_parse() - the other way; -EINVAL for any other word */
int protocol_parse(const char *name, enum protocol *ret_protocol);

#endif
