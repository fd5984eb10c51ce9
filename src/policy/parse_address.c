/* SPDX-License-Identifier: MIT */
/*
 * parse_address.c - "127.0.0.0/8, ::1"
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/grow.h"
#include "policy/parse.h"

#define ADDRESS_FORMS "an IPv4 or IPv6 address or a network such as 10.0.0.0/8"
#define MAPPED_BITS   96U /* of ::ffff:0:0/96, in which IPv4 is mapped (RFC 4291, 2.5.5.2) */

static unsigned family_bits(const struct prefix *prefix)
{
	return prefix->family == 4 ? 32 : 128;
}

/* fill_mask() - the mask of the prefix's length; of an IPv4 one the mapped bits belong to it */
static void fill_mask(struct prefix *prefix)
{
	unsigned bits = prefix->length + (prefix->family == 4 ? MAPPED_BITS : 0);

	for (unsigned i = 0; i < 4; i++) {
		unsigned here = bits > 32 * i ? bits - 32 * i : 0;

		prefix->mask[i] = here >= 32 ? 0xffffffffU : htonl(~(0xffffffffU >> here));
	}
}

static bool is_mapped(const uint32_t address[static 4])
{
	return address[0] == 0 && address[1] == 0 && address[2] == htonl(0xffff);
}

/* apply_mask() - true if bits behind the prefix were set */
static bool apply_mask(struct prefix *prefix)
{
	bool changed = false;

	for (unsigned i = 0; i < 4; i++) {
		uint32_t masked = prefix->address[i] & prefix->mask[i];

		changed |= masked != prefix->address[i];
		prefix->address[i] = masked;
	}
	return changed;
}

static void show_address(const struct prefix *prefix, char out[static INET6_ADDRSTRLEN])
{
	if (prefix->family == 4)
		inet_ntop(AF_INET, &prefix->address[3], out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, prefix->address, out, INET6_ADDRSTRLEN);
}

/* parse_address() - without a prefix's length; false if it is none */
static bool parse_address(struct text text, struct prefix *prefix)
{
	char address[INET6_ADDRSTRLEN];

	if (text.length == 0 || text.length >= sizeof(address))
		return false;
	memcpy(address, text.at, text.length);
	address[text.length] = '\0';
	if (inet_pton(AF_INET, address, &prefix->address[3]) == 1) {
		prefix->address[2] = htonl(0xffff);
		prefix->family = 4;
		return true;
	}
	prefix->family = 6;
	return inet_pton(AF_INET6, address, prefix->address) == 1;
}

/* parse_length() - what stands behind the '/'; false: an error was said */
static bool parse_length(struct parser *parser, const struct token *token, struct text text,
			 struct prefix *prefix)
{
	unsigned most = family_bits(prefix);
	uint64_t length;

	if (!parse_number(text.at, text.length, most, &length)) {
		parser_error(parser, token, "bad prefix length, expected 0 to %u behind the '/'",
			     most);
		return false;
	}
	if (length > most) {
		parser_error(
			parser, token, "prefix length %.*s is too long for IPv%u, expected 0 to %u",
			(int)(text.length > 16 ? 16 : text.length), text.at, prefix->family, most);
		return false;
	}
	prefix->length = (uint32_t)length;
	return true;
}

/* demap() - IPv4 that is written as IPv6 is IPv4; false: an error was said */
static bool demap(struct parser *parser, const struct token *token, struct prefix *prefix)
{
	if (prefix->family == 4 || !is_mapped(prefix->address))
		return true;
	if (prefix->length < MAPPED_BITS) {
		parser_error(parser, token,
			     "network of IPv4-mapped addresses is wider than IPv4, expected a "
			     "prefix length of at least 96, or 0.0.0.0/0 for all of IPv4");
		return false;
	}
	prefix->family = 4;
	prefix->length -= MAPPED_BITS;
	return true;
}

bool parse_prefix(struct parser *parser, const struct token *token, struct prefix *ret_prefix)
{
	struct text text = parser_text(parser, token), length;
	const char *slash = memchr(text.at, '/', text.length);
	struct prefix prefix = { 0 };
	char shown[INET6_ADDRSTRLEN];
	struct token part = *token;

	if (slash) {
		length.at = slash + 1;
		length.length = text.length - (size_t)(slash - text.at) - 1;
		text.length = (size_t)(slash - text.at);
		part = token_part(token, text.length + 1, length.length);
	}
	if (!parse_address(text, &prefix)) {
		parser_error(parser, token, "bad address %s, expected " ADDRESS_FORMS,
			     parser_show(token).text);
		return false;
	}
	prefix.length = family_bits(&prefix);
	if (slash && !parse_length(parser, &part, length, &prefix))
		return false;
	if (!demap(parser, token, &prefix))
		return false;
	fill_mask(&prefix);
	if (apply_mask(&prefix)) {
		show_address(&prefix, shown);
		parser_error(parser, token, "%s has bits set behind its prefix, expected %s/%u",
			     parser_show(token).text, shown, prefix.length);
		return false;
	}
	*ret_prefix = prefix;
	return true;
}

bool add_prefix(struct parser *parser, const struct prefix *prefix, uint32_t *ret_index)
{
	struct policy *policy = parser->policy;

	if (GROW(policy->prefixes, parser->storage->prefixes, policy->n_prefixes) < 0) {
		parser_no_memory(parser);
		return false;
	}
	*ret_index = (uint32_t)policy->n_prefixes;
	policy->prefixes[policy->n_prefixes++] = *prefix;
	return true;
}

/* struct prefix_list - a list of addresses while it is parsed */
struct prefix_list {
	struct statement *statement;
	enum keyword keyword; /* what stood before it */
	bool too_many;        /* said once */
};

static void parse_item(struct parser *parser, void *closure)
{
	struct prefix_list *list = closure;
	const struct token *token = parser_next(parser);
	struct prefix prefix;
	uint32_t index;

	if (!parse_prefix(parser, token, &prefix))
		return;
	if (list->statement->prefixes == MAX_PREFIXES) {
		if (!list->too_many)
			parser_error(parser, token,
				     "more than %u addresses behind '%s', expected at most so many",
				     MAX_PREFIXES, keyword_text(list->keyword));
		list->too_many = true;
		return;
	}
	if (add_prefix(parser, &prefix, &index))
		list->statement->prefixes++;
}

void parse_prefixes(struct parser *parser, struct statement *statement, enum keyword keyword,
		    uint64_t stops)
{
	struct prefix_list list = { .statement = statement, .keyword = keyword };

	statement->first_prefix = (uint32_t)parser->policy->n_prefixes;
	if (parser->token->kind == TOKEN_END || token_in(parser->token, stops)) {
		parser_error(parser, parser->token,
			     "no address behind '%s', expected " ADDRESS_FORMS,
			     keyword_text(keyword));
		return;
	}
	parser_list(parser, "an address", "the list of addresses", stops, parse_item, &list);
}
