/* SPDX-License-Identifier: MIT */
#include "rcmdd/names_wire.h"

#include <errno.h>
#include <string.h>

#define MAX_ERRNO 4095

static bool is_letter(char byte)
{
	return byte >= 'a' && byte <= 'z';
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

bool names_host_valid(const char *host, size_t size)
{
	size_t length = strnlen(host, size);
	bool letters = false;

	if (length == 0 || length == size || length >= NAMES_HOST_SIZE)
		return false;
	if (host[0] == '-' || host[0] == '.')
		return false;
	for (size_t i = 0; i < length; i++) {
		letters |= is_letter(host[i]);
		if (!is_letter(host[i]) && !is_digit(host[i]) && !strchr("-_.", host[i]))
			return false;
	}
	return letters; /* digits and dots alone are an address, in one of its spellings */
}

int names_answer_check(const struct names_answer *answer, size_t size, enum names_kind kind)
{
	bool named = kind == NAMES_HOST_OF && answer->status == 0;

	if (size != sizeof(*answer) || answer->status > 0 || answer->status < -MAX_ERRNO ||
	    answer->found > 1)
		return -EBADMSG;
	if (answer->found && (answer->status != 0 || kind == NAMES_HOST_OF))
		return -EBADMSG;
	if (named)
		return names_host_valid(answer->host, sizeof(answer->host)) ? 0 : -EPERM;
	return answer->host[0] ? -EBADMSG : 0;
}
