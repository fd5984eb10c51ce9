/* SPDX-License-Identifier: MIT */
/*
 * explain.c - the story behind a verdict
 *
 * A statement is told about only if one of its ranges covers the port: those of the deciding sets,
 * then those of wider ranges, then `observe`. lacks.c says of each what it asks that the process is
 * not.
 */
#include "policy/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/lacks.h"
#include "policy/words.h"
#include "policy/writer.h"

/* struct teller - what the story is told from, and into */
struct teller {
	const struct policy *policy;
	const struct ranges *ranges;
	const struct compiled *compiled;
	const struct explain_request *request;
	struct words_reader reader;
	struct explanation *explanation;
	size_t n_allocated;
	uint32_t enforced, observed; /* the sets that decide for the port; 0: none */
};

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
	free(explanation->capability);
	free(explanation);
}

DEFINE_CLEANUP(struct explanation *, explanation_free)

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
		r = lacks_tell(&(struct lacks){
			.policy = teller->policy,
			.request = teller->request,
			.statement = statement,
			.reader = &teller->reader,
			.told = told,
		});
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

static int tell_statements(struct teller *teller)
{
	const struct ranges *ranges = teller->ranges;
	const struct target *target = teller->request->target;
	int r;

	if (teller->enforced) {
		r = tell_set(teller, teller->enforced);
		if (r < 0)
			return r;
	}
	/* Enforcing sets come before observing ones, the narrower before the wider. */
	for (uint32_t index = 1; index < ranges->n_sets; index++) {
		const struct range_set *set = &ranges->sets[index];

		if (index == teller->enforced || target->port < set->first ||
		    target->port > set->last || !(set->protocols & PROTOCOL_BIT(target->protocol)))
			continue;
		r = tell_set(teller, index);
		if (r < 0)
			return r;
	}
	return 0;
}

/* find_only() - the first deciding statement that says `only`, NULL if none does */
static const struct statement *find_only(const struct ranges *ranges, uint32_t index)
{
	const struct range_set *set = &ranges->sets[index];

	for (size_t i = 0; i < set->n_refs; i++) {
		const struct statement *statement = range_set_statement(ranges, set, i);

		if (statement && (statement->flags & STATEMENT_ONLY))
			return statement;
	}
	return NULL;
}

/* tell_capability() - what CAP_NET_BIND_SERVICE does, where no statement names the process */
static int tell_capability(struct teller *teller)
{
	bool capable = teller->request->subject->capable;
	enum verdict verdict = teller->explanation->answer.verdict;
	const struct statement *only;
	struct writer writer;

	if (verdict != VERDICT_CAPABLE && verdict != VERDICT_REFUSED)
		return 0;
	only = find_only(teller->ranges, teller->enforced);
	if (writer_open(&writer) < 0)
		return -ENOMEM;
	fputs("CAP_NET_BIND_SERVICE", writer.out);
	if (only) {
		const struct rule rule = { .line = only->line, .file = only->file };

		fputs(capable ? " does not pass: " : " would not pass either: ", writer.out);
		words_rule(teller->policy, &rule, writer.out);
		fputs(" says `only`", writer.out);
	} else {
		fputs(capable ? " passes: no deciding statement says `only`"
			      : " would pass, and the process does not have it",
		      writer.out);
	}
	return writer_close(&writer, &teller->explanation->capability);
}

/* print_kernel_rule() - what stands where no rule names the port */
static void print_kernel_rule(const struct teller *teller, FILE *out)
{
	unsigned start = teller->request->unprivileged_start;

	if (teller->request->target->port == 0) {
		fputs("the kernel chooses a port, and no rule governs that", out);
		return;
	}
	if (teller->request->target->port >= start) {
		fprintf(out,
			"no rule names the port, and the kernel lets anyone bind it "
			"(ip_unprivileged_port_start is %u)",
			start);
		return;
	}
	fprintf(out,
		"no rule names the port; below %u (ip_unprivileged_port_start) the kernel asks for "
		"CAP_NET_BIND_SERVICE, which ",
		start);
	lacks_subject(teller->policy, teller->request, out);
	fputs(teller->request->subject->capable ? " has here" : " does not have here", out);
}

