/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - the kernel's decision (bpf/decide.h), asked in user space about compiled tables
 */
#ifndef PORTCRED_POLICY_VERDICT_H
#define PORTCRED_POLICY_VERDICT_H

#include "policy/compile.h"

/* struct subject - a process as the decision sees it */
struct subject {
	uint32_t uid;           /* effective */
	uint32_t gid;           /* effective */
	const uint32_t *groups; /* supplementary, any order */
	size_t n_groups;
	bool capable;     /* CAP_NET_BIND_SERVICE in the initial user namespace */
	const char *exe;  /* path of the executable, NULL: unknown, matches no `exe` */
	const char *unit; /* name of the unit, NULL: none */
};

/* struct target - what it asks for */
struct target {
	uint32_t address[4]; /* network byte order, IPv4 v4-mapped */
	uint8_t family;      /* 4 or 6; v4-mapped is 4 */
	bool v6only;
	uint8_t protocol; /* enum protocol */
	uint16_t port;    /* host byte order */
};

/* struct other_end - who is at the other end of a connection, as far as that is proved */
struct other_end {
	uint32_t host;       /* HOST_LOCAL, or its number; HOST_NONE: nobody vouches */
	uint32_t uid;        /* here (verdict_map_uid()); UID_NONE: not known */
	bool approved;       /* connect: a bind rule there approved the listener */
	uint8_t family;      /* of its address: 4, 6, 0: not known */
	uint16_t port;       /* its own; 0: not known */
	uint32_t address[4]; /* network byte order, IPv4 v4-mapped */
	uint32_t owner_uid;  /* accept: of the listener here; UID_NONE: not known */
	uint32_t owner_gid;
};

/* struct answer - verdict and the rule that gave it */
struct answer {
	enum verdict verdict;
	struct rule rule; /* line 0: none */
};

/* verdict_enforced(), verdict_observed() - what each of the two policies answers */
struct answer verdict_enforced(const struct compiled *compiled, const struct subject *subject,
			       const struct target *target);
struct answer verdict_observed(const struct compiled *compiled, const struct subject *subject,
			       const struct target *target);

/*
 * verdict_accept(), verdict_connect() - may this caller reach the listener on @port of ours, may a
 * process here reach this service on @port of its own
 * @observed: what the observing policy answers
 */
struct answer verdict_accept(const struct compiled *compiled, uint16_t port,
			     const struct other_end *end, bool observed);
struct answer verdict_connect(const struct compiled *compiled, uint16_t port,
			      const struct other_end *end, bool observed);

/* verdict_map_uid() - what uid N of a host is here; UID_NONE: nobody */
uint32_t verdict_map_uid(const struct compiled *compiled, uint32_t host, uint32_t uid);

/* verdict_find_host() - the number of the host that is called so; HOST_NONE: there is none */
uint32_t verdict_find_host(const struct compiled *compiled, const char *name);

/* verdict_admitted() - whether one clause of @compiled admits the other end */
bool verdict_admitted(const struct compiled *compiled, const struct clause *clause,
		      const struct other_end *end);

/*
 * subject_in_group(), subject_runs(), subject_in_unit(), target_covered() - the conditions of a
 * clause one by one, for whoever explains a verdict. No prefixes cover every target, as a statement
 * without `on` does.
 */
bool subject_in_group(const struct subject *subject, uint32_t gid);
bool subject_runs(const struct subject *subject, const char *path);
bool subject_in_unit(const struct subject *subject, const struct unit_pattern *pattern);
bool target_covered(const struct target *target, const struct prefix *prefixes, size_t n);

#endif
