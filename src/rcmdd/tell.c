/* SPDX-License-Identifier: MIT */
#include "rcmdd/tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#define IDENT      "portcred-rcmdd"
#define LINE_BYTES 1024

void tell_open(void)
{
	openlog(IDENT, LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
}

void tell(bool aloud, int priority, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	syslog(priority, "%s", line);
	if (aloud)
		dprintf(STDERR_FILENO, IDENT ": %s\n", line);
}
