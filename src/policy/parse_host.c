/* SPDX-License-Identifier: MIT */
/*
 * parse_host.c - host NAME key KEY[, KEY] at ADDRESSES [users shared [IDS]] [root squash | root trust]
 */
#include <sodium.h>
#include <string.h>

#include "base/grow.h"
#include "policy/parse.h"

#define LAST_ID (UID_APPROVED - 1)

/* Characters of 32 bytes in base64 (RFC 4648, section 4). */
#define KEY_CHARACTERS 44U

static const char *const users_values[] = { "shared" };
static const char *const root_values[] = { "squash", "trust" };

/* read_key() - false if it is not the base64 of 32 bytes, whole and in its one canonical form */
static bool read_key(struct text text, uint8_t ret_key[static HOST_KEY_BYTES])
{
	const char *end;
	size_t size;

	return text.length == KEY_CHARACTERS &&
	       sodium_base642bin(ret_key, HOST_KEY_BYTES, text.at, text.length, NULL, &size, &end,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       size == HOST_KEY_BYTES && end == text.at + text.length;
}

/* parse_key() - one of the keys */
static void parse_key(struct parser *parser, void *closure)
{
	const struct token *token = parser_next(parser);
	struct host *host = closure;
	struct host_key key = {
		.where = lexer_location(&parser->lexer, token),
		.width = lexer_width(token),
	};

	if (!read_key(parser_text(parser, token), key.bytes)) {
		parser_error(parser, token,
			     "bad key, expected the base64 of 32 bytes (44 characters)");
		return;
	}
	for (uint32_t i = 0; i < host->n_keys; i++) {
		if (memcmp(host->keys[i].bytes, key.bytes, sizeof(key.bytes)) != 0)
			continue;
		parser_error(parser, token,
			     "key twice for one host, expected another one (the old and the new "
			     "key while they are rotated)");
		return;
	}
	if (host->n_keys == MAX_HOST_KEYS) {
		parser_error(parser, token,
			     "more than %u keys of one host, expected at most so many",
			     MAX_HOST_KEYS);
		return;
	}
	host->keys[host->n_keys++] = key;
}

static void parse_keys(struct parser *parser, struct host *host)
{
	if (parser->token->kind == TOKEN_END || parser->token->keyword == KEYWORD_AT) {
		parser_error(parser, parser->token,
			     "no key behind 'key', expected the host's public key in base64");
		return;
	}
	parser_list(parser, "a key", "the list of keys", KEYWORD_BIT(KEYWORD_AT), parse_key, host);
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

/* parse_users() - users shared [IDS]; without it the default ids are shared */
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
		parser_error(parser, value, "nothing behind 'users', expected shared");
		return;
	}
	parser->token++;
	if (value->keyword == KEYWORD_NAMED) {
		parser_error(parser, value,
			     "'users named' needs ask, which this version of portcred has not, "
			     "expected shared");
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

bool parse_host_name(struct parser *parser, const char *keyword, struct text *ret_text)
{
	const struct token *token = parser->token;
	struct text text;

	if (!token_is_name(token)) {
		parser_error(parser, token, "no name behind '%s', expected the host's name",
			     keyword);
		return false;
	}
	parser->token++;
	text = parser_text(parser, token);
	if (text.length == 0 || memchr(text.at, '@', text.length) ||
	    (text.length == 1 && text.at[0] == '*') ||
	    (text.length == 5 && memcmp(text.at, "local", 5) == 0)) {
		parser_error(parser, token,
			     "%s is no name of a host, expected one without '@' other than local "
			     "and *",
			     parser_show(token).text);
		return false;
	}
	if (text.length >= MAX_HOST_NAME) {
		parser_error(parser, token, "name of a host of %zu bytes, expected at most %d",
			     text.length, MAX_HOST_NAME - 1);
		return false;
	}
	*ret_text = text;
	return true;
}

/* parse_name() - false: an error was said */
static bool parse_name(struct parser *parser, struct host *host)
{
	const struct token *token = parser->token;
	struct text text;

	if (token->keyword == KEYWORD_KEY) {
		parser_error(parser, token, "no name behind 'host', expected the host's name");
		return false;
	}
	if (!parse_host_name(parser, "host", &text) ||
	    !parser_name(parser, token, text, NAME_HOST, &host->name))
		return false;
	host->where = lexer_location(&parser->lexer, token);
	parser->policy->names[host->name].resolved = true;
	return true;
}

bool parse_host(struct parser *parser, struct statement *statement)
{
	struct policy *policy = parser->policy;
	struct host host = { 0 };
	bool sound = parse_name(parser, &host);

	if (!parser_expect(parser, KEYWORD_KEY, "the name", 0))
		return false;
	parse_keys(parser, &host);
	if (!parser_expect(parser, KEYWORD_AT, "the key", 0))
		return false;
	parse_prefixes(parser, statement, KEYWORD_AT,
		       KEYWORD_BIT(KEYWORD_USERS) | KEYWORD_BIT(KEYWORD_ROOT));
	parse_users(parser, &host);
	parse_root(parser, &host);
	parser_expect_end(parser, "',', 'users', 'root' in this order or the end of the statement");

	if (!sound || host.n_keys == 0)
		return false;
	if (GROW(policy->hosts, parser->storage->hosts, policy->n_hosts) < 0) {
		parser_no_memory(parser);
		return false;
	}
	statement->host = (uint32_t)policy->n_hosts;
	policy->hosts[policy->n_hosts++] = host;
	return true;
}

int address_place(const struct policy *policy, const struct statement *statement, size_t index,
		  struct location *ret_where, unsigned *ret_width)
{
	const struct token *token;
	struct lexer lexer;
	int r = statement_lex(policy, statement, &lexer);

	if (r == 0) {
		/* Behind `host`, the name and `key`: keys, `at`, then addresses and commas in turn. */
		for (token = lexer.tokens + 3; token->kind != TOKEN_END; token++) {
			if (token->keyword == KEYWORD_AT)
				break;
		}
		token += 1 + 2 * index;
		*ret_where = lexer_location(&lexer, token);
		*ret_width = lexer_width(token);
	}
	lexer_clear(&lexer);
	return r;
}
