/* SPDX-License-Identifier: MIT */
/*
 * parse.h - what the parts of the parser share; nothing outside of src/policy includes this
 *
 * The parser is recursive descent over the tokens of one logical line. An error is said where it
 * stands and marks the statement; the parser then goes on behind it where it can guess what was
 * meant, and else at the next statement. A refused statement leaves nothing behind in the policy
 * but its ports, if those are sound: what no single statement shows is then still checked.
 *
 *	parse.c          the loop over statements, and the helpers below
 *	parse_ports.c    lists of ports
 *	parse_address.c  addresses and networks
 *	parse_bind.c     bind
 *	parse_caller.c   accept, connect
 *	parse_host.c     host
 *	parse_other.c    redirect, set
 */
#ifndef PORTCRED_POLICY_PARSE_H
#define PORTCRED_POLICY_PARSE_H

#include "policy/intern.h"
#include "policy/lex.h"
#include "policy/policy.h"

/* Kinds of the table of names beside enum name_kind. */
enum intern_kind {
	INTERN_EXE = 16,
	INTERN_UNIT,
	INTERN_SERVICE,
	INTERN_OPTION, /* values of `set name` */
};

enum option {
	OPTION_SCOPE,
	OPTION_PEERCRED,
	OPTION_NAME,
	OPTIONS,
};

/* struct service - what the services database said of a name */
struct service {
	uint16_t ports[PROTOCOLS];
	uint8_t protocols; /* bits; 0: there is no such service */
};

/* struct option_value - what `set` gave an option first */
struct option_value {
	const char *value;
	struct location where;
	bool set;
};

/* struct policy_storage - room in the policy's arrays, and what only the parser needs */
struct policy_storage {
	size_t statements, ports, alternatives, prefixes, names, exes, units, callers, hosts,
		id_ranges;
	struct intern_table names_table;
	struct service *services;
	size_t n_services, services_allocated;
	struct option_value options[OPTIONS];
};

/* struct parser - one policy_parse() */
struct parser {
	struct policy *policy;
	struct policy_storage *storage;
	const struct policy_environment *environment;
	struct diagnostics *diagnostics;
	struct lexer lexer;
	const struct token *token; /* the next one; TOKEN_END is never passed */
	const char *said;          /* where the last error of this statement stands */
	bool failed;               /* the statement at hand has an error */
	int error;                 /* -ENOMEM: the parse ends */
	char *scratch;             /* MAX_LINE_BYTES: the text of a quoted token */
};

/* struct text - what a token says; valid until the next parser_text() */
struct text {
	const char *at;
	size_t length;
};

/* struct words - what may stand somewhere, for messages and suggestions */
struct words {
	const char *const *items;
	size_t n;
};

#define WORDS(array) ((struct words){ (array), sizeof(array) / sizeof((array)[0]) })

/* struct shown - a token as a message names it: 'word', or words for what is no word */
struct shown {
	char text[80];
};

struct shown parser_show(const struct token *token);
struct shown parser_show_text(struct text text);

