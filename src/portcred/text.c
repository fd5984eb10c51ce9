/* SPDX-License-Identifier: MIT */
#include "portcred/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static void print(const char *text, bool lines, FILE *out)
{
	const char *end = text + strlen(text);

	while (text < end) {
		uint32_t character = 0;
		size_t bytes = utf8_decode(text, end, &character);

		if ((bytes && utf8_is_printable(character)) ||
		    (lines && (character == '\n' || character == '\t'))) {
			fwrite(text, 1, bytes, out);
			text += bytes;
			continue;
		}
		for (const char *stop = text + (bytes ? bytes : 1); text < stop; text++)
			fprintf(out, "\\x%02x", (unsigned char)*text);
	}
}

void text_print(const char *text, FILE *out)
{
	print(text, false, out);
}

void text_print_lines(const char *text, FILE *out)
{
	print(text, true, out);
}

char *text_show(const char *text)
{
	char *shown = NULL;
	size_t size;
	FILE *out = open_memstream(&shown, &size);

	if (!out)
		return NULL;
	print(text, false, out);
	if (fclose(out) != 0) {
		free(shown);
		return NULL;
	}
	return shown;
}

size_t text_fit(const char *text, size_t columns, size_t *ret_width)
{
	const char *at = text, *end = text + strlen(text);
	size_t width = 0;

	while (at < end) {
		uint32_t character = 0;
		size_t bytes = utf8_decode(at, end, &character);
		size_t more = bytes ? utf8_width(character) : 1;

		if (more > columns - width)
			break;
		width += more;
		at += bytes ? bytes : 1;
	}
	*ret_width = width;
	return (size_t)(at - text);
}

size_t text_width(const char *text)
{
	size_t width;

	text_fit(text, SIZE_MAX, &width);
	return width;
}
