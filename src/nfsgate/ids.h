/* SPDX-License-Identifier: MIT */
/*
 * ids.h - users and groups of other machines: which numbers they have here, and which are nobody's
 *
 * The table, a line an entry, # begins a comment:
 *
 *	uid 5001 = 1001             user 5001 there is user 1001 here
 *	gid 100-199 = 20100         group 100 there is 20100 here, 101 is 20101
 *	uid 60000-64999 = nobody    these are the anonymous user
 *	uid * = nobody              and so is whoever has no line
 */
#ifndef PORTCRED_NFSGATE_IDS_H
#define PORTCRED_NFSGATE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_ID_LINES 4096U
#define MAX_SQUASHED 16U

/* The largest id: (uid_t) -1 means "leave as it is" to chown(2) and setuid(2). */
#define ID_MAX (UINT32_MAX - 1)

enum id_kind { ID_USER, ID_GROUP, ID_KINDS };

/* struct id_range - both ends belong to it */
struct id_range {
	uint32_t first, last;
};

struct id_line {
	struct id_range from;
	uint32_t to;
	bool nobody;
};

/* struct id_table - lines sorted by `from`, no two of which overlap; ids_clear() */
struct id_table {
	struct id_line *lines[ID_KINDS];
	size_t n[ID_KINDS];
	bool others_nobody[ID_KINDS];
};

/* struct squash - users who are taken for the anonymous one, by the numbers that they have here */
struct squash {
	struct id_range ranges[MAX_SQUASHED];
	size_t n;
};

/*
 * ids_parse() - the table of a file's text
 * @ret_line: of an error, the number of its line; @ret_why: a text that lasts
 * Returns 0; -EINVAL with these two; -ENOMEM. On failure *ret_table is left alone.
 */
int ids_parse(const char *text, size_t size, struct id_table *ret_table, unsigned *ret_line,
	      const char **ret_why);

void ids_clear(struct id_table *table);

/* ids_map() - whether @id is somebody here, and who */
bool ids_map(const struct id_table *table, enum id_kind kind, uint32_t id, uint32_t *ret_id);

/* squash_parse() - "root", "all", "none", or numbers and ranges with commas; -EINVAL */
int squash_parse(const char *text, struct squash *ret_squash);

bool squash_has(const struct squash *squash, uint32_t uid);

/* id_range_parse() - "5", "5-9", of @size characters; -EINVAL */
int id_range_parse(const char *text, size_t size, struct id_range *ret_range);

#endif
