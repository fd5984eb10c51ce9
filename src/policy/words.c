/* SPDX-License-Identifier: MIT */
#include "policy/words.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "policy/lex.h"

void words_ports(uint16_t first, uint16_t last, FILE *out)
{
	if (first == last)
		fprintf(out, "%u", first);
	else
		fprintf(out, "%u-%u", first, last);
}

static void print_address(const uint32_t address[static 4], unsigned family, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	if (family == 4)
		inet_ntop(AF_INET, &address[3], text, sizeof(text));
	else
		inet_ntop(AF_INET6, address, text, sizeof(text));
	fputs(text, out);
}

void words_prefix(const struct prefix *prefix, FILE *out)
{
	print_address(prefix->address, prefix->family, out);
	if (prefix->length != (prefix->family == 4 ? 32U : 128U))
		fprintf(out, "/%" PRIu32, prefix->length);
}

void words_prefixes(const struct policy *policy, const struct statement *statement, FILE *out)
{
	for (size_t i = 0; i < statement->prefixes; i++) {
		fputs(i ? ", " : "", out);
		words_prefix(&policy->prefixes[statement->first_prefix + i], out);
	}
}

void words_address(const struct target *target, FILE *out)
{
	print_address(target->address, target->family, out);
}

void words_end_address(const struct other_end *end, FILE *out)
{
	print_address(end->address, end->family, out);
}

static void print_name(const struct policy *policy, enum name_kind kind, uint32_t id, FILE *out)
{
	for (size_t i = 0; i < policy->n_names; i++) {
		const struct name *name = &policy->names[i];

		if (name->kind == kind && name->resolved && name->id == id) {
			fputs(name->text, out);
			return;
		}
	}
	fprintf(out, "%" PRIu32, id);
}

void words_user(const struct policy *policy, uint32_t uid, FILE *out)
{
	print_name(policy, NAME_USER, uid, out);
}

void words_group(const struct policy *policy, uint32_t gid, FILE *out)
{
	print_name(policy, NAME_GROUP, gid, out);
}

void words_unit(const struct unit_pattern *pattern, FILE *out)
{
	fwrite(pattern->text, 1, pattern->prefix, out);
	if (pattern->wildcard)
		fputc('*', out);
	fwrite(pattern->text + pattern->prefix, 1, pattern->suffix, out);
}

void words_rule(const struct policy *policy, const struct rule *rule, FILE *out)
{
	const struct sources *sources = policy->sources;

	if (sources && rule->file < sources->n_files)
		fprintf(out, "%s:%" PRIu32, sources->files[rule->file].name, rule->line);
	else
		fprintf(out, "line %" PRIu32, rule->line);
}

void words_alternative(const struct policy *policy, const struct alternative *alternative,
		       FILE *out)
{
	uint32_t conditions = alternative->conditions;
	const char *blank = "";

	if (conditions & CONDITION_ANYONE) {
		fputs("anyone", out);
		return;
	}
	if ((conditions & CONDITION_USER) && alternative->uid == 0) {
		fputs("root", out);
		blank = " ";
	} else if (conditions & CONDITION_USER) {
		fputs("user ", out);
		words_user(policy, alternative->uid, out);
		blank = " ";
	}
	if (conditions & CONDITION_GROUP) {
		fprintf(out, "%sgroup ", blank);
		words_group(policy, alternative->gid, out);
		blank = " ";
	}
	if ((conditions & CONDITION_EXE) && alternative->exe < policy->n_exes) {
		fprintf(out, "%sexe %s", blank, policy->exes[alternative->exe].path);
		blank = " ";
	}
	if ((conditions & CONDITION_UNIT) && alternative->unit < policy->n_units) {
		fprintf(out, "%sunit ", blank);
		words_unit(&policy->units[alternative->unit].pattern, out);
	}
}

/* reader_go() - to the beginning of a line; false: the source has none such */
static bool reader_go(struct words_reader *reader, const struct source *source, uint32_t line)
{
	const char *end = source->text + source->size;
	size_t length;

	if (line == 0)
		return false;
	if (reader->source != source || reader->line > line || !reader->at)
		*reader = (struct words_reader){
			.source = source,
			.at = source_line(source, 1, &length),
			.line = 1,
		};
	if (!reader->at)
		return false;
	while (reader->line < line) {
		const char *newline = memchr(reader->at, '\n', (size_t)(end - reader->at));

		if (!newline)
			return false;
		reader->at = newline + 1;
		reader->line++;
	}
	return true;
}

/*
 * reader_lex() - the tokens of the statement at @rule; false: there are none
 * By the parser's own reading of a line, so that the two agree on what belongs to it.
 */
static bool reader_lex(struct words_reader *reader, const struct sources *sources,
		       const struct rule *rule, struct lexer *lexer)
{
	struct diagnostics unheard = { 0 };
	const struct source *source;
	struct source rest;
	bool sound;

	if (!sources || rule->file >= sources->n_files)
		return false;
	source = &sources->files[rule->file];
	if (!reader_go(reader, source, rule->line))
		return false;
	rest = (struct source){
		.text = (char *)reader->at,
		.size = (size_t)(source->text + source->size - reader->at),
	};
	lexer_begin(lexer, &rest, 0, &unheard);
	sound = lexer_next(lexer) == 1 && !lexer->broken;
	lexer->diagnostics = NULL;
	diagnostics_clear(&unheard);
	return sound;
}

static void print_tokens(const struct token *tokens, size_t from, size_t to, FILE *out)
{
	for (size_t i = from; i < to; i++) {
		if (i > from && tokens[i].kind != TOKEN_COMMA)
			fputc(' ', out);
		fwrite(tokens[i].start, 1, tokens[i].length, out);
	}
}

void words_statement(struct words_reader *reader, const struct sources *sources,
		     const struct rule *rule, FILE *out)
{
	struct lexer lexer = { 0 };

	/* The last token is the end. */
	if (reader_lex(reader, sources, rule, &lexer))
		print_tokens(lexer.tokens, 0, lexer.n_tokens - 1, out);
	lexer_clear(&lexer);
}

/* begins_list() - whether principals or callers stand behind it; no port is called so, unquoted */
static bool begins_list(const struct token *token)
{
	return token->keyword == KEYWORD_BY || token->keyword == KEYWORD_FROM ||
	       token->keyword == KEYWORD_TO;
}

static bool token_says(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && token->length == strlen(word) &&
	       memcmp(token->start, word, token->length) == 0;
}

void words_written(struct words_reader *reader, const struct sources *sources,
		   const struct rule *rule, size_t index, FILE *out)
{
	struct lexer lexer = { 0 };
	const struct token *tokens;
	size_t at = 0, from;

	if (reader_lex(reader, sources, rule, &lexer)) {
		tokens = lexer.tokens;
		while (tokens[at].kind != TOKEN_END && !begins_list(&tokens[at]))
			at++;
		for (from = ++at; at < lexer.n_tokens; at++) {
			bool last = tokens[at].kind == TOKEN_END || token_says(&tokens[at], "on") ||
				    token_says(&tokens[at], "only");

			if (!last && tokens[at].kind != TOKEN_COMMA)
				continue;
			if (index-- == 0)
				print_tokens(tokens, from, at, out);
			if (last)
				break;
			from = at + 1;
		}
	}
	lexer_clear(&lexer);
}
