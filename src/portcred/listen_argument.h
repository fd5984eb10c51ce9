/* SPDX-License-Identifier: MIT */
/*
 * listen_argument.h - [ADDRESS:]PORT[/PROTO] of `portcred run --listen`
 */
#ifndef PORTCRED_PORTCRED_LISTEN_ARGUMENT_H
#define PORTCRED_PORTCRED_LISTEN_ARGUMENT_H

#include <netinet/in.h>
#include <stdbool.h>

#include "policy/policy.h"

/* struct listen_argument - a socket that is wanted */
struct listen_argument {
	enum protocol protocol;
	uint16_t port;           /* host byte order */
	bool everywhere;         /* no address was given: all of this machine's, of both families */
	int family;              /* AF_INET, AF_INET6; everywhere: AF_INET6 */
	struct in6_addr address; /* AF_INET: its last four bytes */
};

/*
 * listen_argument_parse() - "80", "http", "127.0.0.1:80/tcp", "[::1]:53/udp"
 * @environment: knows the services
 * @ret_why: what is wrong and what was expected, safe to print, the caller's to free
 *
 * Without /PROTO it is TCP, or what the service has where that is UDP alone. Returns 0; -EINVAL;
 * -ENOMEM.
 */
int listen_argument_parse(const char *text, const struct policy_environment *environment,
			  struct listen_argument *ret_argument, char **ret_why);

/* listen_argument_text() - "[::1]:53/udp", "80/tcp"; the caller's to free, NULL: no memory */
char *listen_argument_text(const struct listen_argument *argument);

#endif
