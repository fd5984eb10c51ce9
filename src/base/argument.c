/* SPDX-License-Identifier: MIT */
#include "base/argument.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* Where the four bytes of an IPv4 address stand in a v4-mapped one (RFC 4291, 2.5.5.2). */
#define IPV4_AT 12

/* Of UINT32_MAX; more are refused, be they zeros or not. */
#define NUMBER_DIGITS 10

static const uint8_t mapped[IPV4_AT] = { [10] = 0xff, 0xff };

int argument_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret_number)
{
	uint64_t number = 0;

	if (!*text || strlen(text) > NUMBER_DIGITS)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		number = number * 10 + (unsigned)(*text - '0');
		if (number > max)
			return -EINVAL;
	}
	if (number < min)
		return -EINVAL;
	*ret_number = (uint32_t)number;
	return 0;
}

/* host_bits() - whether any bit behind the prefix is set: then it is not the network that was meant */
static bool host_bits(const struct network *network)
{
	for (unsigned bit = network->bits; bit < 128; bit++) {
		if (network->address[bit / 8] >> (7 - bit % 8) & 1)
			return true;
	}
	return false;
}

int argument_network(const char *text, struct network *ret_network)
{
	char address[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	struct network network = { .bits = 128 };
	uint32_t first = 0, bits;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(AF_INET, address, network.address + IPV4_AT) == 1) {
		memcpy(network.address, mapped, sizeof(mapped));
		first = 8 * IPV4_AT;
	} else if (inet_pton(AF_INET6, address, network.address) != 1) {
		return -EINVAL;
	}
	if (text[length]) {
		if (argument_number(text + length + 1, 0, 128 - first, &bits) < 0)
			return -EINVAL;
		network.bits = first + bits;
	}
	if (host_bits(&network))
		return -EINVAL;
	*ret_network = network;
	return 0;
}

int network_of(const struct sockaddr_storage *address, struct network *ret_network)
{
	struct network network = { .bits = 128 };

	if (address->ss_family == AF_INET6) {
		memcpy(network.address, &((const struct sockaddr_in6 *)address)->sin6_addr,
		       sizeof(network.address));
	} else if (address->ss_family == AF_INET) {
		memcpy(network.address, mapped, sizeof(mapped));
		memcpy(network.address + IPV4_AT, &((const struct sockaddr_in *)address)->sin_addr,
		       4);
	} else {
		return -EAFNOSUPPORT;
	}
	*ret_network = network;
	return 0;
}

bool network_has(const struct network *network, const struct sockaddr_storage *address)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;
	struct network alone;

	if (network_of(address, &alone) < 0 || memcmp(alone.address, network->address, whole) != 0)
		return false;
	return rest == 0 || (alone.address[whole] ^ network->address[whole]) >> (8 - rest) == 0;
}

/* read_host() - as it stands before the colon, @length characters */
static int read_host(const char *text, size_t length, struct sockaddr_storage *address,
		     socklen_t *ret_size)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
	char digits[INET6_ADDRSTRLEN];

	if (brackets) {
		text++;
		length -= 2;
	}
	if (length >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, length);
	digits[length] = '\0';
	address->ss_family = brackets ? AF_INET6 : AF_INET;
	*ret_size = brackets ? sizeof(*v6) : sizeof(*v4);
	if (inet_pton(address->ss_family, digits,
		      brackets ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) != 1)
		return -EINVAL;
	return 0;
}

int argument_address(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	struct sockaddr_storage address = { .ss_family = AF_INET6 };
	const char *colon = strrchr(text, ':');
	socklen_t size = sizeof(struct sockaddr_in6);
	uint32_t port;
	int r = argument_number(colon ? colon + 1 : text, 1, UINT16_MAX, &port);

	if (r == 0 && colon)
		r = read_host(text, (size_t)(colon - text), &address, &size);
	if (r < 0)
		return r;
	/* sin_port and sin6_port lie at the same place. */
	((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)port);
	*ret_address = address;
	*ret_size = size;
	return 0;
}
