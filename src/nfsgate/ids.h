/* SPDX-License-Identifier: MIT */
/*
 * ids.h - users and groups of other machines: which numbers they have here, and which are nobody's
 *
 * The table, a line an entry, # begins a comment:
 *
 *	uid 5001 = 1001             user 5001 there is user 1001 here
 *	uid 5001@web1 = alice       of that host alone; alice by the number that this machine gives her
 *	gid 100-199 = 20100         group 100 there is 20100 here, 101 is 20101
 *	uid 60000-64999 = nobody    these are the anonymous user
 *	uid *@web1 = nobody         and so is whoever of that host has no line for it
 *	uid * = nobody              and so is whoever has no line
 *
 * Lines of a host count before those of all. Names are looked up between ids_parse() and ids_settle().
 */
#ifndef PORTCRED_NFSGATE_IDS_H
#define PORTCRED_NFSGATE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_ID_LINES 4096U
#define MAX_ID_HOSTS 64U
#define MAX_ID_NAME  256U
#define MAX_SQUASHED 16U

/* The largest id: (uid_t) -1 means "leave as it is" to chown(2) and setuid(2). */
#define ID_MAX (UINT32_MAX - 1)

enum id_kind { ID_USER, ID_GROUP, ID_KINDS };

/* struct id_range - both ends belong to it */
struct id_range {
	uint32_t first, last;
};

/* struct id_line - @host: number of a host, 0: of all; @line: of the file, for messages */
struct id_line {
	struct id_range from;
	uint32_t to;
	uint32_t line;
	uint16_t host;
	bool nobody;
};

/* struct id_name - that stands in place of a number, in a line of table->lines[kind] */
struct id_name {
	char *text;
	enum id_kind kind;
	size_t index;
	bool there; /* before the "=" */
	uint32_t line, column;
};

/* struct id_place - in a file, both from 1; line 0: in none */
struct id_place {
	uint32_t line, column;
};

/* struct id_found - @error: 0, -ENOENT: nobody has the name; else why that is not known */
struct id_found {
	int32_t error;
	uint32_t id;
};

/* struct id_table - settled, its lines are sorted by host and `from`, and no two overlap; ids_clear() */
struct id_table {
	struct id_line *lines[ID_KINDS];
	size_t n[ID_KINDS];
	bool others_nobody[ID_KINDS][MAX_ID_HOSTS + 1];
	char *hosts[MAX_ID_HOSTS + 1];             /* by their numbers, from 1 */
	struct id_place host_at[MAX_ID_HOSTS + 1]; /* where each is named first */
	size_t n_hosts;
	struct id_name *names;
	size_t n_names, n_allocated;
};

struct diagnostics;

/* struct squash - users who are taken for the anonymous one, by the numbers that they have here */
struct squash {
	struct id_range ranges[MAX_SQUASHED];
	size_t n;
};

/*
 * ids_parse() - the table of a file's text
 * @diagnostics: what is wrong, all of it; the text is file 0
 * Returns 0; -EBADMSG, -ENOMEM with *ret_table left alone.
 */
int ids_parse(const char *text, size_t size, struct diagnostics *diagnostics,
	      struct id_table *ret_table);

/*
 * ids_settle() - with what its names are; then it can be used
 * @found: as many as table->n_names
 * Returns 0; -EBADMSG: a name that is not known, or two lines about one number; as above.
 */
int ids_settle(struct id_table *table, const struct id_found *found,
	       struct diagnostics *diagnostics);

void ids_clear(struct id_table *table);

/* ids_host() - a host's number; 0 where no line is about it */
uint16_t ids_host(const struct id_table *table, const char *name);

/* ids_map() - whether @id of a host is somebody here, and who */
bool ids_map(const struct id_table *table, enum id_kind kind, uint16_t host, uint32_t id,
	     uint32_t *ret_id);

/* squash_parse() - "root", "all", "none", or numbers and ranges with commas; -EINVAL */
int squash_parse(const char *text, struct squash *ret_squash);

bool squash_has(const struct squash *squash, uint32_t uid);

/* id_range_parse() - "5", "5-9", of @size characters; -EINVAL */
int id_range_parse(const char *text, size_t size, struct id_range *ret_range);

#endif
