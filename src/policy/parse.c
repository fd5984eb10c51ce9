/* SPDX-License-Identifier: MIT */
/*
 * parse.c - statements one after the other
 */
#include "policy/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/suggest.h"

#define MAX_SHOWN_BYTES 64 /* of a word in a message */

/* struct syntax - one kind of statement */
struct syntax {
	enum keyword keyword;
	enum statement_kind kind;
	bool observable; /* `observe` may stand before it */
	bool (*parse)(struct parser *parser, struct statement *statement);
};

static const struct syntax syntaxes[] = {
	{ KEYWORD_BIND, STATEMENT_BIND, true, parse_bind },
	{ KEYWORD_ACCEPT, STATEMENT_ACCEPT, true, parse_accept },
	{ KEYWORD_CONNECT, STATEMENT_CONNECT, true, parse_connect },
	{ KEYWORD_REDIRECT, STATEMENT_REDIRECT, false, parse_redirect },
	{ KEYWORD_HOST, STATEMENT_HOST, false, parse_host },
	{ KEYWORD_SET, STATEMENT_SET, false, parse_set },
};

static const char *const statement_words[] = { "bind", "accept",  "connect", "redirect",
					       "host", "observe", "set" };
static const char *const observable_words[] = { "bind", "accept", "connect" };

__attribute__((format(printf, 4, 0))) static void
add_diagnostic(struct parser *parser, enum severity severity, const struct token *token,
	       const char *format, va_list arguments)
{
	_cleanup_free_ char *text = NULL;

	/* Nothing is kept of those beyond the limit: no need to find the words. */
	if (!diagnostics_full(parser->diagnostics, severity) &&
	    vasprintf(&text, format, arguments) < 0) {
		text = NULL;
		parser_no_memory(parser);
	}
	diagnostics_add(parser->diagnostics, severity, lexer_location(&parser->lexer, token),
			lexer_width(token), "%s", text ? text : "");
}

void parser_error(struct parser *parser, const struct token *token, const char *format, ...)
{
	va_list arguments;

	parser->failed = true;
	parser->said = token->start;
	va_start(arguments, format);
	add_diagnostic(parser, SEVERITY_ERROR, token, format, arguments);
	va_end(arguments);
}

void parser_warning(struct parser *parser, const struct token *token, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_diagnostic(parser, SEVERITY_WARNING, token, format, arguments);
	va_end(arguments);
}

void parser_no_memory(struct parser *parser)
{
	parser->failed = true;
	parser->error = -ENOMEM;
}

struct shown parser_show_text(struct text text)
{
	struct shown shown;
	size_t length = text.length;

	/* Cut between characters. */
	if (length > MAX_SHOWN_BYTES) {
		for (length = MAX_SHOWN_BYTES; ((unsigned char)text.at[length] & 0xc0) == 0x80;)
			length--;
	}
	snprintf(shown.text, sizeof(shown.text), "'%.*s%s'", (int)length, text.at,
		 length < text.length ? "..." : "");
	return shown;
}

struct shown parser_show(const struct token *token)
{
	struct shown shown = { .text = "the end of the statement" };

	if (token->kind == TOKEN_END)
		return shown;
	return parser_show_text((struct text){ token->start, token->length });
}

/* join() - "a, b or c" */
static void join(struct words words, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < words.n && used < size; i++) {
		const char *between = i == 0 ? "" : i + 1 == words.n ? " or " : ", ";

		used += (size_t)snprintf(out + used, size - used, "%s%s", between, words.items[i]);
	}
}

void parser_unknown(struct parser *parser, const struct token *token, struct text text,
		    const char *what, const char *where, struct words words)
{
	struct suggestion suggestion;
	const char *meant;
	char expected[160];

	join(words, expected, sizeof(expected));
	if (token->kind == TOKEN_END) {
		parser_error(parser, token, "missing %s%s, expected %s", what, where, expected);
		return;
	}
	suggestion_begin(&suggestion, text.at, text.length);
	for (size_t i = 0; i < words.n; i++)
		suggestion_offer(&suggestion, words.items[i]);
	meant = suggestion_found(&suggestion);
	parser_error(parser, token, "unknown %s %s%s, expected %s%s%s%s", what,
		     parser_show(token).text, where, expected, meant ? "; did you mean '" : "",
		     meant ? meant : "", meant ? "'?" : "");
}

size_t token_find(const struct token *token, struct words words)
{
	size_t i = 0;

	if (token->kind != TOKEN_WORD)
		return words.n;
	while (i < words.n && (strlen(words.items[i]) != token->length ||
			       memcmp(words.items[i], token->start, token->length) != 0))
		i++;
	return i;
}

