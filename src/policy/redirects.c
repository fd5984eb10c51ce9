/* SPDX-License-Identifier: MIT */
#include "policy/redirects.h"

#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "policy/words.h"
#include "policy/writer.h"

/* lead_range() - each port to the target; the target learns of one, rather an accept-governed one */
static void lead_range(struct tcp_entry *tcp, const struct redirect *redirect)
{
	struct tcp_entry *target = &tcp[redirect->target];

	for (uint32_t port = redirect->first; port <= redirect->last; port++) {
		tcp[port].redirect = redirect->target;
		if (!target->called || !tcp[target->called].accept)
			target->called = port;
	}
}

int redirects_compile(const struct policy *policy, struct compiled *out)
{
	size_t allocated = 0;

	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		if (statement->kind != STATEMENT_REDIRECT)
			continue;
		if (!out->tcp)
			out->tcp = calloc(PORTS, sizeof(*out->tcp));
		if (!out->tcp)
			return -ENOMEM;
		for (size_t k = 0; k < statement->ports; k++) {
			const struct port_range *range = &policy->ports[statement->first_port + k];
			struct redirect redirect = {
				.first = range->first,
				.last = range->last,
				.target = (uint16_t)statement->target,
				.rule = { .line = statement->line, .file = statement->file },
			};

			if (GROW(out->redirects, allocated, out->n_redirects) < 0)
				return -ENOMEM;
			out->redirects[out->n_redirects++] = redirect;
			lead_range(out->tcp, &redirect);
		}
	}
	return 0;
}

static void print_ports(const struct redirect *redirect, FILE *out)
{
	if (redirect->first == redirect->last)
		fprintf(out, "%u/tcp", redirect->first);
	else
		fprintf(out, "%u-%u/tcp", redirect->first, redirect->last);
}

/* print_led() - of a port that is redirected: whereto, and who may answer there */
static void print_led(const struct policy *policy, const struct compiled *compiled,
		      const struct redirect *redirect, uint16_t port, FILE *out)
{
	uint32_t set = compiled->ports[PROTOCOL_TCP * PORTS + redirect->target].enforced;

	fprintf(out, "calls of %u/tcp are led to a listener at %u (", port, redirect->target);
	words_rule(policy, &redirect->rule, out);
	fputs(")", out);
	if (set) {
		fputs(", where ", out);
		words_rule(policy, &compiled->sets[set].rule, out);
		fputs(" governs who may listen", out);
	}
	fprintf(out, "; the accept rules of %u say who may call", port);
}

int redirects_tell(const struct policy *policy, const struct compiled *compiled, uint16_t port,
		   char **ret_text)
{
	const struct tcp_entry *entry = compiled->tcp ? &compiled->tcp[port] : NULL;
	struct writer writer;
	bool first = true;

	*ret_text = NULL;
	if (!entry || !(entry->redirect | entry->called))
		return 0;
	if (writer_open(&writer) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < compiled->n_redirects; i++) {
		const struct redirect *redirect = &compiled->redirects[i];

		if (entry->redirect && port >= redirect->first && port <= redirect->last) {
			print_led(policy, compiled, redirect, port, writer.out);
			break;
		}
		if (redirect->target != port)
			continue;
		fputs(first ? "led here are calls of " : ", ", writer.out);
		print_ports(redirect, writer.out);
		fputs(" (", writer.out);
		words_rule(policy, &redirect->rule, writer.out);
		fputs(")", writer.out);
		first = false;
	}
	return writer_close(&writer, ret_text);
}
