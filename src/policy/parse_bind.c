/* SPDX-License-Identifier: MIT */
/*
 * parse_bind.c - bind PORTS by PRINCIPALS [on ADDRESSES] [only]
 *
 * Whatever goes wrong among the principals, the statement never comes to mean more than it says: a
 * refused one is left with a single alternative that admits nobody.
 */
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/parse.h"

#define LAST_ID 4294967294U /* (uid_t)-1 means "no change" to the kernel */

#define PRINCIPAL_FORMS "user, group, exe, unit, root or anyone"

/* struct principal - one alternative while it is parsed */
struct principal {
	struct alternative alternative;
	uint32_t seen; /* CONDITION_* of all words read, sound or not */
	const struct token *anyone, *exe, *root;
	unsigned words;
	bool confused; /* a word is unknown, or has no name behind it */
};

/* struct principal_word - a word of a principal; @parse reads the name behind it */
struct principal_word {
	uint32_t condition;
	void (*parse)(struct parser *parser, struct principal *principal, const struct token *word);
};

static const char *const principal_names[] = { "user", "group", "exe", "unit", "root", "anyone" };

#define NAMED_BITS                                                                                 \
	(KEYWORD_BIT(KEYWORD_USER) | KEYWORD_BIT(KEYWORD_GROUP) | KEYWORD_BIT(KEYWORD_EXE) |       \
	 KEYWORD_BIT(KEYWORD_UNIT) | KEYWORD_BIT(KEYWORD_ANYONE))
#define PRINCIPAL_BITS (NAMED_BITS | KEYWORD_BIT(KEYWORD_ROOT))
#define FOLLOW_BITS    (KEYWORD_BIT(KEYWORD_ON) | KEYWORD_BIT(KEYWORD_ONLY))
/* No names, unless quoted. `user root` is fine. */
#define RESERVED_BITS (NAMED_BITS | FOLLOW_BITS | KEYWORD_BIT(KEYWORD_BY))

/* find_name() - what stands behind a word that wants a name; NULL: an error was said */
static const struct token *find_name(struct parser *parser, const struct token *word,
				     const char *expected)
{
	const struct token *token = parser->token;

	if (!token_is_name(token)) {
		parser_error(parser, token, "no name behind %s, expected %s",
			     parser_show(word).text, expected);
		return NULL;
	}
	if (token_in(token, RESERVED_BITS)) {
		parser_error(parser, token,
			     "no name between %s and %s, expected %s (in quotes if that is its "
			     "name)",
			     parser_show(word).text, parser_show(token).text, expected);
		return NULL;
	}
	parser->token++;
	if (parser_text(parser, token).length == 0) {
		parser_error(parser, token, "empty name behind %s, expected %s",
			     parser_show(word).text, expected);
		return NULL;
	}
	return token;
}

/* take_name() - the same; without a name, what the principal's words mean together is not known */
static const struct token *take_name(struct parser *parser, struct principal *principal,
				     const struct token *word, const char *expected)
{
	const struct token *token = find_name(parser, word, expected);

	if (!token)
		principal->confused = true;
	return token;
}

bool parse_id(struct parser *parser, const struct token *token, struct text text,
	      enum name_kind kind, uint32_t most, uint32_t *ret_id, bool *ret_named)
{
	uint64_t number;

	if (token->kind != TOKEN_WORD || !parse_number(text.at, text.length, most, &number)) {
		*ret_named = true;
		return parser_name(parser, token, text, kind, ret_id);
	}
	if (number > most) {
		parser_error(parser, token, "%s id %.*s is out of range, expected 0 to %u",
			     kind == NAME_USER ? "user" : "group",
			     (int)(text.length > 24 ? 24 : text.length), text.at, most);
		return false;
	}
	*ret_named = false;
	*ret_id = (uint32_t)number;
	return true;
}

