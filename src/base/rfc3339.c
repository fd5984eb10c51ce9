/* SPDX-License-Identifier: MIT */
#include "base/rfc3339.h"

#include <stdio.h>
#include <time.h>

void rfc3339(int64_t when, char ret_text[static RFC3339_SIZE])
{
	time_t seconds = (time_t)(when / 1000);
	struct tm broken;
	size_t n;

	gmtime_r(&seconds, &broken);
	n = strftime(ret_text, RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &broken);
	snprintf(ret_text + n, RFC3339_SIZE - n, ".%03dZ", (int)(when % 1000));
}