/* parser_error() - at a token; the statement is refused */
void parser_error(struct parser *parser, const struct token *token, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void parser_warning(struct parser *parser, const struct token *token, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * parser_unknown() - "unknown WHAT 'token' WHERE, expected A, B or C; did you mean 'B'?"
 * @text: the part of the token that should have been one of @words
 * @where: " in a principal", or empty
 */
void parser_unknown(struct parser *parser, const struct token *token, struct text text,
		    const char *what, const char *where, struct words words);

/* parser_no_memory() - the parse ends with -ENOMEM */
void parser_no_memory(struct parser *parser);

/* token_in() - whether it is one of the keywords; token_is_name() - a word, quoted or not */
static inline bool token_in(const struct token *token, uint64_t keywords)
{
	return KEYWORD_BIT(token->keyword) & keywords;
}

static inline bool token_is_name(const struct token *token)
{
	return token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED;
}

/* token_find() - its index among the words, words.n if it is none of them */
size_t token_find(const struct token *token, struct words words);

/* token_part() - a piece of an unquoted token, to point at; of a quoted one the whole */
struct token token_part(const struct token *token, size_t offset, size_t length);

/* parser_take() - pass over a keyword if it stands here */
bool parser_take(struct parser *parser, enum keyword keyword);

/* parser_next() - the token that stands here, passed over unless it is the end */
const struct token *parser_next(struct parser *parser);

/* parser_text() - what a token says, quotes and escapes taken away */
struct text parser_text(struct parser *parser, const struct token *token);

/* parser_intern() - the index of a name of the policy, made if it is new; false: no memory */
bool parser_name(struct parser *parser, const struct token *token, struct text text,
		 enum name_kind kind, uint32_t *ret_index);

/*
 * parser_expect() - a keyword behind @behind ("the ports"), or an error and a guess where to go on
 * @begins: keywords that begin what follows the keyword, which may be what is there instead
 * Returns false if the rest of the statement makes no sense.
 */
bool parser_expect(struct parser *parser, enum keyword keyword, const char *behind,
		   uint64_t begins);

/* parser_expect_end() - an error if something is left; @expected: what could have been here */
void parser_expect_end(struct parser *parser, const char *expected);

/*
 * parser_list() - items separated by commas, until something that is neither
 * @what: "a port", for an empty item; @list: "the list of ports"
 * @stops: keywords that cannot begin an item
 * @item: parses one item, of at least one token, and stops at a comma or a word that may follow
 */
void parser_list(struct parser *parser, const char *what, const char *list, uint64_t stops,
		 void (*item)(struct parser *parser, void *closure), void *closure);

/*
 * parse_number() - digits and nothing else, no leading zero; false otherwise
 * A number above @most gives @most + 1.
 */
bool parse_number(const char *at, size_t length, uint64_t most, uint64_t *ret_number);

/*
 * parse_ports() - a list of ports into the statement
 * @keyword: the statement's word. Returns false if the list is not sound.
 */
bool parse_ports(struct parser *parser, struct statement *statement, enum keyword keyword);

/* parse_port() - one port without protocol, as a target; 0: an error was said */
uint16_t parse_port(struct parser *parser, const struct token *token);

/*
 * parse_id() - a user or group by number, or by a name that policy_resolve() looks up
 * @text: of the token or of a part of it; @most: the largest number
 * Returns false if an error was said.
 */
bool parse_id(struct parser *parser, const struct token *token, struct text text,
	      enum name_kind kind, uint32_t most, uint32_t *ret_id, bool *ret_named);

/*
 * parse_host_name() - what a host may be called, behind @keyword; false: an error was said
 * The token is passed over if it is a name.
 */
bool parse_host_name(struct parser *parser, const char *keyword, struct text *ret_text);

/* parse_prefixes() - a list of addresses into the statement; @keyword is what stood before it */
void parse_prefixes(struct parser *parser, struct statement *statement, enum keyword keyword,
		    uint64_t stops);

/* parse_prefix() - one of them; false: an error was said */
bool parse_prefix(struct parser *parser, const struct token *token, struct prefix *ret_prefix);
bool add_prefix(struct parser *parser, const struct prefix *prefix, uint32_t *ret_index);

/*
 * parse_bind() and the others - what follows the statement's first word
 * They return false where nothing of the statement may stay.
 */
bool parse_bind(struct parser *parser, struct statement *statement);
bool parse_accept(struct parser *parser, struct statement *statement);
bool parse_connect(struct parser *parser, struct statement *statement);
bool parse_redirect(struct parser *parser, struct statement *statement);
bool parse_host(struct parser *parser, struct statement *statement);
bool parse_set(struct parser *parser, struct statement *statement);

/*
 * statement_lex() - the tokens of a statement that was parsed, once more; lexer_clear() also if it
 * fails. Returns 0, -ENOMEM.
 */
int statement_lex(const struct policy *policy, const struct statement *statement,
		  struct lexer *lexer);

/*
 * port_place() - where the @index-th port range of a statement stands in the source
 * Reads the statement's line again, since a range keeps no place. Returns 0, -ENOMEM.
 */
int port_place(const struct policy *policy, const struct statement *statement, size_t index,
	       struct location *ret_where, unsigned *ret_width);

/* caller_place() - the same of the @index-th caller of accept or connect */
int caller_place(const struct policy *policy, const struct statement *statement, size_t index,
		 struct location *ret_where, unsigned *ret_width);

/* address_place() - the same of the @index-th address of a host, one that parse_host() let pass */
int address_place(const struct policy *policy, const struct statement *statement, size_t index,
		  struct location *ret_where, unsigned *ret_width);

/* location_text() - "FILE:LINE:COL", NULL without memory; the caller frees it */
char *location_text(const struct sources *sources, struct location where);

#endif
