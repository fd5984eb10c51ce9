/* SPDX-License-Identifier: MIT */
/*
 * explain_connection.c - the story behind the verdict on a caller or a service
 *
 * Clauses are asked of verdict.c, so that the explanation reads none in its own way; names are
 * compared here as the hash compares them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "policy/explain_tell.h"
#include "policy/lacks.h"
#include "policy/redirects.h"
#include "policy/writer.h"

/* struct end_teller - the story and the question */
struct end_teller {
	struct teller teller;
	const struct explain_connection *request;
};

static bool is_accept(const struct end_teller *asked)
{
	return asked->request->kind == STATEMENT_ACCEPT;
}

static const char *host_name(const struct compiled *compiled, uint32_t host)
{
	if (host < HOST_FIRST || host - HOST_FIRST >= compiled->n_hosts)
		return "local";
	return compiled->hosts[host - HOST_FIRST].name;
}

/* print_end() - "user alice@db1", "anyone@db1", "approved@db1", "a caller for whom nobody vouches" */
static void print_end(const struct end_teller *asked, FILE *out)
{
	const struct other_end *end = asked->request->end;
	const char *host = host_name(asked->teller.compiled, end->host);

	if (end->host == HOST_NONE && end->family != 0) {
		words_end_address(end, out);
		fputs(", for which nobody vouches", out);
	} else if (end->host == HOST_NONE) {
		fputs(is_accept(asked) ? "a caller" : "a service", out);
		fputs(" for which nobody vouches", out);
	} else if (asked->request->user) {
		fprintf(out, "user %s@%s", asked->request->user, host);
	} else if (end->uid == UID_NONE) {
		fprintf(out, "%s@%s", end->approved ? "approved" : "anyone", host);
	} else {
		fputs("user ", out);
		words_user(asked->teller.policy, end->uid, out);
		fprintf(out, "@%s", host);
	}
}

/* print_name() - as it was given, else as @words has the number */
static void print_name(const struct end_teller *asked, const char *name, uint32_t id,
		       void (*words)(const struct policy *, uint32_t, FILE *), FILE *out)
{
	if (name)
		fputs(name, out);
	else
		words(asked->teller.policy, id, out);
}

static void print_user(const struct end_teller *asked, FILE *out)
{
	fputs("user ", out);
	print_name(asked, asked->request->user, asked->request->end->uid, words_user, out);
}

/* clause_of() - one caller that is no name, as the tables have it */
static struct clause clause_of(const struct caller *caller)
{
	switch (caller->kind) {
	case CALLER_OWNER:
		return (struct clause){ .conditions = CONDITION_OWNER };
	case CALLER_OWNER_GROUP:
		return (struct clause){ .conditions = CONDITION_OWNER_GROUP };
	case CALLER_ADDRESS:
		return (struct clause){
			.conditions = CONDITION_ADDRESS,
			.first = caller->prefix,
			.count = 1,
		};
	default:
		return (struct clause){
			.conditions = CONDITION_RESERVED,
			.first = caller->prefix,
			.count = 1,
		};
	}
}

