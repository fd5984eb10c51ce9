/* SPDX-License-Identifier: MIT */
#include "portcred/port_argument.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "policy/suggest.h"
#include "portcred/text.h"

static const char *const protocol_names[PROTOCOLS] = {
	[PROTOCOL_TCP] = "tcp",
	[PROTOCOL_UDP] = "udp",
};

const char *protocol_name(enum protocol protocol)
{
	return protocol_names[protocol];
}

int protocol_parse(const char *name, enum protocol *ret_protocol)
{
	for (enum protocol protocol = 0; protocol < PROTOCOLS; protocol++) {
		if (strcmp(name, protocol_names[protocol]) == 0) {
			*ret_protocol = protocol;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_number(const char *digits, const char *shown, struct port_argument *argument,
			char **ret_why)
{
	char *end;
	unsigned long port = strtoul(digits, &end, 10);

	/* A long line of digits ends as ULONG_MAX, which is no port either. */
	if (port < 1 || port >= PORTS)
		return why(ret_why, -EINVAL, "no port '%s', expected 1 to 65535", shown);
	for (enum protocol protocol = 0; protocol < PROTOCOLS; protocol++)
		argument->ports[protocol] = (uint16_t)port;
	return 0;
}

static void offer_service(void *closure, const char *name)
{
	suggestion_offer(closure, name);
}

static int parse_service(const char *name, const char *shown,
			 const struct policy_environment *environment,
			 struct port_argument *argument, char **ret_why)
{
	struct suggestion suggestion;
	const char *meant;
	uint8_t protocols = 0;

	if (environment->find_service &&
	    environment->find_service(environment->data, name, argument->ports, &protocols) == 0) {
		if (!(argument->protocols & protocols))
			return why(ret_why, -EINVAL, "service '%s' has a %s port only", shown,
				   protocol_name(protocols & PROTOCOL_BIT(PROTOCOL_TCP)
							 ? PROTOCOL_TCP
							 : PROTOCOL_UDP));
		argument->protocols &= protocols;
		return 0;
	}
	suggestion_begin(&suggestion, name, strlen(name));
	if (environment->list_services)
		environment->list_services(environment->data, offer_service, &suggestion);
	meant = suggestion_found(&suggestion);
	return why(ret_why, -EINVAL,
		   "no port '%s', expected a number or a name of the services database%s%s%s",
		   shown, meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

int port_argument_parse(const char *text, const struct policy_environment *environment,
			struct port_argument *ret_argument, char **ret_why)
{
	struct port_argument argument = { .protocols = PROTOCOL_BITS_ALL };
	_cleanup_free_ char *name = strdup(text), *shown = text_show(text);
	enum protocol protocol;
	char *slash;
	int r;

	if (!name || !shown)
		return -ENOMEM;
	slash = strrchr(name, '/');
	if (slash) {
		if (protocol_parse(slash + 1, &protocol) < 0)
			return why(ret_why, -EINVAL, "no protocol in '%s', expected /tcp or /udp",
				   shown);
		argument.protocols = PROTOCOL_BIT(protocol);
		*slash = '\0';
	}
	if (name[0] && name[strspn(name, "0123456789")] == '\0')
		r = parse_number(name, shown, &argument, ret_why);
	else
		r = parse_service(name, shown, environment, &argument, ret_why);
	if (r < 0)
		return r;
	*ret_argument = argument;
	return 0;
}

int address_parse(const char *text, struct target *target)
{
	struct in6_addr six;
	struct in_addr four;

	memset(target->address, 0, sizeof(target->address));
	if (inet_pton(AF_INET, text, &four) == 1) {
		target->family = 4;
		target->address[2] = htonl(0xffff);
		target->address[3] = four.s_addr;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &six) != 1)
		return -EINVAL;
	memcpy(target->address, &six, sizeof(six));
	target->family = IN6_IS_ADDR_V4MAPPED(&six) ? 4 : 6;
	return 0;
}
