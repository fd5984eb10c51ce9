/* SPDX-License-Identifier: MIT */
/*
 * explain.c - the story behind the verdict on a bind
 *
 * What each statement has to do with it, explain_tell.c tells; lacks.c says of each what it asks that
 * the process is not.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "policy/explain_tell.h"
#include "policy/lacks.h"
#include "policy/redirects.h"
#include "policy/words.h"
#include "policy/writer.h"

/* struct bind_teller - the story and the question */
struct bind_teller {
	struct teller teller;
	const struct explain_request *request;
};

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
static int tell_capability(struct bind_teller *bind)
{
	const struct teller *teller = &bind->teller;
	bool capable = bind->request->subject->capable;
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
static void print_kernel_rule(const struct bind_teller *bind, FILE *out)
{
	unsigned start = bind->request->unprivileged_start;

	if (bind->request->target->port == 0) {
		fputs("the kernel chooses a port, and no rule governs that", out);
		return;
	}
	if (bind->request->target->port >= start) {
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
	lacks_subject(bind->teller.policy, bind->request, out);
	fputs(bind->request->subject->capable ? " has here" : " does not have here", out);
}

static int tell_summary(struct bind_teller *bind)
{
	static const char *const protocols[PROTOCOLS] = { "tcp", "udp" };
	const struct teller *teller = &bind->teller;
	const struct answer *answer = &teller->explanation->answer;
	const struct target *target = bind->request->target;
	struct writer writer;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	fprintf(writer.out, "%u/%s on ", target->port, protocols[target->protocol]);
	words_address(target, writer.out);
	fputs(": ", writer.out);
	switch (answer->verdict) {
	case VERDICT_GRANTED:
		fputs("granted to ", writer.out);
		lacks_subject(teller->policy, bind->request, writer.out);
		fputs(" by ", writer.out);
		words_rule(teller->policy, &answer->rule, writer.out);
		break;
	case VERDICT_CAPABLE:
		fputs("no statement names ", writer.out);
		lacks_subject(teller->policy, bind->request, writer.out);
		fputs(", and CAP_NET_BIND_SERVICE passes", writer.out);
		break;
	case VERDICT_REFUSED:
		fputs("refused to ", writer.out);
		lacks_subject(teller->policy, bind->request, writer.out);
		fputs(", whom no statement names that decides (", writer.out);
		words_rule(teller->policy, &answer->rule, writer.out);
		fputs(" governs the port)", writer.out);
		break;
	default:
		print_kernel_rule(bind, writer.out);
		break;
	}
	return writer_close(&writer, &teller->explanation->summary);
}

/* lacks() - of one statement, for explain_tell.c */
static int lacks(struct teller *teller, const struct statement *statement,
		 struct explain_statement *told)
{
	const struct bind_teller *bind = (const struct bind_teller *)teller;

	return lacks_tell(&(struct lacks){
		.policy = teller->policy,
		.request = bind->request,
		.statement = statement,
		.reader = &teller->reader,
		.told = told,
	});
}

/* answer_of() - the policy's answer, or the kernel's own where the port is ungoverned */
static struct answer answer_of(const struct bind_teller *bind)
{
	const struct explain_request *request = bind->request;
	uint16_t port = request->target->port;
	struct answer answer =
		verdict_enforced(bind->teller.compiled, request->subject, request->target);

	if (answer.verdict == VERDICT_UNGOVERNED && port != 0 &&
	    port < request->unprivileged_start && !request->subject->capable)
		answer.verdict = VERDICT_KERNEL_REFUSED;
	return answer;
}

int explain(const struct ranges *ranges, const struct compiled *compiled,
	    const struct explain_request *request, struct explanation **ret_explanation)
{
	_cleanup_(explanation_freep) struct explanation *explanation = NULL;
	const struct target *target = request->target;
	struct bind_teller bind = {
		.teller = {
			.policy = ranges->policy,
			.ranges = ranges,
			.compiled = compiled,
			.kind = STATEMENT_BIND,
			.protocol = target->protocol,
			.port = target->port,
			.lacks = lacks,
		},
		.request = request,
	};
	const struct port_entry *entry;
	int r;

	if (target->protocol >= PROTOCOLS)
		return -EINVAL;
	explanation = calloc(1, sizeof(*explanation));
	if (!explanation)
		return -ENOMEM;
	entry = &compiled->ports[target->protocol * PORTS + target->port];
	bind.teller.enforced = entry->enforced;
	bind.teller.observed = entry->observed;
	bind.teller.explanation = explanation;

	explanation->answer = answer_of(&bind);
	explanation->observed = verdict_observed(compiled, request->subject, target);
	r = teller_tell(&bind.teller);
	if (r == 0)
		r = tell_capability(&bind);
	if (r == 0)
		r = tell_summary(&bind);
	if (r == 0 && target->protocol == PROTOCOL_TCP)
		r = redirects_tell(ranges->policy, compiled, target->port, &explanation->redirect);
	if (r < 0)
		return r;
	*ret_explanation = TAKE_PTR(explanation);
	return 0;
}