static void parse_user(struct parser *parser, struct principal *principal, const struct token *word)
{
	const struct token *token = take_name(parser, principal, word, "a user's name or number");
	struct alternative *alternative = &principal->alternative;
	bool named;

	if (!token || !parse_id(parser, token, parser_text(parser, token), NAME_USER, LAST_ID,
				&alternative->uid, &named))
		return;
	alternative->conditions |= CONDITION_USER | (named ? CONDITION_NAMED_USER : 0);
}

static void parse_group(struct parser *parser, struct principal *principal,
			const struct token *word)
{
	const struct token *token = take_name(parser, principal, word, "a group's name or number");
	struct alternative *alternative = &principal->alternative;
	bool named;

	if (!token || !parse_id(parser, token, parser_text(parser, token), NAME_GROUP, LAST_ID,
				&alternative->gid, &named))
		return;
	alternative->conditions |= CONDITION_GROUP | (named ? CONDITION_NAMED_GROUP : 0);
}

static bool add_exe(struct parser *parser, const struct token *token, struct text path,
		    uint32_t *ret_index)
{
	struct policy *policy = parser->policy;
	struct interned *entry;
	int r = intern(&parser->storage->names_table, INTERN_EXE, path.at, path.length, &entry);

	if (r < 0 || (r > 0 && GROW(policy->exes, parser->storage->exes, policy->n_exes) < 0)) {
		parser_no_memory(parser);
		return false;
	}
	if (r > 0) {
		entry->index = (uint32_t)policy->n_exes;
		policy->exes[policy->n_exes++] = (struct executable){
			.path = entry->text,
			.width = lexer_width(token),
			.where = lexer_location(&parser->lexer, token),
		};
	}
	*ret_index = entry->index;
	return true;
}

static void parse_exe(struct parser *parser, struct principal *principal, const struct token *word)
{
	const struct token *token = take_name(parser, principal, word, "a program's absolute path");
	struct text path;

	if (!token)
		return;
	path = parser_text(parser, token);
	if (path.at[0] != '/') {
		parser_error(parser, token,
			     "%s is not an absolute path, expected one such as /usr/sbin/nginx",
			     parser_show(token).text);
		return;
	}
	if (path.length >= PATH_MAX) {
		parser_error(parser, token, "path of %zu bytes, expected at most %d", path.length,
			     PATH_MAX - 1);
		return;
	}
	principal->alternative.conditions |= CONDITION_EXE;
	add_exe(parser, token, path, &principal->alternative.exe);
}

static bool add_unit(struct parser *parser, const struct token *token, struct text name,
		     uint32_t *ret_index)
{
	const char *star = memchr(name.at, '*', name.length);
	struct policy *policy = parser->policy;
	struct unit_pattern *pattern;
	struct interned *entry;
	int r = intern(&parser->storage->names_table, INTERN_UNIT, name.at, name.length, &entry);

	if (r < 0 || (r > 0 && GROW(policy->units, parser->storage->units, policy->n_units) < 0)) {
		parser_no_memory(parser);
		return false;
	}
	*ret_index = r > 0 ? (uint32_t)policy->n_units : entry->index;
	if (r == 0)
		return true;
	entry->index = *ret_index;
	policy->units[policy->n_units] = (struct unit){
		.where = lexer_location(&parser->lexer, token),
	};
	pattern = &policy->units[policy->n_units++].pattern;
	pattern->wildcard = star != NULL;
	pattern->prefix = (uint16_t)(star ? (size_t)(star - name.at) : name.length);
	pattern->suffix = (uint16_t)(star ? name.length - pattern->prefix - 1 : 0);
	memcpy(pattern->text, name.at, pattern->prefix);
	if (star)
		memcpy(pattern->text + pattern->prefix, star + 1, pattern->suffix);
	return true;
}

static bool ends_with(struct text text, const char *end)
{
	size_t length = strlen(end);

	return text.length >= length && memcmp(text.at + text.length - length, end, length) == 0;
}

