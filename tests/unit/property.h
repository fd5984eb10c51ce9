/* SPDX-License-Identifier: MIT */
/*
 * property.h - random policies and questions, for tests that hold the tables against naive.h
 *
 *	property_random.c    what is asked of which policy
 *	property_answers.c   the same question in the words of verdict.h, and whether answers agree
 *	property.c           the tests
 */
#ifndef PORTCRED_TESTS_PROPERTY_H
#define PORTCRED_TESTS_PROPERTY_H

#include "loaded.h"

#include "naive.h"
#include "policy/explain.h"

/* struct run - one stream of cases, and what came of it */
struct run {
	uint64_t random;
	unsigned verdicts[NAIVE_VERDICTS], observed[NAIVE_VERDICTS];
	unsigned accepts[NAIVE_VERDICTS], connects[NAIVE_VERDICTS];
	unsigned led, orders[2]; /* redirects: not in order, in order */
	unsigned mismatches;
};

/* struct question - one case */
struct question {
	struct naive_process process;
	const struct naive_address *address;
	enum naive_protocol protocol;
	int port;
};

/* struct call - the question about a connection */
struct call {
	struct naive_end end;
	enum naive_kind kind;
	int port;
};

/* struct asked - a question in the words of verdict.h */
struct asked {
	struct subject subject;
	struct target target;
	uint32_t groups[NAIVE_GROUPS];
};

/* The hosts and groups that all of it is about. */
extern const struct naive_world property_world;

/* random_below() - from 0 to n - 1 */
unsigned random_below(struct run *run, unsigned n);

/* random_port() - that rules may name, or not */
int random_port(struct run *run);

/*
 * random_policy() - with redirects that are in order
 * random_redirects() - the same with some behind it that may not be
 */
struct naive_policy random_policy(struct run *run);
struct naive_policy random_redirects(struct run *run);

struct question random_question(struct run *run);
struct call random_call(struct run *run);

/* ask(), end_of() - a question in the words of verdict.h; hosts and users are looked up as well */
void ask(const struct question *q, struct asked *asked);
struct other_end end_of(const struct loaded *l, const struct naive_end *end);

/* same() - the verdict, and a statement that may be named for it */
bool same(const struct naive_answer *naive, const struct answer *answer);

/* explain_bind(), explain_call() - whether the story agrees with the answer and with the naive reading */
bool explain_bind(const struct loaded *l, const struct ranges *ranges,
		  const struct naive_policy *policy, const struct question *q,
		  const struct asked *asked, const struct answer *answer);
bool explain_call(const struct loaded *l, const struct ranges *ranges,
		  const struct naive_policy *policy, const struct call *call,
		  const struct other_end *end, const struct answer *answer);

/* show(), show_call() - a case that went wrong, to be read by a person */
void show(const char *text, const struct question *q, const struct naive_answer *naive,
	  const struct answer *answer);
void show_call(const char *text, const struct call *call, const struct naive_answer *naive,
	       const struct answer *answer);

#endif
