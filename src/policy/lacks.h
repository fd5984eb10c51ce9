/* SPDX-License-Identifier: MIT */
/*
 * lacks.h - why one statement does not name a process
 */
#ifndef PORTCRED_POLICY_LACKS_H
#define PORTCRED_POLICY_LACKS_H

#include "policy/explain.h"
#include "policy/words.h"

/* struct lacks - one statement and who asks; all borrowed */
struct lacks {
	const struct policy *policy;
	const struct explain_request *request;
	const struct statement *statement;
	struct words_reader *reader;
	struct explain_statement *told;
};

/*
 * lacks_tell() - add the reasons to told, none if it names the process, and set names_subject
 *
 * An uncovered address is one reason; where no alternative fits, each is another. Returns 0, -ENOMEM.
 */
int lacks_tell(const struct lacks *lacks);

/* lacks_add() - one reason; takes @text over, also when it fails */
int lacks_add(struct explain_statement *told, enum explain_why why, char *text);

/* lacks_subject() - print "user alice", "root" */
void lacks_subject(const struct policy *policy, const struct explain_request *request, FILE *out);

#endif