/* check_unit() - what no unit can be called; false: an error was said */
static bool check_unit(struct parser *parser, const struct token *token, struct text name)
{
	const char *star = memchr(name.at, '*', name.length);

	if (name.length >= MAX_UNIT_NAME) {
		parser_error(parser, token, "unit name of %zu bytes, expected at most %d",
			     name.length, MAX_UNIT_NAME - 1);
		return false;
	}
	if (memchr(name.at, '/', name.length)) {
		parser_error(
			parser, token,
			"'/' in unit %s, expected the unit's name alone, such as nginx.service",
			parser_show(token).text);
		return false;
	}
	if (star && memchr(star + 1, '*', name.length - (size_t)(star - name.at) - 1)) {
		parser_error(parser, token, "two '*' in unit %s, expected at most one",
			     parser_show(token).text);
		return false;
	}
	if (ends_with(name, ".slice")) {
		parser_error(parser, token,
			     "%s is a slice, expected a unit inside of one, such as nginx.service",
			     parser_show(token).text);
		return false;
	}
	if (!star && !memchr(name.at, '.', name.length))
		parser_warning(parser, token,
			       "unit %s has no suffix, expected one such as '%.*s.service' if "
			       "systemd runs it",
			       parser_show(token).text, (int)name.length, name.at);
	return true;
}

static void parse_unit(struct parser *parser, struct principal *principal, const struct token *word)
{
	const struct token *token = take_name(parser, principal, word, "a unit's name");
	struct text name;

	if (!token)
		return;
	name = parser_text(parser, token);
	if (!check_unit(parser, token, name))
		return;
	principal->alternative.conditions |= CONDITION_UNIT;
	add_unit(parser, token, name, &principal->alternative.unit);
}

static void parse_root(struct parser *parser, struct principal *principal, const struct token *word)
{
	(void)parser;
	principal->root = word;
	principal->alternative.conditions |= CONDITION_USER;
	principal->alternative.uid = 0;
}

static void parse_anyone(struct parser *parser, struct principal *principal,
			 const struct token *word)
{
	(void)parser;
	principal->anyone = word;
	principal->alternative.conditions |= CONDITION_ANYONE;
}

static const struct principal_word principal_words[KEYWORDS] = {
	[KEYWORD_USER] = { CONDITION_USER, parse_user },
	[KEYWORD_GROUP] = { CONDITION_GROUP, parse_group },
	[KEYWORD_EXE] = { CONDITION_EXE, parse_exe },
	[KEYWORD_UNIT] = { CONDITION_UNIT, parse_unit },
	[KEYWORD_ROOT] = { CONDITION_USER, parse_root },
	[KEYWORD_ANYONE] = { CONDITION_ANYONE, parse_anyone },
};

/* unknown_word() - and what was meant as its name is passed over with it */
static void unknown_word(struct parser *parser, const struct token *word)
{
	parser_unknown(parser, word, parser_text(parser, word), "word", " in a principal",
		       WORDS(principal_names));
	if (token_is_name(parser->token) && !token_in(parser->token, PRINCIPAL_BITS) &&
	    !token_in(parser->token, FOLLOW_BITS))
		parser->token++;
}

/* said_before() - the error of a word that the principal has already */
static void said_before(struct parser *parser, const struct principal *principal,
			const struct token *word)
{
	bool is_root = word->keyword == KEYWORD_ROOT, was_root = principal->root != NULL;

	if ((is_root || word->keyword == KEYWORD_USER) && is_root != was_root)
		parser_error(parser, word,
			     "'root' and 'user' in one principal, expected one of them (root is "
			     "user 0)");
	else
		parser_error(parser, word, "%s twice in one principal, expected ',' between two",
			     parser_show(word).text);
}

