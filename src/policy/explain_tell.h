/* SPDX-License-Identifier: MIT */
/*
 * explain_tell.h - what the explanations of binds and of connections share; nothing outside of
 * src/policy includes this
 */
#ifndef PORTCRED_POLICY_EXPLAIN_TELL_H
#define PORTCRED_POLICY_EXPLAIN_TELL_H

#include "base/cleanup.h"
#include "policy/explain.h"
#include "policy/words.h"

DEFINE_CLEANUP(struct explanation *, explanation_free)

/* struct teller - what the story is told from, and into; the first member of what the asker has */
struct teller {
	const struct policy *policy;
	const struct ranges *ranges;
	const struct compiled *compiled;
	enum statement_kind kind; /* bind, accept, connect: only such statements are told about */
	enum protocol protocol;
	uint16_t port;
	uint32_t enforced, observed; /* the sets that decide for the port; 0: none */
	/* Adds the reasons why one statement does not name the asker; see lacks_tell(). */
	int (*lacks)(struct teller *teller, const struct statement *statement,
		     struct explain_statement *told);
	struct explanation *explanation; /* answer and observed are there */
	struct words_reader reader;
	size_t n_allocated;
};

/* teller_tell() - fill in the explanation's statements. Returns 0, -ENOMEM. */
int teller_tell(struct teller *teller);

#endif
