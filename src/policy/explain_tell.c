/* SPDX-License-Identifier: MIT */
/*
 * explain_tell.c - what each statement has to do with an answer
 *
 * A statement is told about only if one of its ranges covers the port: those of the deciding sets,
 * then those of wider ranges, then `observe`.
 */
#include "policy/explain_tell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "policy/lacks.h"
#include "policy/writer.h"

static void statement_clear(struct explain_statement *statement)
{
	free(statement->place);
	free(statement->text);
	for (size_t i = 0; i < statement->n_reasons; i++)
		free(statement->reasons[i].text);
	free(statement->reasons);
}

void explanation_free(struct explanation *explanation)
{
	if (!explanation)
		return;
	for (size_t i = 0; i < explanation->n_statements; i++)
		statement_clear(&explanation->statements[i]);
	free(explanation->statements);
	free(explanation->summary);
	free(explanation->redirect);
	free(explanation->capability);
	free(explanation);
}

/* tell_range() - why a set that does not decide does not: the narrower one by name */
static int tell_range(const struct teller *teller, const struct range_set *set, uint32_t decides,
		      struct explain_statement *told)
{
	const struct range_set *narrower = &teller->ranges->sets[decides];
	struct writer writer;
	char *reason;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	fputs("ports ", writer.out);
	words_ports(set->first, set->last, writer.out);
	fprintf(writer.out, ": the narrower range ");
	words_ports(narrower->first, narrower->last, writer.out);
	fputs(" of ", writer.out);
	words_rule(teller->policy, &teller->compiled->sets[decides].rule, writer.out);
	fputs(" decides alone", writer.out);
	if (writer_close(&writer, &reason) < 0)
		return -ENOMEM;
	return lacks_add(told, EXPLAIN_WHY_RANGE, reason);
}

static const char *observed_outcome(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_GRANTED:
		return "observe: it only logs, and would grant this";
	case VERDICT_CAPABLE:
		return "observe: it only logs, and CAP_NET_BIND_SERVICE would pass";
	default:
		return "observe: it only logs, and would refuse this";
	}
}

static int tell_observe(const struct teller *teller, const struct range_set *set, bool decides,
			struct explain_statement *told)
{
	char *reason;

	if (!decides)
		return tell_range(teller, set, teller->observed, told);
	reason = strdup(observed_outcome(teller->explanation->observed.verdict));
	if (!reason)
		return -ENOMEM;
	return lacks_add(told, EXPLAIN_WHY_OBSERVE, reason);
}

static int tell_place(struct teller *teller, struct explain_statement *told)
{
	struct writer writer;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	words_rule(teller->policy, &told->rule, writer.out);
	if (writer_close(&writer, &told->place) < 0)
		return -ENOMEM;
	if (writer_open(&writer) < 0)
		return -ENOMEM;
	words_statement(&teller->reader, teller->policy->sources, &told->rule, writer.out);
	return writer_close(&writer, &told->text);
}

/* tell_statement() - about one statement of set @index */
static int tell_statement(struct teller *teller, uint32_t index, const struct statement *statement)
{
	const struct range_set *set = &teller->ranges->sets[index];
	struct explanation *explanation = teller->explanation;
	const struct answer *answer = &explanation->answer;
	bool decides = index == (set->observed ? teller->observed : teller->enforced);
	struct explain_statement *told;
	int r;

	if (explanation->n_statements == MAX_EXPLAIN_STATEMENTS) {
		explanation->omitted++;
		return 0;
	}
	if (GROW(explanation->statements, teller->n_allocated, explanation->n_statements) < 0)
		return -ENOMEM;
	told = &explanation->statements[explanation->n_statements++];
	*told = (struct explain_statement){
		.rule = { .line = statement->line, .file = statement->file },
	};
	r = tell_place(teller, told);
	if (r == 0 && set->observed)
		r = tell_observe(teller, set, decides, told);
	else if (r == 0 && !decides)
		r = tell_range(teller, set, teller->enforced, told);
	if (r == 0)
		r = teller->lacks(teller, statement, told);
	if (r < 0)
		return r;
	if (set->observed)
		told->kind = EXPLAIN_OBSERVES;
	else if (!decides)
		told->kind = EXPLAIN_OVERRIDDEN;
	else if (!told->names_subject)
		told->kind = EXPLAIN_DECIDES;
	else if (answer->rule.line == told->rule.line && answer->rule.file == told->rule.file)
		told->kind = EXPLAIN_ANSWERS;
	else
		told->kind = EXPLAIN_GRANTS_TOO;
	return 0;
}

