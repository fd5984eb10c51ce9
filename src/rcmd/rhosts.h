/* SPDX-License-Identifier: MIT */
/*
 * rhosts.h - the language of /etc/hosts.equiv and ~/.rhosts, and what it says of one caller
 *
 * Pure: reads bytes, asks through callbacks, opens nothing (rcmdd/equiv.h does). hosts.equiv(5) and
 * ruserok(3) have the language:
 *
 *	line  = [ HOST [ USER ] ] [ "#" comment ]
 *	HOST  = [ "+" ] name | "-" name | "+" | [ "+" ] "@" netgroup | "-@" netgroup
 *	USER  = the same of user names
 *
 * A line matches when its HOST and its USER do, whatever their signs; the first line that matches
 * decides: it admits if neither of the two begins with "-", else it refuses. A line without USER means
 * the account's own name; but one that refuses a host ("-HOST") means all of its users, which is what
 * hosts.equiv(5) says, if not what every reader did.
 *
 * A file is good as a whole or not at all: what its author believes one with an error to say, nobody
 * knows.
 */
#ifndef PORTCRED_RCMD_RHOSTS_H
#define PORTCRED_RCMD_RHOSTS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a file, and of one of its lines without the newline. */
#define RHOSTS_MAX_BYTES 65536
#define RHOSTS_MAX_LINE  512

/* struct rhosts_question - who would like to be which user; texts and callbacks are the asker's */
struct rhosts_question {
	const char *ruser; /* the caller's user, as proved; not empty */
	const char *luser; /* the account's name; not empty */
	bool luser_is_root;
	/*
	 * Whether a line may admit more than named users of named hosts: USER "+"; HOST "+" with a
	 * USER other than luser; HOST "+" at all where luser is root.
	 */
	bool allow_wide;

	/*
	 * Of the caller: whether its host is the one that a line calls @name; whether @netgroup has
	 * its host; whether @netgroup has ruser. Each: 1, 0, or -errno where that cannot be found
	 * out, which counts against the caller: no match for a line that admits, one for a line that
	 * refuses. Never called with an empty name, nor one that begins with "+", "-" or "@".
	 */
	int (*is_host)(void *data, const char *name);
	int (*has_host)(void *data, const char *netgroup);
	int (*has_user)(void *data, const char *netgroup);
	void *data;
};

enum rhosts_answer {
	RHOSTS_SILENT, /* no line matches */
	RHOSTS_ADMITS,
	RHOSTS_REFUSES,
	RHOSTS_WIDE,    /* the line would admit, if allow_wide let it */
	RHOSTS_INVALID, /* the file has an error: it admits nobody */
};

/* struct rhosts_finding - what a file says, and where */
struct rhosts_finding {
	enum rhosts_answer answer;
	unsigned line;       /* from 1; 0 where it is about no line */
	const char *problem; /* RHOSTS_INVALID: a text that lasts, "a NUL byte"; else NULL */
};

/*
 * rhosts_ask() - read a whole file, and what it says of one caller
 * @text: @size bytes, not NUL-terminated; NUL bytes are an error like any other
 *
 * Callbacks are called only where the file has no error, and none behind the line that decides.
 */
struct rhosts_finding rhosts_ask(const char *text, size_t size,
				 const struct rhosts_question *question);

#endif
