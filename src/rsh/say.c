/* SPDX-License-Identifier: MIT */
#include "rsh/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/visible.h"

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
	char *shown = NULL;
	size_t length;
	FILE *out = open_memstream(&shown, &length);

	if (!out)
		return NULL;
	visible_print(text, size, false, out);
	if (fclose(out) != 0) {
		free(shown);
		return NULL;
	}
	return shown;
}