struct token token_part(const struct token *token, size_t offset, size_t length)
{
	struct token part = *token;

	if (token->kind != TOKEN_WORD)
		return part;
	part.start += offset;
	part.length = (uint32_t)length;
	return part;
}

bool parser_take(struct parser *parser, enum keyword keyword)
{
	if (parser->token->keyword != keyword)
		return false;
	parser->token++;
	return true;
}

const struct token *parser_next(struct parser *parser)
{
	const struct token *token = parser->token;

	if (token->kind != TOKEN_END)
		parser->token++;
	return token;
}

struct text parser_text(struct parser *parser, const struct token *token)
{
	struct text text = { token->start, token->length };
	size_t length = 0;

	if (token->kind != TOKEN_QUOTED)
		return text;
	text.at++;
	text.length -= 2;
	if (!memchr(text.at, '\\', text.length))
		return text;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '\\')
			i++; /* the lexer has seen what follows */
		parser->scratch[length++] = text.at[i];
	}
	return (struct text){ parser->scratch, length };
}

bool parser_name(struct parser *parser, const struct token *token, struct text text,
		 enum name_kind kind, uint32_t *ret_index)
{
	struct policy *policy = parser->policy;
	struct interned *entry;
	int r = intern(&parser->storage->names_table, kind, text.at, text.length, &entry);

	if (r < 0 || (r > 0 && GROW(policy->names, parser->storage->names, policy->n_names) < 0)) {
		parser_no_memory(parser);
		return false;
	}
	if (r > 0) {
		entry->index = (uint32_t)policy->n_names;
		policy->names[policy->n_names++] = (struct name){
			.text = entry->text,
			.kind = (uint8_t)kind,
			.width = lexer_width(token),
			.where = lexer_location(&parser->lexer, token),
		};
	}
	*ret_index = entry->index;
	return true;
}

bool parser_expect(struct parser *parser, enum keyword keyword, const char *behind, uint64_t begins)
{
	const struct token *found = parser->token, *later = found;
	const char *word = keyword_text(keyword);

	if (parser_take(parser, keyword))
		return true;
	if (found->kind == TOKEN_END && parser->said == found->start)
		return false; /* one error here is enough */
	if (found->kind == TOKEN_END || token_in(found, begins)) {
		parser_error(parser, found, "missing '%s' before %s, expected it behind %s", word,
			     parser_show(found).text, behind);
		return found->kind != TOKEN_END;
	}
	parser_error(parser, found, "unexpected %s behind %s, expected '%s'",
		     parser_show(found).text, behind, word);

	/* It may come later, or this is it, misspelled. */
	while (later->kind != TOKEN_END && later->keyword != keyword)
		later++;
	if (later->kind != TOKEN_END) {
		parser->token = later + 1;
		return true;
	}
	if (!token_in(found + 1, begins))
		return false;
	parser->token = found + 1;
	return true;
}

void parser_expect_end(struct parser *parser, const char *expected)
{
	if (parser->token->kind == TOKEN_END)
		return;
	parser_error(parser, parser->token, "unexpected %s, expected %s",
		     parser_show(parser->token).text, expected);
	while (parser->token->kind != TOKEN_END)
		parser->token++;
}

/* item_is_missing() - whether nothing that could be an item stands here */
static bool item_is_missing(const struct parser *parser, uint64_t stops)
{
	return !token_is_name(parser->token) || token_in(parser->token, stops);
}

void parser_list(struct parser *parser, const char *what, const char *list, uint64_t stops,
		 void (*item)(struct parser *parser, void *closure), void *closure)
{
	const struct token *comma = NULL;

	while (!parser->error) {
		if (!item_is_missing(parser, stops))
			item(parser, closure);
		else if (parser->token->kind == TOKEN_COMMA)
			parser_error(parser, parser->token,
				     "empty item in %s, expected %s before ','", list, what);
		else if (comma && comma->start != parser->said)
			parser_error(parser, comma, "',' at the end of %s, expected %s behind it",
				     list, what);
		if (parser->token->kind != TOKEN_COMMA)
			return;
		comma = parser->token++;
	}
}

bool parse_number(const char *at, size_t length, uint64_t most, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (length == 0 || (length > 1 && at[0] == '0'))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		if (number <= most)
			number = number * 10 + (uint64_t)(at[i] - '0');
	}
	*ret_number = number <= most ? number : most + 1;
	return true;
}

/* struct mark - how far the policy's arrays were filled before a statement */
struct mark {
	size_t ports, alternatives, prefixes, callers, hosts, id_ranges;
};

