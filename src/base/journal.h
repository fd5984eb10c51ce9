/* SPDX-License-Identifier: MIT */
/*
 * journal.h - events told to people: the journal where there is one, with a field for each thing
 * Users of it link libsystemd.
 */
#ifndef PORTCRED_BASE_JOURNAL_H
#define PORTCRED_BASE_JOURNAL_H

#include <stdbool.h>
#include <sys/uio.h>

/* journal_there() - whether there is a journal to write to; else standard error is the place */
bool journal_there(void);

/*
 * journal_printable() - a sentence in which others have chosen words (names of programs) can neither
 * write to a terminal nor forge a line: nothing but ASCII, for 8-bit controls hide in the rest; the
 * journal's fields have the bytes
 */
void journal_printable(char *text);

#define JOURNAL_FIELDS     20
#define JOURNAL_FIELD_SIZE 320 /* longer ones are cut */

/* struct journal_entry - an entry in the making, all zeros at first */
struct journal_entry {
	char text[JOURNAL_FIELDS][JOURNAL_FIELD_SIZE];
	struct iovec items[JOURNAL_FIELDS];
	int n;
};

/* journal_add() - "NAME=value"; one more than there is room for is left out */
void journal_add(struct journal_entry *entry, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* journal_send() - without waiting; what cannot be written is lost */
void journal_send(const struct journal_entry *entry);

#endif
