/* SPDX-License-Identifier: MIT */
#include "portcred/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "base/visible.h"

static void print(const char *text, bool lines, FILE *out)
{
	visible_print(text, strlen(text), lines, out);
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
