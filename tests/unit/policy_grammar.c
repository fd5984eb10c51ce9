/* SPDX-License-Identifier: MIT */
/*
 * policy_grammar.c - the parser, for policy_grammar.py
 *
 * Standard input holds policies, each ended by NUL. For each one the texts of its errors go to
 * standard output, one a line, and an empty line ends them.
 */
#include "policy_fake.h"

static int say_errors(const char *text, size_t size)
{
	struct fake fake = { 0 };
	struct policy_environment environment = fake_environment(&fake);
	struct parsed parsed = { .sources = sources_new() };
	int r;

	if (!parsed.sources)
		return -ENOMEM;
	r = sources_add(parsed.sources, "policy", text, size);
	if (r == 0)
		r = policy_parse(parsed.sources, &environment, &parsed.diagnostics, &parsed.policy);
	for (size_t i = 0; i < parsed.diagnostics.n_items; i++) {
		if (parsed.diagnostics.items[i].severity == SEVERITY_ERROR)
			puts(parsed.diagnostics.items[i].text);
	}
	puts("");
	parsed_clear(&parsed);
	return r;
}

int main(void)
{
	_cleanup_free_ char *text = NULL;
	size_t allocated = 0;
	ssize_t size;

	while ((size = getdelim(&text, &allocated, '\0', stdin)) > 0) {
		int r = say_errors(text, (size_t)size - (text[size - 1] == '\0'));

		if (r < 0) {
			fprintf(stderr, "policy_grammar: %s\n", strerror(-r));
			return EXIT_FAILURE;
		}
	}
	return ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
