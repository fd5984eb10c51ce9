/* SPDX-License-Identifier: MIT */
/*
 * explain.h - why a bind, a caller or a service is granted or refused
 *
 * The verdict is verdict.h's. What is told beside it, about each statement that names the port, is
 * read from the policy as it was written; tests hold the two to each other.
 */
#ifndef PORTCRED_POLICY_EXPLAIN_H
#define PORTCRED_POLICY_EXPLAIN_H

#include "policy/ranges.h"
#include "policy/verdict.h"

/* More are counted and not told. */
#define MAX_EXPLAIN_STATEMENTS 128U
#define MAX_EXPLAIN_REASONS    16U /* of one statement */

/* struct explain_request - the question */
struct explain_request {
	const struct subject *subject; /* exe, unit NULL: not given, and said so */
	const struct target *target;
	const char *user; /* name of subject->uid to be shown; NULL: as the policy has it */
	uint16_t unprivileged_start; /* net.ipv4.ip_unprivileged_port_start */
};

/* struct explain_connection - the other question: about a connection */
struct explain_connection {
	enum statement_kind kind; /* STATEMENT_ACCEPT, STATEMENT_CONNECT */
	uint16_t port;            /* the listener's or the service's */
	const struct other_end *end;
	/* To be shown; NULL: as the policy has the number. */
	const char *user;        /* who is there: end->uid */
	const char *owner;       /* of the listener: end->owner_uid */
	const char *owner_group; /* end->owner_gid */
};

/* What a statement that names the port has to do with the answer. */
enum explain_kind {
	EXPLAIN_ANSWERS,    /* it grants: the answer's rule */
	EXPLAIN_GRANTS_TOO, /* it names the process as well */
	EXPLAIN_DECIDES,    /* it is among those that decide, and does not name the process */
	EXPLAIN_OVERRIDDEN, /* a narrower range decides alone */
	EXPLAIN_OBSERVES,   /* `observe`: it changes nothing; see names_subject, reasons */
	EXPLAIN_KINDS,
};

/* Why a statement did not apply, the first condition that failed. */
enum explain_why {
	EXPLAIN_WHY_RANGE,        /* overridden by a narrower range */
	EXPLAIN_WHY_OBSERVE,      /* only logs */
	EXPLAIN_WHY_ADDRESS,      /* not covered by `on` */
	EXPLAIN_WHY_UNKNOWN_NAME, /* nobody has the name so far, or the executable is missing */
	EXPLAIN_WHY_USER,         /* another user */
	EXPLAIN_WHY_GROUP,        /* not a member */
	EXPLAIN_WHY_EXE,          /* another executable */
	EXPLAIN_WHY_EXE_UNKNOWN,  /* the executable was not given */
	EXPLAIN_WHY_UNIT,         /* another unit */
	EXPLAIN_WHY_UNIT_UNKNOWN, /* the unit was not given */
	/* Of connections; USER, GROUP, ADDRESS and UNKNOWN_NAME too. */
	EXPLAIN_WHY_NO_VOUCH,        /* nobody vouches */
	EXPLAIN_WHY_HOST,            /* another host does */
	EXPLAIN_WHY_NOT_APPROVED,    /* no bind rule there approved the listener */
	EXPLAIN_WHY_OWNER,           /* the listener is somebody else's */
	EXPLAIN_WHY_OWNER_UNKNOWN,   /* its owner was not given */
	EXPLAIN_WHY_ADDRESS_UNKNOWN, /* the address was not given */
	EXPLAIN_WHY_PORT,            /* the source port is not reserved, or was not given */
	EXPLAIN_WHYS,
};

/* struct explain_reason - in words, "user alice: this is user bob" */
struct explain_reason {
	enum explain_why why;
	char *text;
};

/* struct explain_statement - one statement that names the port */
struct explain_statement {
	enum explain_kind kind;
	struct rule rule;
	char *place;        /* "policy.conf:3" */
	char *text;         /* the logical line, joined */
	bool names_subject; /* alone it would grant, narrower ranges and `observe` apart */
	struct explain_reason *reasons;
	size_t n_reasons;
	size_t omitted; /* reasons beyond MAX_EXPLAIN_REASONS */
};

/* struct explanation - the answer; everything in it is owned, see explanation_free() */
struct explanation {
	struct answer answer;   /* VERDICT_KERNEL_REFUSED included */
	struct answer observed; /* of the observing policy */
	char *summary;          /* one sentence without a full stop */
	char *redirect;         /* whether calls are led from or to the port; NULL: none are */
	char *capability;       /* what CAP_NET_BIND_SERVICE does here; NULL: nothing */
	/* That which answers, the others that decide, the wider ones from the narrowest, `observe`. */
	struct explain_statement *statements;
	size_t n_statements;
	size_t omitted; /* statements beyond MAX_EXPLAIN_STATEMENTS */
};

/*
 * explain() - the verdict and the whole story
 * @ranges: of the policy that @compiled was made of
 *
 * Returns 0, -EINVAL where the target's protocol does not exist, -ENOMEM.
 */
int explain(const struct ranges *ranges, const struct compiled *compiled,
	    const struct explain_request *request, struct explanation **ret_explanation);

/* explain_connection() - the same of a connection; -EINVAL for another kind */
int explain_connection(const struct ranges *ranges, const struct compiled *compiled,
		       const struct explain_connection *request,
		       struct explanation **ret_explanation);

void explanation_free(struct explanation *explanation);

/* explain_..._name() - one word each, for JSON: "granted", "address" */
const char *explain_verdict_name(enum verdict verdict);
const char *explain_kind_name(enum explain_kind kind);
const char *explain_why_name(enum explain_why why);

#endif
