/* SPDX-License-Identifier: MIT */
/*
 * parse_ports.c - "80, 443", "8000-8999/tcp", "http, https"
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/parse.h"
#include "policy/suggest.h"

#define LAST_PORT  65535U
#define MAX_DIGITS 20U /* of a number in a message */

/* What ends a list of ports; no names of services, unless quoted. */
#define STOPS (KEYWORD_BIT(KEYWORD_BY) | KEYWORD_BIT(KEYWORD_FROM) | KEYWORD_BIT(KEYWORD_TO))

#define PORT_FORMS "a port such as 80, a range such as 8000-8999 or a service name"

static const char *const protocol_words[PROTOCOLS] = { "tcp", "udp" };

/* struct port_list - a list of ports while it is parsed */
struct port_list {
	struct statement *statement;
	enum keyword keyword; /* the statement's word */
	bool tcp_only;        /* accept, connect, redirect */
	bool sound;
	bool begun;
	bool written; /* the first item has a protocol: then all must */
	bool mixed;   /* one has not, and it was said */
};

/* struct item - one item, taken apart */
struct item {
	const struct token *token;
	struct text name;     /* before the '/' */
	struct text protocol; /* behind it */
	bool written;         /* there is a '/' */
	uint8_t protocols;    /* bits, of the written one or of those that are possible */
};

/* Each item takes two bytes of a line, behind `bind `, and comes to a range for each protocol. */
_Static_assert((MAX_LINE_BYTES - 5) / 2 * PROTOCOLS <= UINT16_MAX, "statement.ports");

static void add_range(struct parser *parser, const struct port_list *list, uint16_t first,
		      uint16_t last, uint8_t protocols, bool joined)
{
	struct policy *policy = parser->policy;

	if (GROW(policy->ports, parser->storage->ports, policy->n_ports) < 0) {
		parser_no_memory(parser);
		return;
	}
	policy->ports[policy->n_ports++] = (struct port_range){
		.first = first,
		.last = last,
		.protocols = protocols,
		.joined = joined,
	};
	list->statement->ports++;
}

static void offer_service(void *closure, const char *name)
{
	suggestion_offer(closure, name);
}

static void unknown_service(struct parser *parser, const struct item *item)
{
	const struct policy_environment *environment = parser->environment;
	struct token part = token_part(item->token, 0, item->name.length);
	struct suggestion suggestion;
	const char *meant;

	suggestion_begin(&suggestion, item->name.at, item->name.length);
	if (environment->list_services && !diagnostics_full(parser->diagnostics, SEVERITY_ERROR))
		environment->list_services(environment->data, offer_service, &suggestion);
	meant = suggestion_found(&suggestion);
	parser_error(parser, &part,
		     "unknown service %s, expected a port or a name of the services database%s%s%s",
		     parser_show(&part).text, meant ? "; did you mean '" : "", meant ? meant : "",
		     meant ? "'?" : "");
}

/* find_service() - asks for each name once; NULL: no memory */
static const struct service *find_service(struct parser *parser, struct text name)
{
	const struct policy_environment *environment = parser->environment;
	struct policy_storage *storage = parser->storage;
	struct interned *entry;
	struct service *service;
	int r = intern(&storage->names_table, INTERN_SERVICE, name.at, name.length, &entry);

	if (r == 0)
		return &storage->services[entry->index];
	if (r < 0 ||
	    GROW(storage->services, storage->services_allocated, storage->n_services) < 0) {
		parser_no_memory(parser);
		return NULL;
	}
	entry->index = (uint32_t)storage->n_services;
	service = &storage->services[storage->n_services++];
	*service = (struct service){ 0 };
	if (!environment->find_service ||
	    environment->find_service(environment->data, entry->text, service->ports,
				      &service->protocols) < 0)
		service->protocols = 0;
	for (unsigned protocol = 0; protocol < PROTOCOLS; protocol++) {
		if (service->ports[protocol] == 0)
			service->protocols &= (uint8_t)~PROTOCOL_BIT(protocol);
	}
	service->protocols &= PROTOCOL_BITS_ALL;
	return service;
}

