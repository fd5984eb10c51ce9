/* SPDX-License-Identifier: MIT */
/*
 * parse_caller.c - accept PORTS from CALLERS, connect PORTS to SERVICES
 *
 * Both name somebody at a host: `user alice@db1`. The last '@' splits, so that a user may be called
 * by an address.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/parse.h"

#define LAST_USER  (UID_APPROVED - 1)
#define LAST_GROUP 4294967294U

#define HOST_FORMS "the name of a host statement, local or *"

static const char *const accept_words[] = { "user",           "group",   "anyone@HOST", "owner",
					    "group-of-owner", "address", "reserved" };
static const char *const connect_words[] = { "user", "approved@HOST", "anyone@HOST" };

#define CONNECT_BEGINS KEYWORD_BIT(KEYWORD_USER)
#define ACCEPT_BEGINS                                                                              \
	(KEYWORD_BIT(KEYWORD_USER) | KEYWORD_BIT(KEYWORD_GROUP) | KEYWORD_BIT(KEYWORD_OWNER) |     \
	 KEYWORD_BIT(KEYWORD_GROUP_OF_OWNER) | KEYWORD_BIT(KEYWORD_ADDRESS) |                      \
	 KEYWORD_BIT(KEYWORD_RESERVED))

/* struct caller_list - the callers of one statement while they are parsed */
struct caller_list {
	struct statement *statement;
	bool accept; /* else connect */
};

static void add_caller(struct parser *parser, const struct caller_list *list,
		       const struct caller *caller)
{
	struct policy *policy = parser->policy;

	if (GROW(policy->callers, parser->storage->callers, policy->n_callers) < 0) {
		parser_no_memory(parser);
		return;
	}
	policy->callers[policy->n_callers++] = *caller;
	list->statement->callers++;
}

static bool text_is(struct text text, const char *word)
{
	return text.length == strlen(word) && memcmp(text.at, word, text.length) == 0;
}

/* split() - at the last '@'; false if there is none */
static bool split(struct text text, struct text *ret_name, struct text *ret_host)
{
	const char *at = memrchr(text.at, '@', text.length);

	if (!at)
		return false;
	*ret_name = (struct text){ text.at, (size_t)(at - text.at) };
	*ret_host = (struct text){ at + 1, text.length - ret_name->length - 1 };
	return true;
}

/* parse_host_part() - what stands behind the '@'; false: an error was said */
static bool parse_host_part(struct parser *parser, const struct token *token, struct text host,
			    struct caller *caller)
{
	struct token part = *token;

	if (host.length == 0) {
		parser_error(parser, token, "no host behind '@', expected " HOST_FORMS);
		return false;
	}
	if (text_is(host, "local")) {
		caller->host_kind = CALLER_HOST_LOCAL;
		return true;
	}
	if (text_is(host, "*")) {
		caller->host_kind = CALLER_HOST_EVERY;
		return true;
	}
	if (token->kind == TOKEN_WORD)
		part = token_part(token, (size_t)(host.at - token->start), host.length);
	caller->host_kind = CALLER_HOST_NAMED;
	return parser_name(parser, &part, host, NAME_HOST, &caller->host);
}

/* parse_member() - behind `user` or `group`: NAME@HOST */
static bool parse_member(struct parser *parser, const struct token *word, struct caller *caller)
{
	const struct token *token = parser->token;
	bool group = caller->kind == CALLER_GROUP, named;
	struct text name, host;
	struct token part;

	if (!token_is_name(token)) {
		parser_error(parser, token, "no name behind %s, expected %s@HOST",
			     parser_show(word).text, group ? "GROUP" : "USER");
		return false;
	}
	parser->token++;
	if (!split(parser_text(parser, token), &name, &host)) {
		parser_error(parser, token,
			     "no host in %s, expected %s@HOST, HOST being " HOST_FORMS,
			     parser_show(token).text, group ? "GROUP" : "USER");
		return false;
	}
	if (name.length == 0) {
		parser_error(parser, token, "no name before '@', expected %s@HOST",
			     group ? "GROUP" : "USER");
		return false;
	}
	part = token_part(token, 0, name.length);
	if (!parse_id(parser, &part, name, group ? NAME_GROUP : NAME_USER,
		      group ? LAST_GROUP : LAST_USER, &caller->id, &named))
		return false;
	caller->flags = named ? CALLER_NAMED : 0;
	return parse_host_part(parser, token, host, caller);
}

/* parse_network() - behind `address` or `reserved` */
static bool parse_network(struct parser *parser, const struct token *word, struct caller *caller)
{
	struct prefix prefix;

	if (!token_is_name(parser->token)) {
		parser_error(parser, parser->token,
			     "no address behind %s, expected an address or a network such as "
			     "10.0.0.0/8",
			     parser_show(word).text);
		return false;
	}
	return parse_prefix(parser, parser_next(parser), &prefix) &&
	       add_prefix(parser, &prefix, &caller->prefix);
}

