/* SPDX-License-Identifier: MIT */
#include "policy/intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64U
#define CHUNK_BYTES 65536U

/* FNV-1a, 64 bits (draft-eastlake-fnv) */
#define HASH_BASIS 0xcbf29ce484222325ULL
#define HASH_PRIME 0x100000001b3ULL

/* struct text_chunk - texts one behind the other; they never move */
struct text_chunk {
	struct text_chunk *next;
	size_t used, size;
	char bytes[];
};

static uint32_t hash_of(uint32_t kind, const char *text, size_t length)
{
	uint64_t hash = (HASH_BASIS ^ kind) * HASH_PRIME;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * HASH_PRIME;
	return (uint32_t)(hash ^ hash >> 32);
}

static char *copy_text(struct intern_table *table, const char *text, size_t length)
{
	struct text_chunk *chunk = table->chunks;
	char *copy;

	if (!chunk || chunk->size - chunk->used <= length) {
		size_t size = length + 1 > CHUNK_BYTES ? length + 1 : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + size);
		if (!chunk)
			return NULL;
		chunk->used = 0;
		chunk->size = size;
		chunk->next = table->chunks;
		table->chunks = chunk;
	}
	copy = chunk->bytes + chunk->used;
	memcpy(copy, text, length);
	copy[length] = '\0';
	chunk->used += length + 1;
	return copy;
}

/* slot_of() - the entry's slot, or the empty one where it belongs; n < n_slots */
static struct interned *slot_of(const struct intern_table *table, uint32_t hash, uint32_t kind,
				const char *text, size_t length)
{
	size_t mask = table->n_slots - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct interned *slot = &table->slots[i];

		if (!slot->text)
			return slot;
		if (slot->hash == hash && slot->kind == kind && slot->length == length &&
		    memcmp(slot->text, text, length) == 0)
			return slot;
	}
}

static int make_room(struct intern_table *table)
{
	struct intern_table larger = *table;

	if ((table->n + 1) * 4 <= table->n_slots * 3)
		return 0;
	larger.n_slots = table->n_slots ? table->n_slots * 2 : FIRST_SLOTS;
	larger.slots = calloc(larger.n_slots, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->n_slots; i++) {
		const struct interned *slot = &table->slots[i];

		if (slot->text)
			*slot_of(&larger, slot->hash, slot->kind, slot->text, slot->length) = *slot;
	}
	free(table->slots);
	*table = larger;
	return 0;
}

int intern(struct intern_table *table, uint32_t kind, const char *text, size_t length,
	   struct interned **ret_entry)
{
	uint32_t hash = hash_of(kind, text, length);
	struct interned *slot;
	char *copy;

	if (make_room(table) < 0)
		return -ENOMEM;
	slot = slot_of(table, hash, kind, text, length);
	if (slot->text) {
		*ret_entry = slot;
		return 0;
	}
	copy = copy_text(table, text, length);
	if (!copy)
		return -ENOMEM;
	*slot = (struct interned){
		.text = copy,
		.length = (uint32_t)length,
		.hash = hash,
		.kind = kind,
	};
	table->n++;
	*ret_entry = slot;
	return 1;
}

const struct interned *intern_find(const struct intern_table *table, uint32_t kind,
				   const char *text, size_t length)
{
	const struct interned *slot;

	if (table->n_slots == 0)
		return NULL;
	slot = slot_of(table, hash_of(kind, text, length), kind, text, length);
	return slot->text ? slot : NULL;
}

void intern_clear(struct intern_table *table)
{
	struct text_chunk *next;

	for (struct text_chunk *chunk = table->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(table->slots);
	*table = (struct intern_table){ 0 };
}
