/* SPDX-License-Identifier: MIT */
#include "base/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

bool journal_there(void)
{
	return access(JOURNAL_SOCKET, W_OK) == 0;
}

void journal_printable(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text >= 0x7f)
			*text = '?';
	}
}

void journal_add(struct journal_entry *entry, const char *format, ...)
{
	va_list arguments;
	char *text;

	if (entry->n == JOURNAL_FIELDS)
		return;
	text = entry->text[entry->n];
	va_start(arguments, format);
	vsnprintf(text, JOURNAL_FIELD_SIZE, format, arguments);
	va_end(arguments);
	entry->items[entry->n++] = (struct iovec){ .iov_base = text, .iov_len = strlen(text) };
}

void journal_send(const struct journal_entry *entry)
{
	sd_journal_sendv(entry->items, entry->n);
}
