/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define MAX_LOG_LINE 2048

bool log_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
	       status.st_ino == inode;
}

static void say(int priority, int error, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static void say(int priority, int error, const char *format, va_list arguments)
{
	char line[MAX_LOG_LINE];

	vsnprintf(line, sizeof(line), format, arguments);
	if (log_to_journal())
		fprintf(stderr, "<%d>", priority);
	fprintf(stderr, "%s: %s%s%s\n", program_invocation_short_name, line, error ? ": " : "",
		error ? strerror(abs(error)) : "");
}

void log_warn(int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_WARNING, error, format, arguments);
	va_end(arguments);
}

void log_warnx(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_WARNING, 0, format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_INFO, 0, format, arguments);
	va_end(arguments);
}

void fatal(int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_ERR, error, format, arguments);
	va_end(arguments);
	exit(EXIT_FAILURE);
}

void fatalx(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_ERR, 0, format, arguments);
	va_end(arguments);
	exit(EXIT_FAILURE);
}