/* service_lacks() - the service is there, but not in the protocol that is wanted */
static void service_lacks(struct parser *parser, const struct port_list *list,
			  const struct item *item, const struct service *service)
{
	const char *wanted =
		protocol_words[item->protocols & PROTOCOL_BIT(PROTOCOL_TCP) ? PROTOCOL_TCP
									    : PROTOCOL_UDP];
	const char *has =
		protocol_words[service->protocols & PROTOCOL_BIT(PROTOCOL_TCP) ? PROTOCOL_TCP
									       : PROTOCOL_UDP];
	struct shown shown = parser_show_text(item->name);

	if (item->written)
		parser_error(parser, item->token,
			     "service %s has no %s port, expected '/%s' or a port number",
			     shown.text, wanted, has);
	else
		parser_error(parser, item->token,
			     "service %s has a %s port only, and '%s' is about %s; expected a "
			     "%s service or a port number",
			     shown.text, has, keyword_text(list->keyword), wanted, wanted);
}

static bool parse_service(struct parser *parser, const struct port_list *list,
			  const struct item *item)
{
	const struct service *service = find_service(parser, item->name);
	uint16_t tcp, udp;
	uint8_t protocols;

	if (!service)
		return false;
	if (!service->protocols) {
		unknown_service(parser, item);
		return false;
	}
	protocols = service->protocols & item->protocols;
	if (!protocols) {
		service_lacks(parser, list, item, service);
		return false;
	}
	tcp = service->ports[PROTOCOL_TCP];
	udp = service->ports[PROTOCOL_UDP];
	if (protocols == PROTOCOL_BITS_ALL && tcp != udp) {
		add_range(parser, list, tcp, tcp, PROTOCOL_BIT(PROTOCOL_TCP), false);
		add_range(parser, list, udp, udp, PROTOCOL_BIT(PROTOCOL_UDP), true);
		return true;
	}
	if (!(protocols & PROTOCOL_BIT(PROTOCOL_TCP)))
		tcp = udp;
	add_range(parser, list, tcp, tcp, protocols, false);
	return true;
}

/* is_numeric() - digits, or digits and '-': no name of a service has no letter (RFC 6335, 5.1) */
static bool is_numeric(struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		if ((text.at[i] < '0' || text.at[i] > '9') && text.at[i] != '-')
			return false;
	}
	return text.length > 0;
}

/* struct bound - one number of a range, and where it stands */
struct bound {
	struct text text;
	struct token token;
	uint32_t port;
};

static struct bound bound(const struct item *item, size_t offset, size_t length)
{
	return (struct bound){
		.text = { item->name.at + offset, length },
		.token = token_part(item->token, offset, length),
	};
}

/* parse_bound() - false: an error was said */
static bool parse_bound(struct parser *parser, const struct item *item, struct bound *bound)
{
	const char *digits = bound->text.at;
	size_t length = bound->text.length;
	uint64_t number;

	if (parse_number(digits, length, LAST_PORT, &number)) {
		bound->port = (uint32_t)number;
		if (number <= LAST_PORT)
			return true;
		parser_error(parser, &bound->token, "port %.*s%s is too large, expected 1 to 65535",
			     length > MAX_DIGITS ? (int)MAX_DIGITS : (int)length, digits,
			     length > MAX_DIGITS ? "..." : "");
		return false;
	}
	if (length > 1 && digits[0] == '0' && !memchr(digits, '-', length))
		parser_error(parser, &bound->token,
			     "port %s begins with a zero, expected it without",
			     parser_show_text(bound->text).text);
	else
		parser_error(parser, item->token, "%s is not a port, expected " PORT_FORMS,
			     parser_show_text(item->name).text);
	return false;
}

