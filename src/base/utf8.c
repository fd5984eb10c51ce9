/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include "base/cleanup.h"

#define LAST_CHARACTER  0x10ffffU
#define FIRST_SURROGATE 0xd800U
#define LAST_SURROGATE  0xdfffU

size_t utf8_decode(const char *text, const char *end, uint32_t *ret_character)
{
	/* The smallest character that needs so many bytes. */
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)text[0];
	uint32_t character;
	size_t bytes;

	if (first < 0x80) {
		*ret_character = first;
		return 1;
	}
	if (first >= 0xc0 && first < 0xe0)
		bytes = 2;
	else if (first >= 0xe0 && first < 0xf0)
		bytes = 3;
	else if (first >= 0xf0 && first < 0xf8)
		bytes = 4;
	else
		return 0;
	if ((size_t)(end - text) < bytes)
		return 0;

	character = first & (0x7fU >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		unsigned char next = (unsigned char)text[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (next & 0x3f);
	}
	if (character < smallest[bytes] || character > LAST_CHARACTER ||
	    (character >= FIRST_SURROGATE && character <= LAST_SURROGATE))
		return 0;
	*ret_character = character;
	return bytes;
}

size_t utf8_length(const char *text, size_t bytes)
{
	size_t length = 0;

	for (size_t i = 0; i < bytes; i++)
		length += ((unsigned char)text[i] & 0xc0) != 0x80;
	return length;
}

struct span {
	uint32_t first, last;
};

static bool in_spans(const struct span *spans, size_t n, uint32_t character)
{
	for (size_t i = 0; i < n; i++) {
		if (character >= spans[i].first && character <= spans[i].last)
			return true;
	}
	return false;
}

bool utf8_is_printable(uint32_t character)
{
	static const struct span hidden[] = {
		{ 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x200e, 0x200f },
		{ 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xfeff, 0xfeff },
	};

	return !in_spans(hidden, ELEMENTS(hidden), character);
}

unsigned utf8_width(uint32_t character)
{
	static const struct span combining[] = {
		{ 0x0300, 0x036f },
		{ 0x200b, 0x200d },
		{ 0x20d0, 0x20f0 },
		{ 0xfe00, 0xfe0f },
	};
	static const struct span wide[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0xa4cf },   { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd },
	};

	if (character < 0x300)
		return 1;
	if (in_spans(combining, ELEMENTS(combining), character))
		return 0;
	return in_spans(wide, ELEMENTS(wide), character) ? 2 : 1;
}
