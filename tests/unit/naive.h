/* SPDX-License-Identifier: MIT */
/*
 * naive.h - the language read a second time, slowly and straight from its description
 *
 * Shares nothing with src/policy or bpf, not even a header: a mistake there must not come here too.
 * Statements are kept as the words they are written with, and every question walks all of them.
 */
#ifndef PORTCRED_TESTS_NAIVE_H
#define PORTCRED_TESTS_NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define NAIVE_STATEMENTS   10
#define NAIVE_ITEMS        3
#define NAIVE_ALTERNATIVES 3
#define NAIVE_PREFIXES     3
#define NAIVE_GROUPS       3

enum naive_protocol { NAIVE_TCP, NAIVE_UDP, NAIVE_BOTH };

/* struct naive_item - of the list of ports */
struct naive_item {
	int first, last;
	enum naive_protocol protocol;
};

/* struct naive_name - a user or group: a machine's, by word or number, or one that is unknown */
struct naive_name {
	const char *word; /* as it is written; NULL: the condition is not there */
	long id;          /* -1: nobody has the name */
};

/* struct naive_alternative - one principal; a NULL word is a condition that is not there */
struct naive_alternative {
	bool anyone;
	bool root; /* `root` instead of a user */
	struct naive_name user, group;
	const char *exe;
	const char *unit;
	int order; /* in which order the words are written */
};

/* struct naive_network - an address behind `on` */
struct naive_network {
	const char *text;
	int family;
	unsigned char bytes[16];
	int bits;
};

struct naive_statement {
	bool observe, only;
	int n_items, n_alternatives, n_networks;
	struct naive_item items[NAIVE_ITEMS];
	struct naive_alternative alternatives[NAIVE_ALTERNATIVES];
	const struct naive_network *networks[NAIVE_PREFIXES];
};

/* struct naive_policy - statement i stands on line i + 1 */
struct naive_policy {
	int n;
	struct naive_statement statements[NAIVE_STATEMENTS];
};

struct naive_process {
	long uid, gid;
	int n_groups;
	long groups[NAIVE_GROUPS];
	bool capable;
	const char *exe, *unit;
};

/* struct naive_address - that a socket is bound to; v4-mapped ones are here as IPv4 */
struct naive_address {
	const char *text;
	int family;
	unsigned char bytes[16];
	bool v6only;
};

enum naive_verdict {
	NAIVE_UNGOVERNED,
	NAIVE_GRANTED,
	NAIVE_CAPABLE,
	NAIVE_REFUSED,
	NAIVE_VERDICTS
};

/* struct naive_answer - the verdict, and which statements might be named for it */
struct naive_answer {
	enum naive_verdict verdict;
	bool named[NAIVE_STATEMENTS];
};

/* Readings that are wrong, each in one point: a test that does not notice them is no test. */
enum naive_flaw {
	FLAW_NONE,
	FLAW_WIDEST,             /* the widest range decides */
	FLAW_ALL_RANGES,         /* every range that covers the port decides */
	FLAW_ONE_STATEMENT,      /* only the first rule with the same range counts */
	FLAW_PROTOCOL,           /* a rule for one protocol is one for both */
	FLAW_OBSERVE,            /* `observe` is not seen */
	FLAW_ONLY,               /* `only` is not seen */
	FLAW_ONLY_OF_ALL,        /* `only` holds if all of the rules say it */
	FLAW_CAPABILITY,         /* the capability never passes */
	FLAW_OR,                 /* words of one principal joined by or */
	FLAW_PRIMARY_GROUP,      /* supplementary groups do not count */
	FLAW_EFFECTIVE_GROUP,    /* the effective group does not count */
	FLAW_UNKNOWN_NAME,       /* a name that nobody has is no condition */
	FLAW_UNKNOWN_UNGOVERNED, /* a rule that admits nobody governs nothing */
	FLAW_ON,                 /* `on` is not seen */
	FLAW_ON_GOVERNS,         /* `on` limits the governance as well */
	FLAW_UNSPECIFIED,        /* 0.0.0.0 is an address like another */
	FLAW_DUAL_STACK,         /* :: without IPV6_V6ONLY needs ::/0 alone */
	FLAW_V6ONLY,             /* :: with IPV6_V6ONLY needs 0.0.0.0/0 too */
	FLAW_FAMILY,             /* 0.0.0.0/0 covers IPv6 as well */
	FLAW_UNIT,               /* the `*` of a unit is a character */
	FLAWS,
};

/* naive_print() - the policy's text */
void naive_print(const struct naive_policy *policy, FILE *out);

/* naive_decide() - of the enforcing or the observing policy, with one mistake made on purpose */
struct naive_answer naive_decide(const struct naive_policy *policy, bool observe,
				 const struct naive_process *process,
				 const struct naive_address *address, enum naive_protocol protocol,
				 int port, enum naive_flaw flaw);

/* naive_names() - whether one statement alone names the process, ranges apart */
bool naive_names(const struct naive_statement *statement, const struct naive_process *process,
		 const struct naive_address *address, enum naive_flaw flaw);

#endif
