/* SPDX-License-Identifier: MIT */
/*
 * keyword.h - the words of the language
 */
#ifndef PORTCRED_POLICY_KEYWORD_H
#define PORTCRED_POLICY_KEYWORD_H

#include <stddef.h>

/*
 * enum keyword - the words that mean something where they stand, if they are not quoted
 * In other places the same word is a name like any other.
 */
enum keyword {
	KEYWORD_NONE,
	KEYWORD_BIND,
	KEYWORD_ACCEPT,
	KEYWORD_CONNECT,
	KEYWORD_REDIRECT,
	KEYWORD_HOST,
	KEYWORD_OBSERVE,
	KEYWORD_SET,
	KEYWORD_BY,
	KEYWORD_FROM,
	KEYWORD_TO,
	KEYWORD_ON,
	KEYWORD_ONLY,
	KEYWORD_USER,
	KEYWORD_GROUP,
	KEYWORD_EXE,
	KEYWORD_UNIT,
	KEYWORD_ROOT,
	KEYWORD_ANYONE,
	KEYWORD_APPROVED,
	KEYWORD_OWNER,
	KEYWORD_GROUP_OF_OWNER,
	KEYWORD_ADDRESS,
	KEYWORD_RESERVED,
	KEYWORD_KEY,
	KEYWORD_AT,
	KEYWORD_USERS,
	KEYWORD_SHARED,
	KEYWORD_NAMED,
	KEYWORD_SQUASH,
	KEYWORD_TRUST,
	KEYWORDS,
};

/* A set of keywords. */
#define KEYWORD_BIT(keyword) (1ULL << (keyword))
_Static_assert(KEYWORDS <= 64, "a set of keywords is 64 bits");

/* keyword_text() - the word itself */
const char *keyword_text(enum keyword keyword);

/* keyword_find() - which one a word of at least one byte is, KEYWORD_NONE if it is none */
enum keyword keyword_find(const char *word, size_t length);

#endif
