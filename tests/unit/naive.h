/* SPDX-License-Identifier: MIT */
/*
 * naive.h - the language read a second time, slowly and straight from its description
 *
 * Shares nothing with src/policy or bpf, not even a header: a mistake there must not come here too.
 * Statements are kept as the words they are written with, and every question walks all of them.
 */
#ifndef PORTCRED_TESTS_NAIVE_H
#define PORTCRED_TESTS_NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define NAIVE_STATEMENTS   17
#define NAIVE_ITEMS        3
#define NAIVE_ALTERNATIVES 3
#define NAIVE_PREFIXES     3
#define NAIVE_GROUPS       3
#define NAIVE_CALLERS      4
#define NAIVE_SHARED       3

enum naive_protocol { NAIVE_TCP, NAIVE_UDP, NAIVE_BOTH };

/* struct naive_item - of the list of ports */
struct naive_item {
	int first, last;
	enum naive_protocol protocol;
};

/* struct naive_name - a user or group: a machine's, by word or number, or one that is unknown */
struct naive_name {
	const char *word; /* as it is written; NULL: the condition is not there */
	long id;          /* -1: nobody has the name */
};

/* struct naive_alternative - one principal; a NULL word is a condition that is not there */
struct naive_alternative {
	bool anyone;
	bool root; /* `root` instead of a user */
	struct naive_name user, group;
	const char *exe;
	const char *unit;
	int order; /* in which order the words are written */
};

/* struct naive_network - an address behind `on` */
struct naive_network {
	const char *text;
	int family;
	unsigned char bytes[16];
	int bits;
};

enum naive_caller_kind {
	NAIVE_USER,
	NAIVE_GROUP,
	NAIVE_ANYONE,
	NAIVE_APPROVED,
	NAIVE_OWNER,
	NAIVE_OWNER_GROUP,
	NAIVE_ADDRESS,
	NAIVE_RESERVED,
};

/* struct naive_caller - one item behind `from` or `to` */
struct naive_caller {
	enum naive_caller_kind kind;
	struct naive_name name; /* NAIVE_USER, NAIVE_GROUP */
	const char *host;       /* those that have one: a host's name, "local" or "*" */
	const struct naive_network *network; /* NAIVE_ADDRESS, NAIVE_RESERVED */
};

enum naive_kind { NAIVE_BIND, NAIVE_ACCEPT, NAIVE_CONNECT, NAIVE_REDIRECT };

struct naive_statement {
	enum naive_kind kind;
	bool observe, only;
	int n_items, n_alternatives, n_networks, n_callers;
	struct naive_item items[NAIVE_ITEMS];
	struct naive_alternative alternatives[NAIVE_ALTERNATIVES];
	const struct naive_network *networks[NAIVE_PREFIXES];
	struct naive_caller callers[NAIVE_CALLERS];
	int target; /* NAIVE_REDIRECT */
};

/* struct naive_host - with what its `host` statement says of users */
struct naive_host {
	const char *name;
	const char *statement; /* the whole line */
	int n_shared;
	long shared[NAIVE_SHARED][2];
	bool root_trusted;
};

/* struct naive_member - that this machine's databases list */
struct naive_member {
	long gid, uid;
};

/* struct naive_world - what is there beside a policy */
struct naive_world {
	const struct naive_host *hosts;
	int n_hosts;
	const struct naive_member *members;
	int n_members;
};

/* struct naive_policy - statement i stands on line i + 1 */
struct naive_policy {
	int n;
	struct naive_statement statements[NAIVE_STATEMENTS];
};

struct naive_process {
	long uid, gid;
	int n_groups;
	long groups[NAIVE_GROUPS];
	bool capable;
	const char *exe, *unit;
};

/* struct naive_address - that a socket is bound to; v4-mapped ones are here as IPv4 */
struct naive_address {
	const char *text;
	int family;
	unsigned char bytes[16];
	bool v6only;
};

/* struct naive_end - the other end of a connection */
struct naive_end {
	const char *host; /* who vouches: a host's name or "local"; NULL: nobody */
	long uid;         /* there; -1: not known */
	bool approved;
	const struct naive_address *address; /* NULL: not known */
	int port;                            /* its own */
	long owner_uid, owner_gid;           /* of the listener here; -1: not known */
};

enum naive_verdict {
	NAIVE_UNGOVERNED,
	NAIVE_GRANTED,
	NAIVE_CAPABLE,
	NAIVE_REFUSED,
	NAIVE_VERDICTS
};

/* struct naive_answer - the verdict, and which statements might be named for it */
struct naive_answer {
	enum naive_verdict verdict;
	bool named[NAIVE_STATEMENTS];
};

