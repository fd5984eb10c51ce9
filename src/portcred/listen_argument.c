/* SPDX-License-Identifier: MIT */
#include "portcred/listen_argument.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "portcred/port_argument.h"
#include "portcred/text.h"

/* Where the last four of an address's sixteen bytes stand. */
#define IPV4_AT 12

/* parse_address() - @text is what stands before the last colon, the brackets included */
static int parse_address(char *text, struct listen_argument *argument)
{
	size_t length = strlen(text);

	if (text[0] == '[' && text[length - 1] == ']') {
		text[length - 1] = '\0';
		argument->family = AF_INET6;
		return inet_pton(AF_INET6, text + 1, &argument->address) == 1 ? 0 : -EINVAL;
	}
	argument->family = AF_INET;
	return inet_pton(AF_INET, text, &argument->address.s6_addr[IPV4_AT]) == 1 ? 0 : -EINVAL;
}

int listen_argument_parse(const char *text, const struct policy_environment *environment,
			  struct listen_argument *ret_argument, char **ret_why)
{
	struct listen_argument argument = { .everywhere = true, .family = AF_INET6 };
	_cleanup_free_ char *copy = strdup(text), *shown = text_show(text);
	struct port_argument port;
	char *colon;
	int r;

	if (!copy || !shown)
		return -ENOMEM;
	colon = strrchr(copy, ':');
	if (colon) {
		*colon = '\0';
		argument.everywhere = false;
		if (parse_address(copy, &argument) < 0)
			return why(ret_why, -EINVAL,
				   "no address in '%s', expected 127.0.0.1:PORT or [::1]:PORT",
				   shown);
	}
	r = port_argument_parse(colon ? colon + 1 : copy, environment, &port, ret_why);
	if (r < 0)
		return r;
	argument.protocol =
		port.protocols & PROTOCOL_BIT(PROTOCOL_TCP) ? PROTOCOL_TCP : PROTOCOL_UDP;
	argument.port = port.ports[argument.protocol];
	*ret_argument = argument;
	return 0;
}

char *listen_argument_text(const struct listen_argument *argument)
{
	bool is_ipv4 = argument->family == AF_INET;
	char address[INET6_ADDRSTRLEN] = "", *text;

	if (!argument->everywhere)
		inet_ntop(argument->family,
			  is_ipv4 ? &argument->address.s6_addr[IPV4_AT] : argument->address.s6_addr,
			  address, sizeof(address));
	if (asprintf(&text, "%s%s%s%u/%s", !argument->everywhere && !is_ipv4 ? "[" : "", address,
		     argument->everywhere ? ""
		     : is_ipv4            ? ":"
					  : "]:",
		     argument->port, protocol_name(argument->protocol)) < 0)
		return NULL;
	return text;
}
