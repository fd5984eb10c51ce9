/* SPDX-License-Identifier: MIT */
/*
 * parse_other.c - redirect PORTS to PORT
 *                 host NAME key KEY at ADDRESSES [users shared [IDS] | users named]
 *                      [root squash | root trust]
 *                 set OPTION VALUE
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/parse.h"

#define LAST_ID 4294967294U

static const char *const users_values[] = { "shared", "named" };
static const char *const root_values[] = { "squash", "trust" };

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
	return sound && statement->target != 0;
}

/* is_key() - whether it is the base64 of 32 bytes (RFC 4648, 4): 43 letters and '=' */
static bool is_key(struct text text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *last;

	if (text.length != 44 || text.at[43] != '=')
		return false;
	for (size_t i = 0; i < 43; i++) {
		if (!text.at[i] || !strchr(letters, text.at[i]))
			return false;
	}
	/* The last letter carries four bits, its other two are zero. */
	last = strchr(letters, text.at[42]);
	return ((last - letters) & 3) == 0;
}

static void parse_key(struct parser *parser, struct host *host)
{
	const struct token *token = parser->token;
	struct interned *entry;
	struct text text;

	if (!token_is_name(token) || token->keyword == KEYWORD_AT) {
		parser_error(parser, token,
			     "no key behind 'key', expected the host's public key in base64");
		return;
	}
	parser->token++;
	text = parser_text(parser, token);
	if (!is_key(text)) {
		parser_error(parser, token,
			     "bad key, expected the base64 of 32 bytes (44 characters)");
		return;
	}
	if (intern(&parser->storage->names_table, INTERN_KEY, text.at, text.length, &entry) < 0)
		parser_no_memory(parser);
	else
		host->key = entry->text;
}

static void add_id_range(struct parser *parser, struct host *host, uint32_t first, uint32_t last)
{
	struct policy *policy = parser->policy;

	if (GROW(policy->id_ranges, parser->storage->id_ranges, policy->n_id_ranges) < 0) {
		parser_no_memory(parser);
		return;
	}
	policy->id_ranges[policy->n_id_ranges++] = (struct id_range){ first, last };
	host->id_ranges++;
}

/* parse_ids() - one range of user ids */
static void parse_ids(struct parser *parser, void *closure)
{
	struct host *host = closure;
	const struct token *token = parser_next(parser);
	struct text text = parser_text(parser, token);
	const char *dash = memchr(text.at, '-', text.length);
	uint64_t first, last;
	bool sound;

	if (dash)
		sound = parse_number(text.at, (size_t)(dash - text.at), LAST_ID, &first) &&
			parse_number(dash + 1, text.length - (size_t)(dash - text.at) - 1, LAST_ID,
				     &last);
	else
		sound = parse_number(text.at, text.length, LAST_ID, &first) && (last = first, true);
	if (!sound)
		parser_error(parser, token, "bad user ids %s, expected a range such as 1000-59999",
			     parser_show(token).text);
	else if (first == 0)
		parser_error(
			parser, token,
			"user 0 in the shared ids, expected 1 or more ('root trust' is for root)");
	else if (last > LAST_ID || first > LAST_ID)
		parser_error(parser, token, "user ids %s are out of range, expected 1 to %u",
			     parser_show(token).text, LAST_ID);
	else if (first > last)
		parser_error(parser, token, "range %s is backwards, expected the smaller id first",
			     parser_show(token).text);
	else if (host->id_ranges == MAX_ID_RANGES)
		parser_error(parser, token, "more than %u ranges of ids, expected at most so many",
			     MAX_ID_RANGES);
	else
		add_id_range(parser, host, (uint32_t)first, (uint32_t)last);
}

/* parse_users() - users shared [IDS] | users named; without it the default ids are shared */
static void parse_users(struct parser *parser, struct host *host)
{
	const struct token *value;

	host->first_id_range = (uint32_t)parser->policy->n_id_ranges;
	if (!parser_take(parser, KEYWORD_USERS)) {
		add_id_range(parser, host, DEFAULT_ID_FIRST, DEFAULT_ID_LAST);
		return;
	}
	value = parser->token;
	if (!token_is_name(value) || value->keyword == KEYWORD_ROOT) {
		parser_error(parser, value, "nothing behind 'users', expected shared or named");
		return;
	}
	parser->token++;
	if (value->keyword == KEYWORD_NAMED) {
		host->users_named = true;
		return;
	}
	if (value->keyword != KEYWORD_SHARED) {
		parser_unknown(parser, value, parser_text(parser, value), "value", " of 'users'",
			       WORDS(users_values));
		return;
	}
	if (parser->token->kind == TOKEN_END || parser->token->keyword == KEYWORD_ROOT)
		add_id_range(parser, host, DEFAULT_ID_FIRST, DEFAULT_ID_LAST);
	else
		parser_list(parser, "a range of ids", "the list of ids", KEYWORD_BIT(KEYWORD_ROOT),
			    parse_ids, host);
}

