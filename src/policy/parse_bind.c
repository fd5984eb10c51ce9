/* SPDX-License-Identifier: MIT */
/*
 * parse_bind.c - bind PORTS by PRINCIPALS [on ADDRESSES] [only]
 *
 * Whatever goes wrong among the principals, the statement never comes to mean more than it says: a
 * refused one is left with a single alternative that admits nobody.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/parse.h"

#define LAST_ID 4294967294U /* (uid_t)-1 means "no change" to the kernel */

static const char *const principal_words[] = { "user", "group", "exe", "unit", "root", "anyone" };
static const char *const follow_words[] = { "on", "only" };
static const char *const by_words[] = { "by" };
/* No names, unless quoted. `user root` is fine. */
static const char *const reserved_words[] = { "user", "group", "exe", "unit",
					      "anyone", "by",  "on",  "only" };

/* struct principal_parse - one alternative while it is parsed */
struct principal_parse {
	struct alternative alternative;
	const struct token *exe;    /* the word `exe` */
	const struct token *anyone; /* the word `anyone` */
	const struct token *root;   /* the word `root` */
	unsigned words;             /* how many of them were read, sound or not */
	bool sound;
};

/* take_name() - what stands behind a word that wants a name; NULL: an error was said */
static const struct token *take_name(struct parser *parser, const struct token *word,
				     const char *expected)
{
	const struct token *token = parser->token;

	if (!token_is_name(token)) {
		parser_error(parser, token, "no name behind %s, expected %s",
			     parser_show(word).text, expected);
		return NULL;
	}
	if (token_in(token, WORDS(reserved_words)) < ELEMENTS(reserved_words)) {
		parser_error(parser, token,
			     "no name between %s and %s, expected %s (in quotes if it is called "
			     "so)",
			     parser_show(word).text, parser_show(token).text, expected);
		return NULL;
	}
	if (parser_text(parser, token).length == 0) {
		parser_error(parser, token, "empty name behind %s, expected %s",
			     parser_show(word).text, expected);
		parser->token++;
		return NULL;
	}
	return parser_next(parser);
}

/* parse_id() - a user or group by number or by name, which policy_resolve() looks up */
static bool parse_id(struct parser *parser, const struct token *word, const struct token *token,
		     enum name_kind kind, uint32_t *ret_id, bool *ret_named)
{
	struct text text = parser_text(parser, token);
	uint64_t number;

	*ret_named = false;
	if (token->kind == TOKEN_WORD && parse_number(text.at, text.length, LAST_ID, &number)) {
		if (number > LAST_ID) {
			parser_error(parser, token,
				     "%s id %s is out of range, expected 0 to %u",
				     kind == NAME_USER ? "user" : "group", parser_show(token).text,
				     LAST_ID);
			return false;
		}
		*ret_id = (uint32_t)number;
		return true;
	}
	(void)word;
	*ret_named = true;
	return parser_name(parser, token, text, kind, ret_id);
}

static bool parse_user(struct parser *parser, struct principal_parse *principal,
		       const struct token *word)
{
	const struct token *token = take_name(parser, word, "a user's name or number");
	struct alternative *alternative = &principal->alternative;
	bool named;

	if (!token ||
	    !parse_id(parser, word, token, NAME_USER, &alternative->uid, &named))
		return false;
	alternative->conditions |= CONDITION_USER | (named ? CONDITION_NAMED_USER : 0);
	return true;
}

static bool parse_group(struct parser *parser, struct principal_parse *principal,
			const struct token *word)
{
	const struct token *token = take_name(parser, word, "a group's name or number");
	struct alternative *alternative = &principal->alternative;
	bool named;

	if (!token ||
	    !parse_id(parser, word, token, NAME_GROUP, &alternative->gid, &named))
		return false;
	alternative->conditions |= CONDITION_GROUP | (named ? CONDITION_NAMED_GROUP : 0);
	return true;
}
