/* SPDX-License-Identifier: MIT */
#include "policy/holders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/words.h"
#include "policy/writer.h"

DEFINE_CLEANUP(struct holders *, holders_free)

void holders_free(struct holders *holders)
{
	if (!holders)
		return;
	for (size_t i = 0; i < holders->n_principals; i++)
		free(holders->principals[i]);
	free(holders->principals);
	free(holders);
}

static struct holders *holders_alloc(void)
{
	struct holders *holders = calloc(1, sizeof(*holders));
	char **principals = calloc(MAX_HOLDERS, sizeof(*principals));

	if (!holders || !principals) {
		free(holders);
		free(principals);
		return NULL;
	}
	holders->principals = principals;
	holders->capable = true;
	return holders;
}

static bool holders_have(const struct holders *holders, const char *principal)
{
	for (size_t i = 0; i < holders->n_principals; i++) {
		if (strcmp(holders->principals[i], principal) == 0)
			return true;
	}
	return false;
}

static int holders_add(struct holders *holders, const struct policy *policy,
		       const struct statement *statement, const struct alternative *alternative)
{
	_cleanup_free_ char *principal = NULL;
	struct writer writer;

	if (holders->n_principals == MAX_HOLDERS) {
		holders->omitted++;
		return 0;
	}
	if (writer_open(&writer) < 0)
		return -ENOMEM;
	words_alternative(policy, alternative, writer.out);
	if (statement->prefixes) {
		fputs(" (on ", writer.out);
		words_prefixes(policy, statement, writer.out);
		fputs(")", writer.out);
	}
	if (writer_close(&writer, &principal) < 0)
		return -ENOMEM;
	if (!holders_have(holders, principal))
		holders->principals[holders->n_principals++] = TAKE_PTR(principal);
	return 0;
}

int holders_new(const struct ranges *ranges, uint32_t set, struct holders **ret_holders)
{
	_cleanup_(holders_freep) struct holders *holders = NULL;
	const struct policy *policy = ranges->policy;
	const struct range_set *range;

	if (set == 0 || set >= ranges->n_sets)
		return -EINVAL;
	range = &ranges->sets[set];
	holders = holders_alloc();
	if (!holders)
		return -ENOMEM;

	for (size_t i = 0; i < range->n_refs; i++) {
		const struct statement *statement = range_set_statement(ranges, range, i);
		const struct alternative *alternatives;

		if (!statement)
			continue;
		if (statement->flags & STATEMENT_ONLY)
			holders->capable = false;
		alternatives = &policy->alternatives[statement->first_alternative];
		for (size_t k = 0; k < statement->alternatives; k++) {
			int r;

			if (!alternative_can_admit(&alternatives[k]))
				continue;
			r = holders_add(holders, policy, statement, &alternatives[k]);
			if (r < 0)
				return r;
		}
	}
	*ret_holders = TAKE_PTR(holders);
	return 0;
}