/* Readings that are wrong, each in one point: a test that does not notice them is no test. */
enum naive_flaw {
	FLAW_NONE,
	FLAW_WIDEST,             /* the widest range decides */
	FLAW_ALL_RANGES,         /* every range that covers the port decides */
	FLAW_ONE_STATEMENT,      /* only the first rule with the same range counts */
	FLAW_PROTOCOL,           /* a rule for one protocol is one for both */
	FLAW_OBSERVE,            /* `observe` is not seen */
	FLAW_ONLY,               /* `only` is not seen */
	FLAW_ONLY_OF_ALL,        /* `only` holds if all of the rules say it */
	FLAW_CAPABILITY,         /* the capability never passes */
	FLAW_OR,                 /* words of one principal joined by or */
	FLAW_PRIMARY_GROUP,      /* supplementary groups do not count */
	FLAW_EFFECTIVE_GROUP,    /* the effective group does not count */
	FLAW_UNKNOWN_NAME,       /* a name that nobody has is no condition */
	FLAW_UNKNOWN_UNGOVERNED, /* a rule that admits nobody governs nothing */
	FLAW_ON,                 /* `on` is not seen */
	FLAW_ON_GOVERNS,         /* `on` limits the governance as well */
	FLAW_UNSPECIFIED,        /* 0.0.0.0 is an address like another */
	FLAW_DUAL_STACK,         /* :: without IPV6_V6ONLY needs ::/0 alone */
	FLAW_V6ONLY,             /* :: with IPV6_V6ONLY needs 0.0.0.0/0 too */
	FLAW_FAMILY,             /* 0.0.0.0/0 covers IPv6 as well */
	FLAW_UNIT,               /* the `*` of a unit is a character */

	FLAW_KIND,            /* a rule of one kind is one of the others */
	FLAW_HOST,            /* a user is the same at every host */
	FLAW_EVERY_LOCAL,     /* `*` is not this machine */
	FLAW_EVERY_UNVOUCHED, /* `*` is nobody's vouch as well */
	FLAW_SQUASH,          /* every host speaks for root */
	FLAW_TRUST,           /* no host speaks for root */
	FLAW_NOT_SHARED,      /* every host speaks for every user */
	FLAW_SHARED_EDGE,     /* the last of a range of ids is not in it */
	FLAW_ANYONE_KNOWN,    /* `anyone` has to be somebody here */
	FLAW_MEMBER,          /* a group is nobody at another machine */
	FLAW_OWNER_LOCAL,     /* only callers of this machine are the owner */
	FLAW_OWNER_UNKNOWN,   /* who is not known is the owner who is not known */
	FLAW_OWNER_IN_GROUP,  /* the owner is in his listener's group, whoever is listed */
	FLAW_ADDRESS,         /* addresses are not looked at */
	FLAW_PORT,            /* every port is reserved */
	FLAW_PORT_LOW,        /* ports below 512 are reserved too */
	FLAW_APPROVED,        /* what a host vouches for is approved */
	FLAW_LOCAL_ROOT,      /* root of this machine passes unnamed */

	FLAW_LED_EDGE,    /* the last port of a range is not led */
	FLAW_LED_FIRST,   /* only the first item of the list is led */
	FLAW_LED_BACK,    /* calls of the target are led, too */
	FLAW_LED_JUDGED,  /* the target's accept rules decide who may call */
	FLAW_LED_GOVERNS, /* a redirect governs the port called */

	/* Of which redirects are in order: naive_redirects_good(). */
	FLAW_LED_TWICE, /* a port may have two targets */
	FLAWS_OF_ORDER = FLAW_LED_TWICE,
	FLAW_LED_CHAIN,      /* the target may be redirected elsewhere */
	FLAW_LED_UNGOVERNED, /* anybody may bind the target */
	FLAW_LED_OBSERVED,   /* an observing rule governs the target */
	FLAW_LED_UDP,        /* a rule for UDP governs the target */
	FLAWS,
};

/* naive_print() - the policy's text, and the hosts behind it */
void naive_print(const struct naive_policy *policy, const struct naive_world *world, FILE *out);

/* naive_decide() - of the enforcing or the observing policy, with one mistake made on purpose */
struct naive_answer naive_decide(const struct naive_policy *policy, bool observe,
				 const struct naive_process *process,
				 const struct naive_address *address, enum naive_protocol protocol,
				 int port, enum naive_flaw flaw);

/* naive_map() - what uid N of a host is here; -1: nobody */
long naive_map(const struct naive_world *world, const char *host, long uid, enum naive_flaw flaw);

/* naive_decide_end() - the same of an accept or a connect */
struct naive_answer naive_decide_end(const struct naive_policy *policy,
				     const struct naive_world *world, enum naive_kind kind,
				     bool observe, const struct naive_end *end, int port,
				     enum naive_flaw flaw);

/* naive_led() - to which port calls of a port are led; 0: they stay */
int naive_led(const struct naive_policy *policy, int port, enum naive_flaw flaw);

/* naive_redirects_good() - whether all redirects are in order */
bool naive_redirects_good(const struct naive_policy *policy, enum naive_flaw flaw);

/* naive_admits() - whether one statement alone names the other end, ranges apart */
bool naive_admits(const struct naive_statement *statement, const struct naive_world *world,
		  const struct naive_end *end, enum naive_flaw flaw);

/* naive_names() - whether one statement alone names the process, ranges apart */
bool naive_names(const struct naive_statement *statement, const struct naive_process *process,
		 const struct naive_address *address, enum naive_flaw flaw);

#endif