static bool parse_numeric(struct parser *parser, const struct port_list *list,
			  const struct item *item)
{
	size_t length = item->name.length;
	const char *dash = memchr(item->name.at, '-', length);
	size_t before = dash ? (size_t)(dash - item->name.at) : 0;
	struct bound first, last;
	uint32_t from, to;
	bool sound;

	/* Without a '-', or with one at either end, it must be a number as a whole. */
	if (before == 0 || before + 1 == length) {
		first = bound(item, 0, length);
		if (!parse_bound(parser, item, &first))
			return false;
		last = first;
	} else {
		first = bound(item, 0, before);
		last = bound(item, before + 1, length - before - 1);
		sound = parse_bound(parser, item, &first);
		sound &= parse_bound(parser, item, &last);
		if (!sound)
			return false;
	}
	from = first.port;
	to = last.port;
	if (from > to) {
		parser_error(parser, item->token, "range %u-%u is backwards, expected %u-%u", from,
			     to, to, from);
		return false;
	}
	if (to == 0) {
		parser_error(parser, item->token,
			     "port 0 is never governed (it asks the kernel for any free port), "
			     "expected 1 to 65535");
		return false;
	}
	/* A range from 0 means from 1. */
	add_range(parser, list, (uint16_t)(from ? from : 1), (uint16_t)to, item->protocols, false);
	return true;
}

/* split_item() - name and protocol; false: an error was said */
static bool split_item(struct parser *parser, const struct port_list *list, struct item *item)
{
	struct text text = parser_text(parser, item->token);
	const char *slash = memchr(text.at, '/', text.length);
	struct token part;

	item->name = text;
	item->protocols = list->tcp_only ? PROTOCOL_BIT(PROTOCOL_TCP) : PROTOCOL_BITS_ALL;
	if (!slash)
		return true;
	item->written = true;
	item->name.length = (size_t)(slash - text.at);
	item->protocol.at = slash + 1;
	item->protocol.length = text.length - item->name.length - 1;

	for (unsigned protocol = 0; protocol < PROTOCOLS; protocol++) {
		if (item->protocol.length != strlen(protocol_words[protocol]) ||
		    memcmp(item->protocol.at, protocol_words[protocol], item->protocol.length) != 0)
			continue;
		item->protocols = PROTOCOL_BIT(protocol);
		return true;
	}
	part = token_part(item->token, (size_t)(slash - text.at) + 1, item->protocol.length);
	if (item->protocol.length == 0)
		parser_error(parser, item->token, "no protocol behind '/', expected tcp or udp");
	else
		parser_unknown(parser, &part, item->protocol, "protocol", "",
			       WORDS(protocol_words));
	return false;
}

/* check_protocol() - what the statement and the rest of the list say to the item's protocol */
static bool check_protocol(struct parser *parser, struct port_list *list, const struct item *item)
{
	if (!list->begun) {
		list->begun = true;
		list->written = item->written;
	}
	if (item->written != list->written && !list->mixed) {
		list->mixed = true;
		parser_error(parser, item->token,
			     "%s %s protocol and the items before it %s, expected '/tcp' or "
			     "'/udp' behind each or behind none",
			     parser_show(item->token).text, item->written ? "has a" : "has no",
			     item->written ? "have none" : "have one");
		return false;
	}
	if (!list->tcp_only || item->protocols == PROTOCOL_BIT(PROTOCOL_TCP))
		return true;
	if (list->statement->kind == STATEMENT_REDIRECT)
		parser_error(parser, item->token,
			     "udp cannot be redirected, since answers would leave from the target "
			     "port; expected '/tcp', or nftables for udp");
	else
		parser_error(parser, item->token,
			     "'%s' is about tcp connections, expected '/tcp' or no protocol",
			     keyword_text(list->keyword));
	return false;
}

static void parse_item(struct parser *parser, void *closure)
{
	struct port_list *list = closure;
	struct item item = { .token = parser_next(parser) };
	bool sound;

	sound = split_item(parser, list, &item);
	if (sound && item.name.length == 0) {
		parser_error(parser, item.token, "no port %s, expected " PORT_FORMS,
			     item.written ? "before the protocol" : "between the quotes");
		sound = false;
	}
	if (sound) {
		sound = check_protocol(parser, list, &item);
		sound &= is_numeric(item.name) ? parse_numeric(parser, list, &item)
					       : parse_service(parser, list, &item);
	}
	if (!sound)
		list->sound = false;
}