static int compare_uid(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static bool in_group(const struct policy *policy, uint32_t gid, uint32_t uid)
{
	const struct named_group *group = policy_group(policy, gid);

	return group && group->n &&
	       bsearch(&uid, policy->members + group->first, group->n, sizeof(uid), compare_uid);
}

static bool at_host(const struct end_teller *asked, const struct caller *caller)
{
	const struct policy *policy = asked->teller.policy;
	uint32_t host = asked->request->end->host;

	switch (caller->host_kind) {
	case CALLER_HOST_EVERY:
		return host != HOST_NONE;
	case CALLER_HOST_LOCAL:
		return host == HOST_LOCAL;
	default:
		return host >= HOST_FIRST && host - HOST_FIRST < policy->n_hosts &&
		       policy->hosts[host - HOST_FIRST].name == caller->host;
	}
}

static bool is_known(const struct end_teller *asked, const struct caller *caller)
{
	const struct policy *policy = asked->teller.policy;
	const struct named_group *group;

	if (caller->flags & (CALLER_NEVER | CALLER_NAMED))
		return false;
	if (caller->kind == CALLER_OWNER_GROUP)
		return policy->memberships_known;
	if (caller->kind != CALLER_GROUP)
		return true;
	group = policy_group(policy, caller->id);
	return group && group->known;
}

/* names() - whether it admits the other end */
static bool names(const struct end_teller *asked, const struct caller *caller)
{
	const struct other_end *end = asked->request->end;
	const struct clause clause = clause_of(caller);

	if (caller->kind > CALLER_APPROVED)
		return verdict_admitted(asked->teller.compiled, &clause, end);
	if (!is_known(asked, caller) || !at_host(asked, caller))
		return false;
	switch (caller->kind) {
	case CALLER_USER:
		return end->uid == caller->id;
	case CALLER_GROUP:
		return in_group(asked->teller.policy, caller->id, end->uid);
	case CALLER_ANYONE:
		return true;
	default:
		return end->approved;
	}
}

/* print_user_lacks() - of callers that ask who it is */
static enum explain_why print_user_lacks(const struct end_teller *asked,
					 const struct caller *caller, FILE *out)
{
	const struct other_end *end = asked->request->end;
	const struct compiled *compiled = asked->teller.compiled;

	if (end->host == HOST_NONE) {
		fputs("nobody vouches for it", out);
		return EXPLAIN_WHY_NO_VOUCH;
	}
	if (caller->kind <= CALLER_APPROVED && !at_host(asked, caller)) {
		if (end->host == HOST_LOCAL)
			fputs("this is this machine", out);
		else
			fprintf(out, "this is host %s", host_name(compiled, end->host));
		return EXPLAIN_WHY_HOST;
	}
	if (caller->kind == CALLER_APPROVED) {
		fputs("no bind rule there approved the listener", out);
		return EXPLAIN_WHY_NOT_APPROVED;
	}
	if (end->uid != UID_NONE) {
		fputs("this is ", out);
		print_user(asked, out);
		return EXPLAIN_WHY_USER;
	}
	if (asked->request->user)
		fprintf(out, "host %s does not share user %s, who is nobody here",
			host_name(compiled, end->host), asked->request->user);
	else
		fputs("its user is not known", out);
	return EXPLAIN_WHY_USER;
}

/* print_owner_lacks() - behind print_user_lacks(), where there is a user */
static enum explain_why print_owner_lacks(const struct end_teller *asked,
					  const struct caller *caller, FILE *out)
{
	const struct other_end *end = asked->request->end;
	bool group = caller->kind == CALLER_OWNER_GROUP;

	if ((group ? end->owner_gid : end->owner_uid) == UID_NONE) {
		fprintf(out, "the %s of the listener was not given", group ? "group" : "owner");
		return EXPLAIN_WHY_OWNER_UNKNOWN;
	}
	if (!group) {
		fputs("the listener belongs to user ", out);
		print_name(asked, asked->request->owner, end->owner_uid, words_user, out);
		return EXPLAIN_WHY_OWNER;
	}
	print_user(asked, out);
	fputs(" is not in its group, ", out);
	print_name(asked, asked->request->owner_group, end->owner_gid, words_group, out);
	return EXPLAIN_WHY_GROUP;
}

/* print_address_lacks() - of address and reserved */
static enum explain_why print_address_lacks(const struct end_teller *asked,
					    const struct caller *caller, FILE *out)
{
	const struct other_end *end = asked->request->end;
	struct clause clause = clause_of(caller);

	clause.conditions = CONDITION_ADDRESS;
	if (end->family == 0) {
		fputs("the address was not given", out);
		return EXPLAIN_WHY_ADDRESS_UNKNOWN;
	}
	if (!verdict_admitted(asked->teller.compiled, &clause, end)) {
		words_end_address(end, out);
		fputs(" is not in it", out);
		return EXPLAIN_WHY_ADDRESS;
	}
	if (end->port == 0)
		fputs("the source port was not given", out);
	else
		fprintf(out, "source port %u is not reserved (512-1023)", end->port);
	return EXPLAIN_WHY_PORT;
}

/* print_lacks() - what one caller asks that the other end is not */
static enum explain_why print_lacks(const struct end_teller *asked, const struct caller *caller,
				    FILE *out)
{
	const struct other_end *end = asked->request->end;
	bool user = end->host != HOST_NONE && end->uid != UID_NONE;

	if (!is_known(asked, caller)) {
		fputs(caller->kind == CALLER_OWNER_GROUP
			      ? "the members of groups are not known so far: it admits no one"
			      : "a name in it is unknown so far, or who is in the group: it admits "
				"no one",
		      out);
		return EXPLAIN_WHY_UNKNOWN_NAME;
	}
	switch (caller->kind) {
	case CALLER_ADDRESS:
	case CALLER_RESERVED:
		return print_address_lacks(asked, caller, out);
	case CALLER_OWNER:
	case CALLER_OWNER_GROUP:
		return user ? print_owner_lacks(asked, caller, out)
			    : print_user_lacks(asked, caller, out);
	case CALLER_GROUP:
		if (!user || !at_host(asked, caller))
			return print_user_lacks(asked, caller, out);
		print_user(asked, out);
		fputs(" is not in the group", out);
		return EXPLAIN_WHY_GROUP;
	default:
		return print_user_lacks(asked, caller, out);
	}
}

static int tell_lacks(struct end_teller *asked, const struct statement *statement, size_t index,
		      struct explain_statement *told)
{
	struct teller *teller = &asked->teller;
	enum explain_why why;
	struct writer writer;
	char *text;

	if (told->n_reasons == MAX_EXPLAIN_REASONS) {
		told->omitted++;
		return 0;
	}
	if (writer_open(&writer) < 0)
		return -ENOMEM;
	words_written(&teller->reader, teller->policy->sources, &told->rule, index, writer.out);
	fputs(": ", writer.out);
	why = print_lacks(asked, &teller->policy->callers[statement->first_caller + index],
			  writer.out);
	if (writer_close(&writer, &text) < 0)
		return -ENOMEM;
	return lacks_add(told, why, text);
}

/* lacks() - of one statement, for explain_tell.c */
static int lacks(struct teller *teller, const struct statement *statement,
		 struct explain_statement *told)
{
	struct end_teller *asked = (struct end_teller *)teller;
	const struct caller *callers = &teller->policy->callers[statement->first_caller];

	for (size_t i = 0; i < statement->callers && !told->names_subject; i++)
		told->names_subject = names(asked, &callers[i]);
	for (size_t i = 0; i < statement->callers && !told->names_subject; i++) {
		int r = tell_lacks(asked, statement, i, told);

		if (r < 0)
			return r;
	}
	return 0;
}

static int tell_summary(struct end_teller *asked)
{
	const struct answer *answer = &asked->teller.explanation->answer;
	const struct explain_connection *request = asked->request;
	struct writer writer;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	fprintf(writer.out, "%u/tcp %s ", request->port, is_accept(asked) ? "from" : "to");
	print_end(asked, writer.out);
	switch (answer->verdict) {
	case VERDICT_GRANTED:
		fputs(": granted by ", writer.out);
		words_rule(asked->teller.policy, &answer->rule, writer.out);
		break;
	case VERDICT_REFUSED:
		fputs(": refused, no statement names it that decides (", writer.out);
		words_rule(asked->teller.policy, &answer->rule, writer.out);
		fputs(" governs the port)", writer.out);
		break;
	default:
		fputs(is_accept(asked)
			      ? ": no accept rule names the port, and whoever reaches it may "
				"connect"
			      : ": no connect rule names the port, and nothing is asked of the "
				"service",
		      writer.out);
		break;
	}
	return writer_close(&writer, &asked->teller.explanation->summary);
}

static void find_sets(struct end_teller *asked)
{
	const struct compiled *compiled = asked->teller.compiled;
	const struct tcp_entry *entry;

	if (!compiled->tcp)
		return;
	entry = &compiled->tcp[asked->request->port];
	asked->teller.enforced = is_accept(asked) ? entry->accept : entry->connect;
	asked->teller.observed =
		is_accept(asked) ? entry->accept_observed : entry->connect_observed;
}

int explain_connection(const struct ranges *ranges, const struct compiled *compiled,
		       const struct explain_connection *request,
		       struct explanation **ret_explanation)
{
	_cleanup_(explanation_freep) struct explanation *explanation = NULL;
	struct answer (*verdict)(const struct compiled *, uint16_t, const struct other_end *, bool);
	struct end_teller asked = {
		.teller = {
			.policy = ranges->policy,
			.ranges = ranges,
			.compiled = compiled,
			.kind = request->kind,
			.protocol = PROTOCOL_TCP,
			.port = request->port,
			.lacks = lacks,
		},
		.request = request,
	};
	int r;

	if (request->kind != STATEMENT_ACCEPT && request->kind != STATEMENT_CONNECT)
		return -EINVAL;
	explanation = calloc(1, sizeof(*explanation));
	if (!explanation)
		return -ENOMEM;
	asked.teller.explanation = explanation;
	find_sets(&asked);
	verdict = is_accept(&asked) ? verdict_accept : verdict_connect;
	explanation->answer = verdict(compiled, request->port, request->end, false);
	explanation->observed = verdict(compiled, request->port, request->end, true);
	r = teller_tell(&asked.teller);
	if (r == 0)
		r = tell_summary(&asked);
	if (r == 0 && is_accept(&asked))
		r = redirects_tell(ranges->policy, compiled, request->port, &explanation->redirect);
	if (r < 0)
		return r;
	*ret_explanation = TAKE_PTR(explanation);
	return 0;
}
