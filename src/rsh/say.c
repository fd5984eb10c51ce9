/* SPDX-License-Identifier: MIT */
#include "rsh/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

int say(const char *program, const char *format, ...)
{
	va_list arguments;

	/* What was printed before comes first, where both go to one place. */
	fflush(stdout);
	fprintf(stderr, "%s: ", program);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return RSH_FAILED;
}

char *say_printable(const char *text, size_t size)
{
	const char *end = text + size;
	char *shown = malloc(size * 4 + 1), *at = shown;

	if (!shown)
		return NULL;
	while (text < end) {
		uint32_t character;
		size_t bytes = utf8_decode(text, end, &character);

		if (bytes && utf8_is_printable(character)) {
			for (; bytes; bytes--)
				*at++ = *text++;
			continue;
		}
		at += sprintf(at, "\\x%02x", (unsigned char)*text++);
	}
	*at = '\0';
	return shown;
}