/* find_at_word() - `anyone@HOST`, `approved@HOST`: one word; false if it is neither */
static bool find_at_word(struct parser *parser, const struct caller_list *list,
			 const struct token *word, struct caller *caller, struct text *ret_host)
{
	struct text name;

	if (!split(parser_text(parser, word), &name, ret_host))
		return false;
	if (text_is(name, "anyone"))
		caller->kind = CALLER_ANYONE;
	else if (!list->accept && text_is(name, "approved"))
		caller->kind = CALLER_APPROVED;
	else
		return false;
	return true;
}

static void unknown_caller(struct parser *parser, const struct caller_list *list,
			   const struct token *word)
{
	struct words words = list->accept ? WORDS(accept_words) : WORDS(connect_words);

	if (word->keyword == KEYWORD_ANYONE || word->keyword == KEYWORD_APPROVED) {
		parser_error(parser, word,
			     "%s without a host, expected %.*s@HOST, HOST being " HOST_FORMS,
			     parser_show(word).text, (int)word->length, word->start);
		return;
	}
	parser_unknown(parser, word, parser_text(parser, word), list->accept ? "caller" : "owner",
		       list->accept ? "" : " of a service", words);
	if (token_is_name(parser->token))
		parser->token++;
}

/* parse_word() - one caller by its first word; false: an error was said */
static bool parse_word(struct parser *parser, const struct caller_list *list,
		       const struct token *word, struct caller *caller)
{
	struct text host;

	if (find_at_word(parser, list, word, caller, &host))
		return parse_host_part(parser, word, host, caller);
	if (!token_in(word, list->accept ? ACCEPT_BEGINS : CONNECT_BEGINS)) {
		unknown_caller(parser, list, word);
		return false;
	}
	switch (word->keyword) {
	case KEYWORD_USER:
		caller->kind = CALLER_USER;
		return parse_member(parser, word, caller);
	case KEYWORD_GROUP:
		caller->kind = CALLER_GROUP;
		return parse_member(parser, word, caller);
	case KEYWORD_ADDRESS:
		caller->kind = CALLER_ADDRESS;
		return parse_network(parser, word, caller);
	case KEYWORD_RESERVED:
		caller->kind = CALLER_RESERVED;
		return parse_network(parser, word, caller);
	case KEYWORD_OWNER:
		caller->kind = CALLER_OWNER;
		return true;
	default:
		caller->kind = CALLER_OWNER_GROUP;
		return true;
	}
}

static void parse_caller(struct parser *parser, void *closure)
{
	const struct caller_list *list = closure;
	struct caller caller = { 0 };

	if (parse_word(parser, list, parser_next(parser), &caller))
		add_caller(parser, list, &caller);
	if (parser->token->kind == TOKEN_COMMA || parser->token->kind == TOKEN_END)
		return;
	parser_error(parser, parser->token,
		     "unexpected %s, expected ',' and another or the end of the statement",
		     parser_show(parser->token).text);
	while (parser->token->kind != TOKEN_COMMA && parser->token->kind != TOKEN_END)
		parser->token++;
}

/* parse_callers() - the list behind `from` or `to`; false: not one of them is sound */
static bool parse_callers(struct parser *parser, struct statement *statement, const char *keyword)
{
	struct caller_list list = {
		.statement = statement,
		.accept = statement->kind == STATEMENT_ACCEPT,
	};

	statement->first_caller = (uint32_t)parser->policy->n_callers;
	if (parser->token->kind == TOKEN_END) {
		parser_error(parser, parser->token,
			     "nobody behind '%s', expected %s (an empty rule never means anyone)",
			     keyword,
			     list.accept ? "user, group, anyone@HOST, owner, group-of-owner, "
					   "address or reserved"
					 : "user, approved@HOST or anyone@HOST");
		return false;
	}
	parser_list(parser, "a caller", "the list of callers", 0, parse_caller, &list);
	parser_expect_end(parser, "the end of the statement");
	return statement->callers > 0;
}

bool parse_accept(struct parser *parser, struct statement *statement)
{
	bool sound = parse_ports(parser, statement, KEYWORD_ACCEPT);

	return parser_expect(parser, KEYWORD_FROM, "the ports", ACCEPT_BEGINS) &&
	       parse_callers(parser, statement, "from") && sound;
}

bool parse_connect(struct parser *parser, struct statement *statement)
{
	bool sound = parse_ports(parser, statement, KEYWORD_CONNECT);

	return parser_expect(parser, KEYWORD_TO, "the ports", CONNECT_BEGINS) &&
	       parse_callers(parser, statement, "to") && sound;
}

int caller_place(const struct policy *policy, const struct statement *statement, size_t index,
		 struct location *ret_where, unsigned *ret_width)
{
	const struct token *token;
	struct lexer lexer;
	int r = statement_lex(policy, statement, &lexer);

	if (r == 0) {
		/* Behind the word that ends the ports: callers of one or two words, and commas. */
		for (token = lexer.tokens; token->kind != TOKEN_END; token++) {
			if (token->keyword == KEYWORD_FROM || token->keyword == KEYWORD_TO)
				break;
		}
		for (; token->kind != TOKEN_END && index > 0; token++)
			index -= token[1].kind == TOKEN_COMMA;
		while (token->kind != TOKEN_END && token_is_name(&token[1]))
			token++;
		*ret_where = lexer_location(&lexer, token);
		*ret_width = lexer_width(token);
	}
	lexer_clear(&lexer);
	return r;
}