static void parse_root(struct parser *parser, struct host *host)
{
	const struct token *value;

	if (!parser_take(parser, KEYWORD_ROOT))
		return;
	value = parser_next(parser);
	if (!token_is_name(value))
		parser_error(parser, value, "nothing behind 'root', expected squash or trust");
	else if (value->keyword == KEYWORD_TRUST)
		host->root_trusted = true;
	else if (value->keyword != KEYWORD_SQUASH)
		parser_unknown(parser, value, parser_text(parser, value), "value", " of 'root'",
			       WORDS(root_values));
}

/* parse_host_name() - false: an error was said */
static bool parse_host_name(struct parser *parser, struct host *host)
{
	const struct token *token = parser->token;
	struct text text;

	if (!token_is_name(token) || token->keyword == KEYWORD_KEY) {
		parser_error(parser, token, "no name behind 'host', expected the host's name");
		return false;
	}
	parser->token++;
	text = parser_text(parser, token);
	host->where = lexer_location(&parser->lexer, token);
	if (text.length == 0 || memchr(text.at, '@', text.length) ||
	    (text.length == 1 && text.at[0] == '*') ||
	    (text.length == 5 && memcmp(text.at, "local", 5) == 0)) {
		parser_error(parser, token,
			     "%s is no name of a host, expected one without '@' other than local "
			     "and *",
			     parser_show(token).text);
		return false;
	}
	if (!parser_name(parser, token, text, NAME_HOST, &host->name))
		return false;
	parser->policy->names[host->name].resolved = true;
	return true;
}

bool parse_host(struct parser *parser, struct statement *statement)
{
	struct policy *policy = parser->policy;
	struct host host = { 0 };
	bool sound = parse_host_name(parser, &host);

	if (!parser_expect(parser, KEYWORD_KEY, "the name", 0))
		return false;
	parse_key(parser, &host);
	if (!parser_expect(parser, KEYWORD_AT, "the key", 0))
		return false;
	parse_prefixes(parser, statement, KEYWORD_AT,
		       KEYWORD_BIT(KEYWORD_USERS) | KEYWORD_BIT(KEYWORD_ROOT));
	parse_users(parser, &host);
	parse_root(parser, &host);
	parser_expect_end(parser, "',', 'users', 'root' in this order or the end of the statement");

	if (!sound || !host.key)
		return false;
	if (GROW(policy->hosts, parser->storage->hosts, policy->n_hosts) < 0) {
		parser_no_memory(parser);
		return false;
	}
	statement->host = (uint32_t)policy->n_hosts;
	policy->hosts[policy->n_hosts++] = host;
	return true;
}

static const char *const option_names[OPTIONS] = {
	[OPTION_SCOPE] = "scope",
	[OPTION_PEERCRED] = "peercred",
};
static const char *const scope_values[] = { [SCOPE_OWN] = "own", [SCOPE_ALL] = "all" };
static const char *const peercred_values[] = { "accept", "all", "off" };

static struct words option_values(enum option option)
{
	return option == OPTION_SCOPE ? WORDS(scope_values) : WORDS(peercred_values);
}

/* set_option() - the first value stands; another one is an error that names both places */
static void set_option(struct parser *parser, enum option option, unsigned value,
		       const struct token *name, const struct token *token)
{
	struct option_value *known = &parser->storage->options[option];
	struct words values = option_values(option);
	_cleanup_free_ char *place = NULL;

	if (!known->set) {
		*known = (struct option_value){
			.value = value,
			.where = lexer_location(&parser->lexer, name),
			.set = true,
		};
		return;
	}
	if (known->value == value)
		return;
	place = location_text(parser->policy->sources, known->where);
	if (!place)
		parser_no_memory(parser);
	else
		parser_error(parser, token, "'%s' is '%s' here and '%s' at %s, expected one value",
			     option_names[option], values.items[value], values.items[known->value],
			     place);
}

bool parse_set(struct parser *parser, struct statement *statement)
{
	const struct token *name = parser_next(parser), *token;
	size_t option = token_find(name, WORDS(option_names)), value;
	struct words values;

	(void)statement;
	if (name->kind == TOKEN_END) {
		parser_error(parser, name, "nothing behind 'set', expected scope or peercred");
		return false;
	}
	if (option == OPTIONS) {
		parser_unknown(parser, name, parser_text(parser, name), "option", "",
			       WORDS(option_names));
		return false;
	}
	if (option != OPTION_SCOPE)
		parser_error(parser, name,
			     "this version of portcred does not put 'set %s' in force, expected "
			     "only 'set scope'",
			     option_names[option]);
	values = option_values((enum option)option);
	token = parser_next(parser);
	value = token_find(token, values);
	if (value == values.n) {
		parser_unknown(parser, token, parser_text(parser, token), "value",
			       option == OPTION_SCOPE ? " of 'scope'" : " of 'peercred'", values);
		return false;
	}
	set_option(parser, (enum option)option, (unsigned)value, name, token);
	parser_expect_end(parser, "the end of the statement behind the value");
	if (option == OPTION_SCOPE && !parser->failed)
		parser->policy->scope = (enum scope)value;
	return !parser->failed;
}
