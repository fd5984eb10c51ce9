/* SPDX-License-Identifier: MIT */
/*
 * port_bitmap.h - sets of ports, and the kernel's way to write them down
 */
#ifndef PORTCRED_KERNEL_PORT_BITMAP_H
#define PORTCRED_KERNEL_PORT_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_BITMAP_WORDS (65536U / 64U)

struct port_bitmap {
	uint64_t words[PORT_BITMAP_WORDS];
};

static inline bool port_bitmap_has(const struct port_bitmap *ports, uint16_t port)
{
	return ports->words[port / 64] >> (port % 64) & 1;
}

static inline void port_bitmap_set(struct port_bitmap *ports, uint16_t port)
{
	ports->words[port / 64] |= 1ULL << (port % 64);
}

/* port_bitmap_add(), port_bitmap_remove(), port_bitmap_keep() - union, difference, intersection */
void port_bitmap_add(struct port_bitmap *ports, const struct port_bitmap *others);
void port_bitmap_remove(struct port_bitmap *ports, const struct port_bitmap *others);
void port_bitmap_keep(struct port_bitmap *ports, const struct port_bitmap *others);

/* port_bitmap_contains() - whether every one of @others is in @ports */
bool port_bitmap_contains(const struct port_bitmap *ports, const struct port_bitmap *others);

size_t port_bitmap_count(const struct port_bitmap *ports);

/*
 * port_bitmap_parse() - "8080,9000-9010" with at most one newline behind it; empty text is no port
 *
 * The form of net.ipv4.ip_local_reserved_ports (networking/ip-sysctl.rst of the kernel). Returns 0,
 * -EINVAL for anything else, a range written backwards and a port above 65535 included.
 */
int port_bitmap_parse(const char *text, size_t size, struct port_bitmap *ret_ports);

/* port_bitmap_format() - the same form, shortest, in order; the caller frees *ret_text */
int port_bitmap_format(const struct port_bitmap *ports, char **ret_text);

#endif
