/* SPDX-License-Identifier: MIT */
/*
 * wanted.h - the names that a server may send for HOST:PATH, and no others (CVE-2019-6111)
 *
 * PATH is read by the shell there, so it is read here as a shell reads it: quotes and backslashes
 * taken off, split at blanks, * ? [] patterns of names. The last component of each word is what the
 * server may send. What only the shell there knows ($variables, `commands`, {braces}, ~user) cannot be
 * foretold, and is refused unless the user says that any name will do.
 */
#ifndef PORTCRED_RCP_WANTED_H
#define PORTCRED_RCP_WANTED_H

#include <stdbool.h>
#include <stddef.h>

/* struct wanted_word - one word; the pattern is fnmatch(3)'s, owned */
struct wanted_word {
	char *pattern;
	bool several;  /* more than one name may match */
	bool contents; /* ".": the directory itself, whose contents go into the target */
	bool taken;    /* a name that can come only once has come */
};

struct wanted {
	struct wanted_word *words; /* owned */
	size_t n;
	bool any; /* any entry's name */
};

/*
 * wanted_parse() - what may come for @path
 * @any: whatever is sent will do
 *
 * Returns 0; -EINVAL with *@ret_why, constant; -ENOMEM.
 */
int wanted_parse(const char *path, bool any, struct wanted *ret_wanted, const char **ret_why);

/* wanted_take() - whether @name was asked for and may still come; if so it has come */
bool wanted_take(struct wanted *wanted, const char *name);

/* wanted_is_contents() - whether "." was asked for: see struct wanted_word */
bool wanted_is_contents(const struct wanted *wanted);

void wanted_clear(struct wanted *wanted);

#endif
