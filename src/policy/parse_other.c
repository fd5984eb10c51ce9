/* SPDX-License-Identifier: MIT */
/*
 * parse_other.c - redirect PORTS to PORT
 *                 set OPTION VALUE
 */
#include <string.h>

#include "base/cleanup.h"
#include "policy/parse.h"

bool parse_redirect(struct parser *parser, struct statement *statement)
{
	bool sound = parse_ports(parser, statement, KEYWORD_REDIRECT);
	const struct token *token;

	if (!parser_expect(parser, KEYWORD_TO, "the ports", 0))
		return false;
	token = parser_next(parser);
	if (!token_is_name(token)) {
		parser_error(parser, token, "no port behind 'to', expected the target port");
		return false;
	}
	statement->target = parse_port(parser, token);
	parser_expect_end(parser, "the end of the statement behind the target port");
	return sound && statement->target != 0 && !parser->failed;
}

static const char *const option_names[OPTIONS] = {
	[OPTION_SCOPE] = "scope",
	[OPTION_PEERCRED] = "peercred",
	[OPTION_NAME] = "name",
};
static const char *const scope_values[] = { [SCOPE_OWN] = "own", [SCOPE_ALL] = "all" };
static const char *const peercred_values[] = {
	[PEERCRED_ACCEPT] = "accept",
	[PEERCRED_ALL] = "all",
	[PEERCRED_OFF] = "off",
};

/* set_option() - the first value stands; another one is an error that names both places */
static void set_option(struct parser *parser, enum option option, const char *value,
		       const struct token *name, const struct token *token)
{
	struct option_value *known = &parser->storage->options[option];
	_cleanup_free_ char *place = NULL;

	if (!known->set) {
		*known = (struct option_value){
			.value = value,
			.where = lexer_location(&parser->lexer, name),
			.set = true,
		};
		return;
	}
	if (strcmp(known->value, value) == 0)
		return;
	place = location_text(parser->policy->sources, known->where);
	if (!place)
		parser_no_memory(parser);
	else
		parser_error(parser, token, "'%s' is '%s' here and '%s' at %s, expected one value",
			     option_names[option], value, known->value, place);
}

/* parse_value() - one of some words; values.n: an error was said */
static size_t parse_value(struct parser *parser, enum option option, const struct token *name,
			  struct words values)
{
	const struct token *token = parser_next(parser);
	size_t value = token_find(token, values);

	if (value < values.n)
		set_option(parser, option, values.items[value], name, token);
	else
		parser_unknown(parser, token, parser_text(parser, token), "value",
			       option == OPTION_SCOPE ? " of 'scope'" : " of 'peercred'", values);
	return value;
}

/* parse_own_name() - the text that the policy keeps; NULL: an error was said */
static const char *parse_own_name(struct parser *parser, const struct token *name)
{
	const struct token *token = parser->token;
	struct interned *entry;
	struct text text;

	if (!parse_host_name(parser, "set name", &text))
		return NULL;
	if (intern(&parser->storage->names_table, INTERN_OPTION, text.at, text.length, &entry) <
	    0) {
		parser_no_memory(parser);
		return NULL;
	}
	set_option(parser, OPTION_NAME, entry->text, name, token);
	return entry->text;
}

/* parse_option() - the value of one of the options, into the policy if it is sound */
static bool parse_option(struct parser *parser, enum option option, const struct token *name)
{
	struct policy *policy = parser->policy;
	const char *own_name = NULL;
	size_t value = 0, n = 1;

	switch (option) {
	case OPTION_SCOPE:
		n = ELEMENTS(scope_values);
		value = parse_value(parser, option, name, WORDS(scope_values));
		break;
	case OPTION_PEERCRED:
		n = ELEMENTS(peercred_values);
		value = parse_value(parser, option, name, WORDS(peercred_values));
		break;
	default:
		own_name = parse_own_name(parser, name);
		value = own_name ? 0 : n;
	}
	if (value == n)
		return false;
	parser_expect_end(parser, "the end of the statement behind the value");
	if (parser->failed)
		return false;
	if (option == OPTION_SCOPE)
		policy->scope = (enum scope)value;
	else if (option == OPTION_PEERCRED)
		policy->peercred = (enum peercred)value;
	else
		policy->name = own_name;
	return true;
}

bool parse_set(struct parser *parser, struct statement *statement)
{
	const struct token *name = parser_next(parser);
	size_t option = token_find(name, WORDS(option_names));

	(void)statement;
	if (name->kind == TOKEN_END) {
		parser_error(parser, name,
			     "nothing behind 'set', expected scope, peercred or name");
		return false;
	}
	if (option == OPTIONS) {
		parser_unknown(parser, name, parser_text(parser, name), "option", "",
			       WORDS(option_names));
		return false;
	}
	return parse_option(parser, (enum option)option, name);
}