bool parse_ports(struct parser *parser, struct statement *statement, enum keyword keyword)
{
	struct port_list list = {
		.statement = statement,
		.keyword = keyword,
		.tcp_only = statement->kind != STATEMENT_BIND,
		.sound = true,
	};

	statement->first_port = (uint32_t)parser->policy->n_ports;
	if (!token_is_name(parser->token) && parser->token->kind != TOKEN_COMMA) {
		parser_error(parser, parser->token, "no ports behind '%s', expected " PORT_FORMS,
			     keyword_text(keyword));
		return false;
	}
	if (token_in(parser->token, STOPS)) {
		parser_error(parser, parser->token,
			     "no ports between '%s' and %s, expected " PORT_FORMS,
			     keyword_text(keyword), parser_show(parser->token).text);
		return false;
	}
	parser_list(parser, "a port", "the list of ports", STOPS, parse_item, &list);
	return list.sound && statement->ports > 0;
}

uint16_t parse_port(struct parser *parser, const struct token *token)
{
	struct item item = { .token = token, .name = parser_text(parser, token) };
	struct bound target = bound(&item, 0, item.name.length);
	const struct service *service;

	if (item.name.length == 0) {
		parser_error(parser, token,
			     "no port between the quotes, expected a port or a "
			     "service name");
		return 0;
	}
	if (memchr(item.name.at, '/', item.name.length)) {
		parser_error(parser, token,
			     "protocol behind the target port, expected the port "
			     "alone");
		return 0;
	}
	if (is_numeric(item.name)) {
		if (!parse_bound(parser, &item, &target))
			return 0;
		if (target.port == 0)
			parser_error(parser, token, "port 0 is no target, expected 1 to 65535");
		return (uint16_t)target.port;
	}
	service = find_service(parser, item.name);
	if (!service)
		return 0;
	if (!(service->protocols & PROTOCOL_BIT(PROTOCOL_TCP))) {
		unknown_service(parser, &item);
		return 0;
	}
	return service->ports[PROTOCOL_TCP];
}

char *location_text(const struct sources *sources, struct location where)
{
	char *text;

	if (asprintf(&text, "%s:%u:%u", sources->files[where.file].name, where.line, where.column) <
	    0)
		return NULL;
	return text;
}

int statement_lex(const struct policy *policy, const struct statement *statement,
		  struct lexer *lexer)
{
	const struct source *source = &policy->sources->files[statement->file];
	struct diagnostics unheard = { 0 };
	size_t length;
	int r;

	*lexer = (struct lexer){ 0 };
	lexer_begin(lexer, source, statement->file, &unheard);
	lexer->at = lexer->line_start = source_line(source, statement->line, &length);
	lexer->line = statement->line;
	r = lexer_next(lexer);
	lexer->diagnostics = NULL;
	diagnostics_clear(&unheard);
	return r < 0 ? r : 0;
}

int port_place(const struct policy *policy, const struct statement *statement, size_t index,
	       struct location *ret_where, unsigned *ret_width)
{
	const struct port_range *ports = &policy->ports[statement->first_port];
	const struct token *token;
	struct lexer lexer;
	size_t item = 0;
	int r;

	for (size_t i = 1; i <= index; i++)
		item += !ports[i].joined;
	r = statement_lex(policy, statement, &lexer);
	if (r == 0) {
		/* The statement's word, perhaps `observe` before it, then items and commas in turn. */
		token = &lexer.tokens[(statement->flags & STATEMENT_OBSERVE ? 2 : 1) + 2 * item];
		*ret_where = lexer_location(&lexer, token);
		*ret_width = lexer_width(token);
	}
	lexer_clear(&lexer);
	return r;
}
