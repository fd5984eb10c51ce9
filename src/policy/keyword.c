/* SPDX-License-Identifier: MIT */
#include "policy/keyword.h"

#include <stdint.h>
#include <string.h>

#define KEYWORD(word)                                                                              \
	{                                                                                          \
		word, sizeof(word) - 1                                                             \
	}

/* struct keyword_spelling - a keyword as it is written */
struct keyword_spelling {
	const char *text;
	size_t length;
};

static const struct keyword_spelling spellings[KEYWORDS] = {
	[KEYWORD_NONE] = KEYWORD(""),
	[KEYWORD_BIND] = KEYWORD("bind"),
	[KEYWORD_ACCEPT] = KEYWORD("accept"),
	[KEYWORD_CONNECT] = KEYWORD("connect"),
	[KEYWORD_REDIRECT] = KEYWORD("redirect"),
	[KEYWORD_HOST] = KEYWORD("host"),
	[KEYWORD_OBSERVE] = KEYWORD("observe"),
	[KEYWORD_SET] = KEYWORD("set"),
	[KEYWORD_BY] = KEYWORD("by"),
	[KEYWORD_FROM] = KEYWORD("from"),
	[KEYWORD_TO] = KEYWORD("to"),
	[KEYWORD_ON] = KEYWORD("on"),
	[KEYWORD_ONLY] = KEYWORD("only"),
	[KEYWORD_USER] = KEYWORD("user"),
	[KEYWORD_GROUP] = KEYWORD("group"),
	[KEYWORD_EXE] = KEYWORD("exe"),
	[KEYWORD_UNIT] = KEYWORD("unit"),
	[KEYWORD_ROOT] = KEYWORD("root"),
	[KEYWORD_ANYONE] = KEYWORD("anyone"),
	[KEYWORD_APPROVED] = KEYWORD("approved"),
	[KEYWORD_OWNER] = KEYWORD("owner"),
	[KEYWORD_GROUP_OF_OWNER] = KEYWORD("group-of-owner"),
	[KEYWORD_ADDRESS] = KEYWORD("address"),
	[KEYWORD_RESERVED] = KEYWORD("reserved"),
	[KEYWORD_KEY] = KEYWORD("key"),
	[KEYWORD_AT] = KEYWORD("at"),
	[KEYWORD_USERS] = KEYWORD("users"),
	[KEYWORD_SHARED] = KEYWORD("shared"),
	[KEYWORD_NAMED] = KEYWORD("named"),
	[KEYWORD_SQUASH] = KEYWORD("squash"),
	[KEYWORD_TRUST] = KEYWORD("trust"),
};

#define MAX_WITH_ONE_LETTER 5

/* The keywords by their first letter, each list ended by KEYWORD_NONE. */
static const uint8_t by_letter[256][MAX_WITH_ONE_LETTER + 1] = {
	['a'] = { KEYWORD_ANYONE, KEYWORD_ACCEPT, KEYWORD_ADDRESS, KEYWORD_APPROVED, KEYWORD_AT },
	['b'] = { KEYWORD_BIND, KEYWORD_BY },
	['c'] = { KEYWORD_CONNECT },
	['e'] = { KEYWORD_EXE },
	['f'] = { KEYWORD_FROM },
	['g'] = { KEYWORD_GROUP, KEYWORD_GROUP_OF_OWNER },
	['h'] = { KEYWORD_HOST },
	['k'] = { KEYWORD_KEY },
	['n'] = { KEYWORD_NAMED },
	['o'] = { KEYWORD_ON, KEYWORD_ONLY, KEYWORD_OBSERVE, KEYWORD_OWNER },
	['r'] = { KEYWORD_ROOT, KEYWORD_RESERVED, KEYWORD_REDIRECT },
	['s'] = { KEYWORD_SET, KEYWORD_SHARED, KEYWORD_SQUASH },
	['t'] = { KEYWORD_TO, KEYWORD_TRUST },
	['u'] = { KEYWORD_USER, KEYWORD_UNIT, KEYWORD_USERS },
};

const char *keyword_text(enum keyword keyword)
{
	return spellings[keyword].text;
}

enum keyword keyword_find(const char *word, size_t length)
{
	const uint8_t *keyword = by_letter[(unsigned char)word[0]];

	while (*keyword && (spellings[*keyword].length != length ||
			    memcmp(spellings[*keyword].text, word, length) != 0))
		keyword++;
	return *keyword;
}