static bool is_rule(const struct statement *statement, const struct rule *rule)
{
	return statement->line == rule->line && statement->file == rule->file;
}

/* tell_set() - about the statements of one set, that which grants first, however many there are */
static int tell_set(struct teller *teller, uint32_t index)
{
	const struct range_set *set = &teller->ranges->sets[index];
	const struct answer *answer = &teller->explanation->answer;
	bool granted = index == teller->enforced && answer->verdict == VERDICT_GRANTED;

	for (int rest = !granted; rest <= 1; rest++) {
		for (size_t i = 0; i < set->n_refs; i++) {
			const struct statement *statement =
				range_set_statement(teller->ranges, set, i);
			int r;

			if (!statement)
				continue;
			if (granted && is_rule(statement, &answer->rule) == (rest != 0))
				continue;
			r = tell_statement(teller, index, statement);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int teller_tell(struct teller *teller)
{
	const struct ranges *ranges = teller->ranges;
	int r;

	if (teller->enforced) {
		r = tell_set(teller, teller->enforced);
		if (r < 0)
			return r;
	}
	/* Of one kind, enforcing sets come before observing ones, the narrower before the wider. */
	for (uint32_t index = 1; index < ranges->n_sets; index++) {
		if (index == teller->enforced ||
		    !range_set_covers(&ranges->sets[index], teller->kind, teller->protocol,
				      teller->port))
			continue;
		r = tell_set(teller, index);
		if (r < 0)
			return r;
	}
	return 0;
}

const char *explain_verdict_name(enum verdict verdict)
{
	static const char *const names[VERDICTS] = {
		[VERDICT_UNGOVERNED] = "ungoverned",
		[VERDICT_GRANTED] = "granted",
		[VERDICT_CAPABLE] = "capable",
		[VERDICT_REFUSED] = "refused",
		[VERDICT_KERNEL_REFUSED] = "kernel-refused",
	};

	return verdict < VERDICTS ? names[verdict] : "unknown";
}

const char *explain_kind_name(enum explain_kind kind)
{
	static const char *const names[EXPLAIN_KINDS] = {
		[EXPLAIN_ANSWERS] = "answers",        [EXPLAIN_GRANTS_TOO] = "grants-too",
		[EXPLAIN_DECIDES] = "does-not-apply", [EXPLAIN_OVERRIDDEN] = "overridden",
		[EXPLAIN_OBSERVES] = "observes",
	};

	return kind < EXPLAIN_KINDS ? names[kind] : "unknown";
}

const char *explain_why_name(enum explain_why why)
{
	static const char *const names[EXPLAIN_WHYS] = {
		[EXPLAIN_WHY_RANGE] = "range",
		[EXPLAIN_WHY_OBSERVE] = "observe",
		[EXPLAIN_WHY_ADDRESS] = "address",
		[EXPLAIN_WHY_UNKNOWN_NAME] = "unknown-name",
		[EXPLAIN_WHY_USER] = "user",
		[EXPLAIN_WHY_GROUP] = "group",
		[EXPLAIN_WHY_EXE] = "exe",
		[EXPLAIN_WHY_EXE_UNKNOWN] = "exe-not-given",
		[EXPLAIN_WHY_UNIT] = "unit",
		[EXPLAIN_WHY_UNIT_UNKNOWN] = "unit-not-given",
		[EXPLAIN_WHY_NO_VOUCH] = "no-vouch",
		[EXPLAIN_WHY_HOST] = "host",
		[EXPLAIN_WHY_NOT_APPROVED] = "not-approved",
		[EXPLAIN_WHY_OWNER] = "owner",
		[EXPLAIN_WHY_OWNER_UNKNOWN] = "owner-not-given",
		[EXPLAIN_WHY_ADDRESS_UNKNOWN] = "address-not-given",
		[EXPLAIN_WHY_PORT] = "port",
	};

	return why < EXPLAIN_WHYS ? names[why] : "unknown";
}
