/* SPDX-License-Identifier: MIT */
/*
 * intern.h - each name of a policy once
 *
 * A hash of (kind, text) to the index that the policy gave it. Open addressing: a million
 * statements that name the same user cost one probe each and no memory.
 */
#ifndef PORTCRED_POLICY_INTERN_H
#define PORTCRED_POLICY_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct interned - one name */
struct interned {
	const char *text; /* NUL-terminated, owned by the table; NULL: an empty slot */
	uint32_t length;
	uint32_t hash;
	uint32_t index; /* for the caller to set when it is new */
	uint32_t kind;
};

struct text_chunk;

/* struct intern_table - begin with { 0 }; released by intern_clear(), and the texts with it */
struct intern_table {
	struct interned *slots;
	size_t n, n_slots; /* a power of two */
	struct text_chunk *chunks;
};

/*
 * intern() - the entry of (@kind, @text), made if there is none
 * *ret_entry is valid until the next call; its text as long as the table.
 * Returns 1 if it is new, 0 if it was there, -ENOMEM.
 */
int intern(struct intern_table *table, uint32_t kind, const char *text, size_t length,
	   struct interned **ret_entry);

/* intern_find() - the entry, NULL if there is none */
const struct interned *intern_find(const struct intern_table *table, uint32_t kind,
				   const char *text, size_t length);

void intern_clear(struct intern_table *table);

#endif
