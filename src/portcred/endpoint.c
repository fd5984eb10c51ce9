/* SPDX-License-Identifier: MIT */
#include "portcred/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct endpoint endpoint_from(const uint32_t address[static 4], uint16_t port)
{
	struct endpoint endpoint = { .port = port };
	struct in6_addr in6;

	memcpy(&in6, address, sizeof(in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6))
		inet_ntop(AF_INET, &in6.s6_addr[12], endpoint.address, sizeof(endpoint.address));
	else
		inet_ntop(AF_INET6, &in6, endpoint.address, sizeof(endpoint.address));
	return endpoint;
}

static int from_socket(int fd, int (*name)(int fd, struct sockaddr *address, socklen_t *size),
		       struct endpoint *ret_endpoint)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address;
	socklen_t size = sizeof(address);
	uint32_t words[4] = { 0, 0, htonl(0xffff) };
	uint16_t port;

	if (name(fd, &address.any, &size) < 0)
		return -errno;
	switch (address.any.sa_family) {
	case AF_INET:
		words[3] = address.in.sin_addr.s_addr;
		port = ntohs(address.in.sin_port);
		break;
	case AF_INET6:
		memcpy(words, &address.in6.sin6_addr, sizeof(words));
		port = ntohs(address.in6.sin6_port);
		break;
	default:
		return -EAFNOSUPPORT;
	}
	*ret_endpoint = endpoint_from(words, port);
	return 0;
}

int endpoint_local(int fd, struct endpoint *ret_endpoint)
{
	return from_socket(fd, getsockname, ret_endpoint);
}

int endpoint_remote(int fd, struct endpoint *ret_endpoint)
{
	return from_socket(fd, getpeername, ret_endpoint);
}

json_t *endpoint_json(const struct endpoint *endpoint)
{
	return json_pack("{s:s, s:i}", "address", endpoint->address, "port", endpoint->port);
}
