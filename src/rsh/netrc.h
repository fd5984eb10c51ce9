/* SPDX-License-Identifier: MIT */
/*
 * netrc.h - the language of ~/.netrc: names and passwords for other hosts, by host
 *
 *	machine HOST login USER password PASSWORD
 *	default login USER password PASSWORD          any host, where none before matches
 *	macdef NAME ... and an empty line             ftp(1)'s; passed over, as are account and its word
 *
 * Words stand between spaces, tabs, commas and newlines, or in "…"; \ takes the next character as it is.
 */
#ifndef PORTCRED_RSH_NETRC_H
#define PORTCRED_RSH_NETRC_H

#include <stdbool.h>
#include <stddef.h>

#include "rcmd/limits.h"

/* Bytes of a file that are read, and of one of its words. */
#define NETRC_MAX_SIZE (64U * 1024U)
#define NETRC_MAX_WORD RCMD_PASSWORD_MAX

/* struct netrc_entry - of one host; the reader overwrites it when it is done with it */
struct netrc_entry {
	char user[NETRC_MAX_WORD + 1];     /* empty: none is named */
	char password[NETRC_MAX_WORD + 1]; /* empty: there is none */
};

/*
 * netrc_find() - the first entry for a host, and for a user if one is given
 * @text: @size bytes
 *
 * Returns 0; -ENOENT: there is none; -EBADMSG: a word is too long or not ended, there is a NUL, or one
 * that is no keyword stands where one must.
 */
int netrc_find(const char *text, size_t size, const char *host, const char *user,
	       struct netrc_entry *ret_entry);

#endif
