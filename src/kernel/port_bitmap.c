/* SPDX-License-Identifier: MIT */
#include "kernel/port_bitmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define LAST_PORT 65535U

void port_bitmap_add(struct port_bitmap *ports, const struct port_bitmap *others)
{
	for (size_t i = 0; i < PORT_BITMAP_WORDS; i++)
		ports->words[i] |= others->words[i];
}

void port_bitmap_remove(struct port_bitmap *ports, const struct port_bitmap *others)
{
	for (size_t i = 0; i < PORT_BITMAP_WORDS; i++)
		ports->words[i] &= ~others->words[i];
}

void port_bitmap_keep(struct port_bitmap *ports, const struct port_bitmap *others)
{
	for (size_t i = 0; i < PORT_BITMAP_WORDS; i++)
		ports->words[i] &= others->words[i];
}

bool port_bitmap_contains(const struct port_bitmap *ports, const struct port_bitmap *others)
{
	for (size_t i = 0; i < PORT_BITMAP_WORDS; i++)
		if (others->words[i] & ~ports->words[i])
			return false;
	return true;
}

size_t port_bitmap_count(const struct port_bitmap *ports)
{
	size_t n = 0;

	for (size_t i = 0; i < PORT_BITMAP_WORDS; i++)
		n += (size_t)__builtin_popcountll(ports->words[i]);
	return n;
}

/* A decimal number up to 65535; *text moves behind it. */
static bool parse_port(const char **text, const char *end, unsigned *ret_port)
{
	const char *start = *text;
	unsigned port = 0;

	while (*text < end && **text >= '0' && **text <= '9') {
		port = port * 10 + (unsigned)(**text - '0');
		if (port > LAST_PORT)
			return false;
		(*text)++;
	}
	*ret_port = port;
	return *text > start;
}

int port_bitmap_parse(const char *text, size_t size, struct port_bitmap *ret_ports)
{
	const char *end = text + size;
	struct port_bitmap ports = { 0 };

	if (size && end[-1] == '\n')
		end--;
	while (text < end) {
		unsigned first, last;

		if (!parse_port(&text, end, &first))
			return -EINVAL;
		last = first;
		if (text < end && *text == '-') {
			text++;
			if (!parse_port(&text, end, &last) || last < first)
				return -EINVAL;
		}
		for (unsigned port = first; port <= last; port++)
			port_bitmap_set(&ports, (uint16_t)port);
		if (text == end)
			break;
		if (*text++ != ',' || text == end)
			return -EINVAL;
	}
	*ret_ports = ports;
	return 0;
}

int port_bitmap_format(const struct port_bitmap *ports, char **ret_text)
{
	_cleanup_fclose_ FILE *stream = NULL;
	char *text = NULL;
	const char *separator = "";
	size_t size;
	int failed;

	stream = open_memstream(&text, &size);
	if (!stream)
		return -ENOMEM;
	for (unsigned port = 0; port <= LAST_PORT; port++) {
		unsigned last = port;

		if (!port_bitmap_has(ports, (uint16_t)port))
			continue;
		while (last < LAST_PORT && port_bitmap_has(ports, (uint16_t)(last + 1)))
			last++;
		fprintf(stream, last > port ? "%s%u-%u" : "%s%u", separator, port, last);
		separator = ",";
		port = last;
	}
	failed = ferror(stream);
	if (fclose(TAKE_PTR(stream)) != 0 || failed) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}
