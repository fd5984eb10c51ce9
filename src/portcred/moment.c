/* SPDX-License-Identifier: MIT */
#include "portcred/moment.h"

#include <stdio.h>

#define RFC3339_SECONDS "%Y-%m-%dT%H:%M:%S"

static void show(time_t when, const char *format, char ret_text[static MOMENT_SIZE])
{
	struct tm broken;

	tzset();
	localtime_r(&when, &broken);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (strftime(ret_text, MOMENT_SIZE, format, &broken) == 0)
		ret_text[0] = '\0';
#pragma GCC diagnostic pop
}

void moment_show(const char *text, const char *format, char ret_text[static MOMENT_SIZE])
{
	struct tm broken = { 0 };
	const char *rest = strptime(text, RFC3339_SECONDS, &broken);

	if (rest && (*rest == 'Z' || *rest == '.')) {
		show(timegm(&broken), format, ret_text);
		return;
	}
	snprintf(ret_text, MOMENT_SIZE, "%s", text);
	for (char *at = ret_text; *at; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
}

void moment_after(unsigned seconds, const char *format, char ret_text[static MOMENT_SIZE])
{
	show(time(NULL) + (time_t)seconds, format, ret_text);
}
