/* SPDX-License-Identifier: MIT */
/*
 * lacks.c - what the alternatives and the addresses of a statement ask, and the process is not
 *
 * Every condition is asked of verdict.c, so that the explanation reads none in its own way.
 */
#include "policy/lacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/writer.h"

int lacks_add(struct explain_statement *told, enum explain_why why, char *text)
{
	struct explain_reason *reasons;

	if (told->n_reasons == MAX_EXPLAIN_REASONS) {
		told->omitted++;
		free(text);
		return 0;
	}
	reasons = reallocarray(told->reasons, told->n_reasons + 1, sizeof(*reasons));
	if (!reasons) {
		free(text);
		return -ENOMEM;
	}
	reasons[told->n_reasons++] = (struct explain_reason){ .why = why, .text = text };
	told->reasons = reasons;
	return 0;
}

void lacks_subject(const struct policy *policy, const struct explain_request *request, FILE *out)
{
	uint32_t uid = request->subject->uid;

	if (!request->user && uid == 0) {
		fputs("root", out);
		return;
	}
	fputs("user ", out);
	if (request->user)
		fputs(request->user, out);
	else
		words_user(policy, uid, out);
}

/* missing_conditions() - those of CONDITION_* that fail; CONDITION_NEVER: no process has them */
static uint32_t missing_conditions(const struct policy *policy, const struct subject *subject,
				   const struct alternative *alternative)
{
	uint32_t conditions = alternative->conditions, missing = 0;

	if (!alternative_can_admit(alternative))
		return CONDITION_NEVER;
	if ((conditions & CONDITION_USER) && alternative->uid != subject->uid)
		missing |= CONDITION_USER;
	if ((conditions & CONDITION_GROUP) && !subject_in_group(subject, alternative->gid))
		missing |= CONDITION_GROUP;
	if ((conditions & CONDITION_EXE) &&
	    !subject_runs(subject, policy->exes[alternative->exe].path))
		missing |= CONDITION_EXE;
	if ((conditions & CONDITION_UNIT) &&
	    !subject_in_unit(subject, &policy->units[alternative->unit].pattern))
		missing |= CONDITION_UNIT;
	return missing;
}

/* first_why() - the kind of the first that is missing, in the order in which they are printed */
static enum explain_why first_why(const struct subject *subject, uint32_t missing)
{
	if (missing & CONDITION_NEVER)
		return EXPLAIN_WHY_UNKNOWN_NAME;
	if (missing & CONDITION_USER)
		return EXPLAIN_WHY_USER;
	if (missing & CONDITION_GROUP)
		return EXPLAIN_WHY_GROUP;
	if (missing & CONDITION_EXE)
		return subject->exe ? EXPLAIN_WHY_EXE : EXPLAIN_WHY_EXE_UNKNOWN;
	return subject->unit ? EXPLAIN_WHY_UNIT : EXPLAIN_WHY_UNIT_UNKNOWN;
}

/* print_missing() - "user alice exe /bin/a: this is user bob; the executable was not given" */
static void print_missing(const struct lacks *lacks, size_t index, uint32_t missing, FILE *out)
{
	const struct explain_request *request = lacks->request;
	const struct subject *subject = request->subject;
	const struct policy *policy = lacks->policy;
	const char *between = ": ";

	if (missing & CONDITION_NEVER) {
		words_written(lacks->reader, policy->sources, &lacks->told->rule, index, out);
		fputs(": a name in it is unknown so far, or its executable is missing: it admits "
		      "no one",
		      out);
		return;
	}
	words_alternative(policy,
			  &policy->alternatives[lacks->statement->first_alternative + index], out);
	if (missing & CONDITION_USER) {
		fprintf(out, "%sthis is ", between);
		lacks_subject(policy, request, out);
		between = "; ";
	}
	if (missing & CONDITION_GROUP) {
		fputs(between, out);
		lacks_subject(policy, request, out);
		fputs(" is not in the group", out);
		between = "; ";
	}
	if (missing & CONDITION_EXE) {
		fprintf(out, "%sthe executable %s%s", between,
			subject->exe ? "is " : "was not given", subject->exe ? subject->exe : "");
		between = "; ";
	}
	if (missing & CONDITION_UNIT)
		fprintf(out, "%sthe unit %s%s", between, subject->unit ? "is " : "was not given",
			subject->unit ? subject->unit : "");
}

/* print_uncovered() - why `on` does not cover the address */
static void print_uncovered(const struct lacks *lacks, FILE *out)
{
	const struct target *target = lacks->request->target;
	const uint32_t *address = target->address;
	bool four = target->family == 4;

	fputs("on ", out);
	words_prefixes(lacks->policy, lacks->statement, out);
	fputs(": ", out);
	words_address(target, out);
	if (four ? address[3] : address[0] | address[1] | address[2] | address[3])
		fputs(" is not in it", out);
	else if (four)
		fputs(" stands for every IPv4 address, and needs 0.0.0.0/0", out);
	else if (target->v6only)
		fputs(" stands for every IPv6 address, and needs ::/0", out);
	else
		fputs(" without IPV6_V6ONLY stands for every IPv6 and every IPv4 address, and "
		      "needs both ::/0 and 0.0.0.0/0",
		      out);
}

static int tell_uncovered(const struct lacks *lacks)
{
	struct writer writer;
	char *text;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	print_uncovered(lacks, writer.out);
	if (writer_close(&writer, &text) < 0)
		return -ENOMEM;
	return lacks_add(lacks->told, EXPLAIN_WHY_ADDRESS, text);
}

static int tell_missing(const struct lacks *lacks, size_t index, uint32_t missing)
{
	struct writer writer;
	char *text;

	if (lacks->told->n_reasons == MAX_EXPLAIN_REASONS) {
		lacks->told->omitted++;
		return 0;
	}
	if (writer_open(&writer) < 0)
		return -ENOMEM;
	print_missing(lacks, index, missing, writer.out);
	if (writer_close(&writer, &text) < 0)
		return -ENOMEM;
	return lacks_add(lacks->told, first_why(lacks->request->subject, missing), text);
}

int lacks_tell(const struct lacks *lacks)
{
	const struct statement *statement = lacks->statement;
	const struct policy *policy = lacks->policy;
	const struct subject *subject = lacks->request->subject;
	const struct alternative *alternatives =
		&policy->alternatives[statement->first_alternative];
	const struct prefix *prefixes =
		statement->prefixes ? &policy->prefixes[statement->first_prefix] : NULL;
	bool covered = target_covered(lacks->request->target, prefixes, statement->prefixes);
	bool fits = false;

	for (size_t i = 0; i < statement->alternatives && !fits; i++)
		fits = missing_conditions(policy, subject, &alternatives[i]) == 0;
	lacks->told->names_subject = covered && fits;

	if (!covered && tell_uncovered(lacks) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < statement->alternatives && !fits; i++) {
		uint32_t missing = missing_conditions(policy, subject, &alternatives[i]);

		if (tell_missing(lacks, i, missing) < 0)
			return -ENOMEM;
	}
	return 0;
}
