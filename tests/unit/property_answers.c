/* SPDX-License-Identifier: MIT */
/* property_answers.c - a question in the words of verdict.h, and whether both answers are the same */
#include "property.h"

#include <inttypes.h>

struct other_end end_of(const struct loaded *l, const struct naive_end *end)
{
	struct other_end is = {
		.host = end->host ? verdict_find_host(l->compiled, end->host) : HOST_NONE,
		.approved = end->approved,
		.port = (uint16_t)end->port,
		.owner_uid = end->owner_uid < 0 ? UID_NONE : (uint32_t)end->owner_uid,
		.owner_gid = end->owner_gid < 0 ? UID_NONE : (uint32_t)end->owner_gid,
	};

	is.uid =
		verdict_map_uid(l->compiled, is.host, end->uid < 0 ? UID_NONE : (uint32_t)end->uid);
	if (end->address) {
		struct target target = target_of(PROTOCOL_TCP, 0, end->address->text);

		is.family = target.family;
		memcpy(is.address, target.address, sizeof(is.address));
	}
	return is;
}

void ask(const struct question *q, struct asked *asked)
{
	*asked = (struct asked){
		.subject = {
			.uid = (uint32_t)q->process.uid,
			.gid = (uint32_t)q->process.gid,
			.groups = asked->groups,
			.n_groups = (size_t)q->process.n_groups,
			.capable = q->process.capable,
			.exe = q->process.exe,
			.unit = q->process.unit,
		},
		.target = target_of(q->protocol == NAIVE_TCP ? PROTOCOL_TCP : PROTOCOL_UDP,
				    (uint16_t)q->port, q->address->text),
	};
	asked->target.v6only = q->address->v6only;
	for (int i = 0; i < q->process.n_groups; i++)
		asked->groups[i] = (uint32_t)q->process.groups[i];
}

bool same(const struct naive_answer *naive, const struct answer *answer)
{
	static const enum verdict verdicts[NAIVE_VERDICTS] = {
		[NAIVE_UNGOVERNED] = VERDICT_UNGOVERNED,
		[NAIVE_GRANTED] = VERDICT_GRANTED,
		[NAIVE_CAPABLE] = VERDICT_CAPABLE,
		[NAIVE_REFUSED] = VERDICT_REFUSED,
	};

	if (answer->verdict != verdicts[naive->verdict])
		return false;
	if (naive->verdict == NAIVE_UNGOVERNED)
		return answer->rule.line == 0;
	return answer->rule.line >= 1 && answer->rule.line <= NAIVE_STATEMENTS &&
	       naive->named[answer->rule.line - 1];
}

static void show_answers(const struct naive_answer *naive, const struct answer *answer)
{
	print_error("verdict %s by line %" PRIu32 ", expected verdict number %u by line",
		    explain_verdict_name(answer->verdict), answer->rule.line, naive->verdict);
	for (int i = 0; i < NAIVE_STATEMENTS; i++) {
		if (naive->named[i])
			print_error(" %d", i + 1);
	}
	print_error("\n");
}

void show(const char *text, const struct question *q, const struct naive_answer *naive,
	  const struct answer *answer)
{
	print_error("%suid %ld gid %ld groups", text, q->process.uid, q->process.gid);
	for (int i = 0; i < q->process.n_groups; i++)
		print_error(" %ld", q->process.groups[i]);
	print_error("%s exe %s unit %s, port %d/%s on %s%s\n", q->process.capable ? " capable" : "",
		    q->process.exe ? q->process.exe : "-", q->process.unit ? q->process.unit : "-",
		    q->port, q->protocol == NAIVE_TCP ? "tcp" : "udp", q->address->text,
		    q->address->v6only ? " v6only" : "");
	show_answers(naive, answer);
}

/* explained_as_decided() - the story agrees with the verdict and with the naive reading */
static bool explained_as_decided(const struct explanation *explanation,
				 const bool names_subject[static NAIVE_STATEMENTS],
				 const struct answer *answer)
{
	unsigned answering = 0;
	bool good = explanation->answer.verdict == answer->verdict;

	for (size_t i = 0; i < explanation->n_statements; i++) {
		const struct explain_statement *told = &explanation->statements[i];
		bool names = names_subject[told->rule.line - 1];

		good = good && told->names_subject == names;
		answering += told->kind == EXPLAIN_ANSWERS;
		if (told->kind == EXPLAIN_ANSWERS)
			good = good && told->rule.line == answer->rule.line;
		if (told->kind == EXPLAIN_DECIDES)
			good = good && !names && told->n_reasons > 0;
		if (told->kind == EXPLAIN_OBSERVES || told->kind == EXPLAIN_OVERRIDDEN)
			good = good && told->n_reasons > 0;
	}
	return good && answering == (answer->verdict == VERDICT_GRANTED);
}

bool explain_bind(const struct loaded *l, const struct ranges *ranges,
		  const struct naive_policy *policy, const struct question *q,
		  const struct asked *asked, const struct answer *answer)
{
	const struct explain_request request = { .subject = &asked->subject,
						 .target = &asked->target };
	struct explanation *explanation = NULL;
	bool names[NAIVE_STATEMENTS] = { 0 }, good;

	if (explain(ranges, l->compiled, &request, &explanation) < 0)
		return false;
	for (int i = 0; i < policy->n; i++)
		names[i] = naive_names(&policy->statements[i], &q->process, q->address, FLAW_NONE);
	good = explained_as_decided(explanation, names, answer);
	explanation_free(explanation);
	return good;
}

bool explain_call(const struct loaded *l, const struct ranges *ranges,
		  const struct naive_policy *policy, const struct call *call,
		  const struct other_end *end, const struct answer *answer)
{
	const struct explain_connection request = {
		.kind = call->kind == NAIVE_ACCEPT ? STATEMENT_ACCEPT : STATEMENT_CONNECT,
		.port = (uint16_t)call->port,
		.end = end,
	};
	struct explanation *explanation = NULL;
	bool names[NAIVE_STATEMENTS] = { 0 }, good;

	if (explain_connection(ranges, l->compiled, &request, &explanation) < 0)
		return false;
	for (int i = 0; i < policy->n; i++)
		names[i] = naive_admits(&policy->statements[i], &property_world, &call->end,
					FLAW_NONE);
	good = explained_as_decided(explanation, names, answer);
	explanation_free(explanation);
	return good;
}

void show_call(const char *text, const struct call *call, const struct naive_answer *naive,
	       const struct answer *answer)
{
	const struct naive_end *end = &call->end;

	print_error("%s%s port %d, host %s uid %ld%s at %s port %d, owner %ld:%ld\n", text,
		    call->kind == NAIVE_ACCEPT ? "accept" : "connect", call->port,
		    end->host ? end->host : "-", end->uid, end->approved ? " approved" : "",
		    end->address ? end->address->text : "-", end->port, end->owner_uid,
		    end->owner_gid);
	show_answers(naive, answer);
}