/* parse_words() - all words of one principal */
static void parse_words(struct parser *parser, struct principal *principal)
{
	while (token_is_name(parser->token) && !token_in(parser->token, FOLLOW_BITS)) {
		const struct token *word = parser_next(parser);
		const struct principal_word *known = &principal_words[word->keyword];

		if (!known->parse) {
			unknown_word(parser, word);
			principal->confused = true;
			continue;
		}
		if ((principal->seen & known->condition) && word->keyword != KEYWORD_ANYONE)
			said_before(parser, principal, word);
		principal->seen |= known->condition;
		principal->words++;
		if (known->condition == CONDITION_EXE)
			principal->exe = word;
		known->parse(parser, principal, word);
	}
}

/* check_words() - what the words of one principal say together */
static void check_words(struct parser *parser, const struct principal *principal)
{
	if (principal->confused)
		return;
	if (principal->anyone && principal->words > 1)
		parser_error(parser, principal->anyone,
			     "'anyone' and other words in one principal, expected 'anyone' alone");
	else if (principal->seen == CONDITION_EXE)
		parser_error(parser, principal->exe,
			     "'exe' alone, expected user, group or unit beside it (who may run a "
			     "program can steer it)");
}

/* parse_principal() - one alternative */
static void parse_principal(struct parser *parser, void *closure)
{
	struct statement *statement = closure;
	struct policy *policy = parser->policy;
	struct principal principal = { 0 };

	parse_words(parser, &principal);
	check_words(parser, &principal);
	if (parser->failed)
		return; /* and admit_nobody() will take away what is there */
	if (GROW(policy->alternatives, parser->storage->alternatives, policy->n_alternatives) < 0) {
		parser_no_memory(parser);
		return;
	}
	policy->alternatives[policy->n_alternatives++] = principal.alternative;
	statement->alternatives++;
}

/* admit_nobody() - what is left of the principals of a statement with errors */
static void admit_nobody(struct parser *parser, struct statement *statement)
{
	struct policy *policy = parser->policy;

	policy->n_alternatives = statement->first_alternative;
	if (GROW(policy->alternatives, parser->storage->alternatives, policy->n_alternatives) < 0) {
		parser_no_memory(parser);
		return;
	}
	policy->alternatives[policy->n_alternatives++] =
		(struct alternative){ .conditions = CONDITION_NEVER };
	statement->alternatives = 1;
}

static void parse_principals(struct parser *parser, struct statement *statement)
{
	if (parser->token->kind == TOKEN_END || token_in(parser->token, FOLLOW_BITS)) {
		parser_error(parser, parser->token,
			     "nobody behind 'by', expected " PRINCIPAL_FORMS
			     " (an empty rule never means anyone)");
		return;
	}
	parser_list(parser, "a principal", "the list of principals", FOLLOW_BITS, parse_principal,
		    statement);
}

/* parse_tail() - [on ADDRESSES] [only] */
static void parse_tail(struct parser *parser, struct statement *statement)
{
	if (parser_take(parser, KEYWORD_ON))
		parse_prefixes(parser, statement, KEYWORD_ON, KEYWORD_BIT(KEYWORD_ONLY));
	if (parser_take(parser, KEYWORD_ONLY)) {
		statement->flags |= STATEMENT_ONLY;
		parser_expect_end(parser, "the end of the statement behind 'only'");
		return;
	}
	if (statement->prefixes)
		parser_expect_end(parser, "',' and another address, 'only' or the end of the "
					  "statement");
	else
		parser_expect_end(parser, "'on', 'only' or the end of the statement");
}

bool parse_bind(struct parser *parser, struct statement *statement)
{
	bool sound = parse_ports(parser, statement, KEYWORD_BIND);

	statement->first_alternative = (uint32_t)parser->policy->n_alternatives;
	if (parser_expect(parser, KEYWORD_BY, "the ports", PRINCIPAL_BITS)) {
		parse_principals(parser, statement);
		if (!parser->error)
			parse_tail(parser, statement);
	}
	if (parser->failed)
		admit_nobody(parser, statement);
	return sound;
}