static int tell_summary(struct teller *teller)
{
	static const char *const protocols[PROTOCOLS] = { "tcp", "udp" };
	const struct answer *answer = &teller->explanation->answer;
	const struct target *target = teller->request->target;
	struct writer writer;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	fprintf(writer.out, "%u/%s on ", target->port, protocols[target->protocol]);
	words_address(target, writer.out);
	fputs(": ", writer.out);
	switch (answer->verdict) {
	case VERDICT_GRANTED:
		fputs("granted to ", writer.out);
		lacks_subject(teller->policy, teller->request, writer.out);
		fputs(" by ", writer.out);
		words_rule(teller->policy, &answer->rule, writer.out);
		break;
	case VERDICT_CAPABLE:
		fputs("no statement names ", writer.out);
		lacks_subject(teller->policy, teller->request, writer.out);
		fputs(", and CAP_NET_BIND_SERVICE passes", writer.out);
		break;
	case VERDICT_REFUSED:
		fputs("refused to ", writer.out);
		lacks_subject(teller->policy, teller->request, writer.out);
		fputs(", whom no statement names that decides (", writer.out);
		words_rule(teller->policy, &answer->rule, writer.out);
		fputs(" governs the port)", writer.out);
		break;
	default:
		print_kernel_rule(teller, writer.out);
		break;
	}
	return writer_close(&writer, &teller->explanation->summary);
}

/* answer_of() - the policy's answer, or the kernel's own where the port is ungoverned */
static struct answer answer_of(const struct teller *teller)
{
	const struct explain_request *request = teller->request;
	uint16_t port = request->target->port;
	struct answer answer =
		verdict_enforced(teller->compiled, request->subject, request->target);

	if (answer.verdict == VERDICT_UNGOVERNED && port != 0 &&
	    port < request->unprivileged_start && !request->subject->capable)
		answer.verdict = VERDICT_KERNEL_REFUSED;
	return answer;
}

int explain(const struct ranges *ranges, const struct compiled *compiled,
	    const struct explain_request *request, struct explanation **ret_explanation)
{
	_cleanup_(explanation_freep) struct explanation *explanation = NULL;
	struct teller teller = {
		.policy = ranges->policy,
		.ranges = ranges,
		.compiled = compiled,
		.request = request,
	};
	const struct port_entry *entry;
	int r;

	if (request->target->protocol >= PROTOCOLS)
		return -EINVAL;
	explanation = calloc(1, sizeof(*explanation));
	if (!explanation)
		return -ENOMEM;
	entry = &compiled->ports[request->target->protocol * PORTS + request->target->port];
	teller.enforced = entry->enforced;
	teller.observed = entry->observed;
	teller.explanation = explanation;

	explanation->answer = answer_of(&teller);
	explanation->observed = verdict_observed(compiled, request->subject, request->target);
	r = tell_statements(&teller);
	if (r == 0)
		r = tell_capability(&teller);
	if (r == 0)
		r = tell_summary(&teller);
	if (r < 0)
		return r;
	*ret_explanation = TAKE_PTR(explanation);
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
		[EXPLAIN_WHY_RANGE] = "range",     [EXPLAIN_WHY_OBSERVE] = "observe",
		[EXPLAIN_WHY_ADDRESS] = "address", [EXPLAIN_WHY_UNKNOWN_NAME] = "unknown-name",
		[EXPLAIN_WHY_USER] = "user",       [EXPLAIN_WHY_GROUP] = "group",
		[EXPLAIN_WHY_EXE] = "exe",         [EXPLAIN_WHY_EXE_UNKNOWN] = "exe-not-given",
		[EXPLAIN_WHY_UNIT] = "unit",       [EXPLAIN_WHY_UNIT_UNKNOWN] = "unit-not-given",
	};

	return why < EXPLAIN_WHYS ? names[why] : "unknown";
}
