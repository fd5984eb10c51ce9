/* SPDX-License-Identifier: MIT */
#include "kernel/listeners.h"

#include "portcred.skel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

/* Where one socket stands: at its address, and a dual-stack one at 0.0.0.0 too. */
#define MAX_KEYS 2

static size_t keys_of(const struct bound_socket *socket, struct listener_key keys[static MAX_KEYS])
{
	static const uint32_t any[4];

	memset(keys, 0, MAX_KEYS * sizeof(*keys));
	memcpy(keys[0].address, socket->address, sizeof(keys[0].address));
	keys[0].port = socket->port;
	if (socket->family != 6 || memcmp(socket->address, any, sizeof(any)) != 0 ||
	    (socket->v6only_known && socket->v6only))
		return 1;
	keys[1].address[2] = htonl(0xffff);
	keys[1].port = socket->port;
	return 2;
}

/* has_at() - whether the socket stands at one of the places of a key */
static bool has_at(int map, struct listener_key key, uint64_t cookie)
{
	uint64_t found;

	for (key.place = 0; key.place < LISTENER_PLACES; key.place++) {
		if (bpf_map_lookup_elem(map, &key, &found) == 0 && found == cookie)
			return true;
	}
	return false;
}

/* add_at() - at the first place that is free */
static int add_at(int map, struct listener_key key, int fd)
{
	uint64_t value = (uint64_t)fd;

	for (key.place = 0; key.place < LISTENER_PLACES; key.place++) {
		if (bpf_map_update_elem(map, &key, &value, BPF_NOEXIST) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -ENOSPC;
}

bool listeners_has(const struct enforcer *enforcer, const struct bound_socket *socket)
{
	int map = bpf_map__fd(enforcer->skeleton->maps.listeners);
	struct listener_key keys[MAX_KEYS];
	size_t n = keys_of(socket, keys);

	for (size_t i = 0; i < n; i++) {
		if (!has_at(map, keys[i], socket->cookie))
			return false;
	}
	return true;
}

int listeners_add(const struct enforcer *enforcer, int fd, const struct bound_socket *socket)
{
	int map = bpf_map__fd(enforcer->skeleton->maps.listeners);
	struct listener_key keys[MAX_KEYS];
	size_t n = keys_of(socket, keys);

	for (size_t i = 0; i < n; i++) {
		int r = 0;

		if (!has_at(map, keys[i], socket->cookie))
			r = add_at(map, keys[i], fd);
		if (r < 0)
			return r;
	}
	return 0;
}
