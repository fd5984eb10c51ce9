/* SPDX-License-Identifier: MIT */
#include "nfsgate/record.h"

#include <stdlib.h>

#define FIRST 65536U

bool record_more(struct record *record)
{
	size_t size = record->size ? 2 * record->size : FIRST;
	char *text = size <= RECORD_MAX ? realloc(record->text, size) : NULL;

	if (!text)
		return false;
	*record = (struct record){ text, size };
	return true;
}