static struct mark mark(const struct policy *policy)
{
	return (struct mark){
		policy->n_ports,   policy->n_alternatives, policy->n_prefixes,
		policy->n_callers, policy->n_hosts,        policy->n_id_ranges,
	};
}

/* forget() - what a statement left behind since; names stay, they are shared */
static void forget(struct policy *policy, const struct mark *before)
{
	policy->n_ports = before->ports;
	policy->n_alternatives = before->alternatives;
	policy->n_prefixes = before->prefixes;
	policy->n_callers = before->callers;
	policy->n_hosts = before->hosts;
	policy->n_id_ranges = before->id_ranges;
}

static void add_statement(struct parser *parser, const struct statement *statement)
{
	struct policy *policy = parser->policy;

	if (GROW(policy->statements, parser->storage->statements, policy->n_statements) < 0) {
		parser_no_memory(parser);
		return;
	}
	policy->statements[policy->n_statements++] = *statement;
}

static const struct syntax *find_syntax(const struct token *token)
{
	for (size_t i = 0; i < ELEMENTS(syntaxes); i++) {
		if (token->keyword == syntaxes[i].keyword)
			return &syntaxes[i];
	}
	return NULL;
}

static void parse_statement(struct parser *parser)
{
	const struct token *first = parser->token, *word;
	struct statement statement = { .line = first->line, .file = parser->lexer.file };
	struct mark before = mark(parser->policy);
	bool observe = parser_take(parser, KEYWORD_OBSERVE);
	const struct syntax *syntax;
	struct words expected = observe ? WORDS(observable_words) : WORDS(statement_words);

	word = parser_next(parser);
	syntax = find_syntax(word);
	if (word->kind == TOKEN_END) {
		parser_error(parser, word,
			     "nothing behind 'observe', expected bind, accept or connect");
		return;
	}
	if (!syntax) {
		parser_unknown(parser, word, parser_text(parser, word), "statement",
			       observe ? " behind 'observe'" : "", expected);
		return;
	}
	if (observe && !syntax->observable) {
		parser_error(parser, word,
			     "'observe' before '%s', expected bind, accept or "
			     "connect behind it",
			     keyword_text(syntax->keyword));
		return;
	}
	statement.kind = (uint8_t)syntax->kind;
	statement.flags = observe ? STATEMENT_OBSERVE : 0;
	if (syntax->parse(parser, &statement))
		add_statement(parser, &statement);
	else
		forget(parser->policy, &before);
}

static int parse_source(struct parser *parser, uint16_t file)
{
	int r;

	lexer_begin(&parser->lexer, &parser->policy->sources->files[file], file,
		    parser->diagnostics);
	while ((r = lexer_next(&parser->lexer)) > 0) {
		if (parser->lexer.broken)
			continue;
		parser->token = parser->lexer.tokens;
		parser->said = NULL;
		parser->failed = false;
		parse_statement(parser);
		if (parser->error)
			return parser->error;
	}
	return r;
}

static struct policy *policy_new(struct sources *sources)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	policy->sources = sources;
	policy->storage = calloc(1, sizeof(*policy->storage));
	if (!policy->storage) {
		free(policy);
		return NULL;
	}
	return policy;
}

DEFINE_CLEANUP(struct policy *, policy_free)

int policy_parse(struct sources *sources, const struct policy_environment *environment,
		 struct diagnostics *diagnostics, struct policy **ret_policy)
{
	_cleanup_(policy_freep) struct policy *policy = policy_new(sources);
	_cleanup_free_ char *scratch = malloc(MAX_LINE_BYTES);
	struct parser parser = {
		.policy = policy,
		.environment = environment,
		.diagnostics = diagnostics,
		.scratch = scratch,
	};
	int r = 0;

	if (!policy || !scratch)
		return -ENOMEM;
	parser.storage = policy->storage;
	for (size_t file = 0; file < sources->n_files && r == 0; file++)
		r = parse_source(&parser, (uint16_t)file);
	lexer_clear(&parser.lexer);
	if (r < 0)
		return r;
	*ret_policy = TAKE_PTR(policy);
	return 0;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	intern_clear(&policy->storage->names_table);
	free(policy->storage->services);
	free(policy->storage);
	free(policy->statements);
	free(policy->ports);
	free(policy->alternatives);
	free(policy->prefixes);
	free(policy->names);
	free(policy->exes);
	free(policy->units);
	free(policy->callers);
	free(policy->hosts);
	free(policy->id_ranges);
	free(policy->groups);
	free(policy->members);
	free(policy->memberships);
	free(policy);
}
