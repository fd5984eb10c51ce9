/* SPDX-License-Identifier: MIT */
/* policy_large.c - policies at the limits: what they take, and that they end in good time */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/parse.h"
#include "policy_fake.h"

static int find_any_service(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
			    uint8_t *ret_protocols)
{
	ret_ports[PROTOCOL_TCP] = 1;
	ret_ports[PROTOCOL_UDP] = 2;
	*ret_protocols = PROTOCOL_BITS_ALL;
	return 0;
}

/* The most that fits into a line, each item two ranges: a statement's count just holds them. */
static void most_ports(void **state)
{
	struct policy_environment environment = { .find_service = find_any_service };
	struct parsed parsed = { .sources = sources_new() };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs("bind x", out);
	for (unsigned i = 1; i < 32762; i++)
		fputs(",x", out);
	fputs(" by root", out);
	fclose(out);
	assert_int_equal(size, MAX_LINE_BYTES);
	assert_int_equal(sources_add(parsed.sources, "p", text, size), 0);
	free(text);
	assert_int_equal(
		policy_parse(parsed.sources, &environment, &parsed.diagnostics, &parsed.policy), 0);
	assert_int_equal(parsed.diagnostics.errors, 0);
	assert_int_equal(parsed.policy->statements[0].ports, 65524);
	assert_int_equal(parsed.policy->n_ports, 65524);
	parsed_clear(&parsed);
}

/* heap_of() - bytes in the policy's arrays, those in reserve included */
static size_t heap_of(const struct policy *policy)
{
	const struct policy_storage *storage = policy->storage;

	return storage->statements * sizeof(struct statement) +
	       storage->ports * sizeof(struct port_range) +
	       storage->alternatives * sizeof(struct alternative) +
	       storage->prefixes * sizeof(struct prefix) + storage->names * sizeof(struct name) +
	       storage->names_table.n_slots * sizeof(struct interned);
}

/* A million rules take 60 bytes each beside the text, and names are looked up once each. */
static void million(void **state)
{
	const unsigned n = 1000000;
	struct parsed parsed = { .sources = sources_new() };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (unsigned i = 0; i < n; i++) {
		if (i % 1000)
			fprintf(out, "bind %u/tcp by user %u\n", 1 + i % 1024, 1000 + i / 1000);
		else
			fputs("bind http by user alice\n", out);
	}
	fclose(out);
	assert_int_equal(sources_add(parsed.sources, "million", text, size), 0);
	free(text);
	assert_int_equal(parsed_sources(&parsed, false), 0);
	assert_int_equal(parsed.diagnostics.errors, 0);
	assert_int_equal(parsed.policy->n_statements, n);
	assert_int_equal(parsed.policy->statements[n - 1].line, n);
	assert_true(heap_of(parsed.policy) <= 60UL * n);
	assert_int_equal(parsed.fake.users, 1);
	assert_int_equal(parsed.fake.services, 1);
	parsed_clear(&parsed);
}

/* A hundred thousand ranges, each crossing its neighbours: found and counted in no more than a moment. */
static void many_overlaps(void **state)
{
	const unsigned n = 100000;
	size_t crossing = 0;
	struct parsed parsed = { .sources = sources_new() };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "bind %u-%u by root\n", 1 + i % 30000, 1 + i % 30000 + 100);
	fclose(out);
	assert_int_equal(sources_add(parsed.sources, "overlaps", text, size), 0);
	free(text);
	assert_int_equal(parsed_sources(&parsed, false), 0);
	/* Every 101st range stands with all that are equal to it, and the others cross it. */
	for (unsigned i = 0; i < n; i++)
		crossing += i % 30000 % 101 != 0;
	assert_int_equal(parsed.diagnostics.errors, crossing);
	assert_int_equal(parsed.diagnostics.n_items, MAX_DIAGNOSTICS);
	parsed_clear(&parsed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(most_ports),
		cmocka_unit_test(million),
		cmocka_unit_test(many_overlaps),
	};

	return cmocka_run_group_tests_name("policy_large", tests, NULL, NULL);
}
