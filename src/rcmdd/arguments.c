/* SPDX-License-Identifier: MIT */
#include "rcmdd/arguments.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"

/* Where the four bytes of an IPv4 address stand in a v4-mapped one (RFC 4291, 2.5.5.2). */
#define IPV4_AT 12

static const uint8_t mapped[IPV4_AT] = { [10] = 0xff, 0xff };

int argument_number(const char *text, unsigned min, unsigned max, unsigned *ret_number)
{
	unsigned long long number = 0;

	if (!*text)
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
	*ret_number = (unsigned)number;
	return 0;
}

int argument_network(const char *text, struct network *ret_network)
{
	char address[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	struct network network = { .bits = 128 };
	unsigned first = 0;

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
	if (text[length] && argument_number(text + length + 1, 0, 128 - first, &network.bits) < 0)
		return -EINVAL;
	if (text[length])
		network.bits += first;
	*ret_network = network;
	return 0;
}

bool network_has(const struct network *network, const struct sockaddr_storage *address)
{
	uint8_t bytes[16];
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	if (address->ss_family == AF_INET6) {
		memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof(bytes));
	} else if (address->ss_family == AF_INET) {
		memcpy(bytes, mapped, sizeof(mapped));
		memcpy(bytes + IPV4_AT, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else {
		return false;
	}
	if (memcmp(bytes, network->address, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ network->address[whole]) >> (8 - rest) == 0;
}

/* read_address() - as it stands before the colon, at most @length characters */
static int read_address(const char *text, size_t length, struct sockaddr_storage *address,
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

int argument_listen(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	struct sockaddr_storage address = { .ss_family = AF_INET6 };
	const char *colon = strrchr(text, ':');
	socklen_t size = sizeof(struct sockaddr_in6);
	unsigned port;
	int r = argument_number(colon ? colon + 1 : text, 1, UINT16_MAX, &port);

	if (r == 0 && colon)
		r = read_address(text, (size_t)(colon - text), &address, &size);
	if (r < 0)
		return r;
	/* sin_port and sin6_port lie at the same place. */
	((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)port);
	*ret_address = address;
	*ret_size = size;
	return 0;
}

static const char *const proof_names[PROOFS] = {
	[PROOF_VOUCHED] = "vouched",
	[PROOF_RESERVED] = "reserved",
	[PROOF_PASSWORD] = "password",
};

const char *proof_text(enum proof proof)
{
	return proof_names[proof];
}

bool proofs_have(const struct proofs *proofs, enum proof proof)
{
	for (size_t i = 0; i < proofs->n; i++) {
		if (proofs->items[i] == proof)
			return true;
	}
	return false;
}

static int add_proof(struct proofs *proofs, const char *text, size_t length)
{
	for (enum proof proof = 0; proof < PROOFS; proof++) {
		const char *name = proof_names[proof];

		if (strlen(name) != length || memcmp(name, text, length) != 0)
			continue;
		if (proofs_have(proofs, proof))
			return -EINVAL;
		proofs->items[proofs->n++] = proof;
		return 0;
	}
	return -EINVAL;
}

int argument_proofs(const char *text, struct proofs *ret_proofs)
{
	struct proofs proofs = { 0 };

	for (;;) {
		size_t length = strcspn(text, ",");
		int r = add_proof(&proofs, text, length);

		if (r < 0)
			return r;
		if (!text[length])
			break;
		text += length + 1;
	}
	*ret_proofs = proofs;
	return 0;
}
