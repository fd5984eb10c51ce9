/* SPDX-License-Identifier: MIT */
#include "base/why.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

int why(char **ret_why, int error, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	if (!ret_why)
		return error;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) >= 0)
		*ret_why = text;
	va_end(arguments);
	return error;
}
