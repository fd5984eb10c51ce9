/* SPDX-License-Identifier: MIT */
/*
 * words.h - pieces of a policy as an administrator would write them
 *
 * All of these print to a stream, which is one in memory where the caller is to have a string.
 */
#ifndef PORTCRED_POLICY_WORDS_H
#define PORTCRED_POLICY_WORDS_H

#include <stdio.h>

#include "policy/verdict.h"

/* words_ports() - "80" or "8000-8999" */
void words_ports(uint16_t first, uint16_t last, FILE *out);

/* words_prefix(), words_prefixes() - "127.0.0.0/8, ::1": no length where it is a single address */
void words_prefix(const struct prefix *prefix, FILE *out);
void words_prefixes(const struct policy *policy, const struct statement *statement, FILE *out);

/* words_address() - of a target, "0.0.0.0"; words_end_address(): of an other end */
void words_address(const struct target *target, FILE *out);
void words_end_address(const struct other_end *end, FILE *out);

/* words_user(), words_group() - the name that the policy uses for an id, else the number */
void words_user(const struct policy *policy, uint32_t uid, FILE *out);
void words_group(const struct policy *policy, uint32_t gid, FILE *out);

/* words_unit() - "postgresql@*.service" */
void words_unit(const struct unit_pattern *pattern, FILE *out);

/* words_alternative() - "user www-data exe /usr/sbin/nginx", of one that can admit someone */
void words_alternative(const struct policy *policy, const struct alternative *alternative,
		       FILE *out);

/* words_rule() - "policy.conf:3" */
void words_rule(const struct policy *policy, const struct rule *rule, FILE *out);

/* struct words_reader - where the last statement's text was found; begins as all zeros */
struct words_reader {
	const struct source *source;
	const char *at; /* beginning of physical line `line` */
	uint32_t line;
};

/*
 * words_statement() - the text of the statement at @rule on one line: continuations joined,
 * comments and superfluous blanks left out
 *
 * Cheap for a reader that asks in the order of the sources. Nothing where there is no such line.
 */
void words_statement(struct words_reader *reader, const struct sources *sources,
		     const struct rule *rule, FILE *out);

/*
 * words_written() - the principal or caller number @index (from 0) of the rule at @rule, as written
 * Of principals, for those whose names have no ids: nothing else knows them any more.
 */
void words_written(struct words_reader *reader, const struct sources *sources,
		   const struct rule *rule, size_t index, FILE *out);

#endif
