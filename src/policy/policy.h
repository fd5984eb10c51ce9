/* SPDX-License-Identifier: MIT */
/*
 * policy.h - a policy as it was written: sources, statements, names
 *
 * The way of a policy: source_read() → policy_parse() → policy_resolve() → policy_check() →
 * policy_compile(). Each stage adds diagnostics and goes on as far as it can, so that one run names
 * every error. Nothing here touches the machine: what a stage must ask of it (a uid, a file's owner)
 * goes through struct policy_environment.
 *
 * A policy can hold a million statements, so a statement is small and owns no memory: ports,
 * alternatives and prefixes are ranges of the policy's arrays.
 */
#ifndef PORTCRED_POLICY_POLICY_H
#define PORTCRED_POLICY_POLICY_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "policy/diagnostics.h"
#include "policy/source.h"

enum statement_kind {
	STATEMENT_BIND,
	STATEMENT_ACCEPT,
	STATEMENT_CONNECT,
	STATEMENT_REDIRECT,
	STATEMENT_HOST,
	STATEMENT_SET,
};

/* Flags of a statement. */
#define STATEMENT_OBSERVE 1U /* `observe bind …`: belongs to the observing policy */
#define STATEMENT_ONLY    2U /* `only`: the capability does not pass */

/* Bits of port_range.protocols. */
#define PROTOCOL_BIT(protocol) (1U << (protocol))
#define PROTOCOL_BITS_ALL      (PROTOCOL_BIT(PROTOCOL_TCP) | PROTOCOL_BIT(PROTOCOL_UDP))

/* struct port_range - one item of a list of ports: first..last inclusive, first >= 1 */
struct port_range {
	uint16_t first;
	uint16_t last;
	uint8_t protocols; /* bits */
	uint8_t joined;    /* 1: the second range of one item (a service with two ports) */
};

/* Beside CONDITION_* of abi.h, in alternative.conditions. */
#define CONDITION_ANYONE      0x100U /* `anyone`; stands alone */
#define CONDITION_NAMED_USER  0x200U /* uid is an index into policy.names until policy_resolve() */
#define CONDITION_NAMED_GROUP 0x400U /* the same for gid */
#define CONDITION_NEVER       0x800U /* a name nobody has (yet): admits no one */

/* struct alternative - one principal behind `by`: its words, joined by *and* */
struct alternative {
	uint32_t conditions;
	uint32_t uid;  /* CONDITION_USER (`root`: 0) */
	uint32_t gid;  /* CONDITION_GROUP */
	uint32_t exe;  /* CONDITION_EXE: index into policy.exes */
	uint32_t unit; /* CONDITION_UNIT: index into policy.units */
};

enum caller_kind {
	CALLER_USER,        /* `user U@H` */
	CALLER_GROUP,       /* `group G@H` */
	CALLER_ANYONE,      /* `anyone@H` */
	CALLER_APPROVED,    /* `approved@H`: connect only */
	CALLER_OWNER,       /* `owner`: accept only, as are all below */
	CALLER_OWNER_GROUP, /* `group-of-owner` */
	CALLER_ADDRESS,     /* `address CIDR`: nothing is vouched */
	CALLER_RESERVED,    /* `reserved CIDR`: source port 512-1023, nothing is vouched */
};

enum caller_host {
	CALLER_HOST_NAMED, /* a `host` statement's name */
	CALLER_HOST_LOCAL, /* `local`: this machine */
	CALLER_HOST_EVERY, /* `*`: every host that vouches, and this machine */
};

/* Flags of a caller. */
#define CALLER_NAMED 1U /* id is an index into policy.names until policy_resolve() */
#define CALLER_NEVER 2U /* a name that nobody has (yet): admits no one */

/* struct caller - one item behind `from` of accept or `to` of connect */
struct caller {
	uint8_t kind;      /* enum caller_kind */
	uint8_t host_kind; /* enum caller_host, for kinds up to CALLER_APPROVED */
	uint16_t flags;
	uint32_t id;     /* CALLER_USER: uid; CALLER_GROUP: gid; both of this machine's databases */
	uint32_t host;   /* CALLER_HOST_NAMED: index into policy.names */
	uint32_t prefix; /* CALLER_ADDRESS, CALLER_RESERVED: index into policy.prefixes */
};

/* struct named_group - one that a caller names, with its members; each gid once, ascending */
struct named_group {
	uint32_t gid;
	uint32_t first; /* [first, first + n) of policy.members, ascending, each once */
	uint32_t n;
	bool known; /* false: the databases did not say, so it admits no one */
};

/* Members of the groups that callers name, and memberships where a caller is the owner's group. */
#define MAX_MEMBERSHIPS (1U << 20)

/* struct id_range - user ids first..last inclusive, first >= 1 */
struct id_range {
	uint32_t first;
	uint32_t last;
};

#define HOST_KEY_BYTES   32U   /* X25519 */
#define DEFAULT_ID_FIRST 1000U /* `users shared` without ranges */
#define DEFAULT_ID_LAST  59999U

/* struct host_key - one public key of a host */
struct host_key {
	uint8_t bytes[HOST_KEY_BYTES];
	struct location where;
	uint32_t width; /* characters of it in the source */
};

/* struct host - what a `host` statement says; its addresses are the statement's prefixes */
struct host {
	uint32_t name; /* index into policy.names */
	uint32_t first_id_range;
	uint16_t id_ranges; /* `users shared` */
	bool root_trusted;
	uint32_t n_keys;
	struct host_key keys[MAX_HOST_KEYS]; /* two while they are rotated */
	struct location where;               /* of the name */
};

/*
 * struct statement - one statement; `first`/count pairs are ranges of the policy's arrays
 *
 * Every statement of kind bind, accept or connect has at least one port, and one alternative or
 * caller: one whose principals could not be read gets a single alternative that admits nobody.
 */
struct statement {
	uint32_t line;
	uint16_t file;
	uint8_t kind;  /* enum statement_kind */
	uint8_t flags; /* STATEMENT_* */
	uint32_t first_port;
	union {
		uint32_t first_alternative; /* bind */
		uint32_t first_caller;      /* accept, connect */
		uint32_t target;            /* redirect: the port behind `to` */
		uint32_t host;              /* host: index into policy.hosts */
	};
	uint32_t first_prefix; /* bind: `on`; host: `at` */
	uint16_t ports;
	union {
		uint16_t alternatives; /* bind */
		uint16_t callers;      /* accept, connect */
	};
	uint16_t prefixes; /* <= MAX_PREFIXES */
	uint16_t zero;
};

/* statement_has_ranges() - whether its ports are ranges of which the narrowest decides */
static inline bool statement_has_ranges(const struct statement *statement)
{
	return statement->kind == STATEMENT_BIND || statement->kind == STATEMENT_ACCEPT ||
	       statement->kind == STATEMENT_CONNECT;
}

enum name_kind {
	NAME_USER,
	NAME_GROUP,
	NAME_HOST, /* no name of this machine's databases: policy_resolve() leaves it alone */
};

/* struct name - a user, a group or a host that a statement names by a word, each (kind, text) once */
struct name {
	const char *text;      /* owned by the policy */
	uint32_t id;           /* NAME_USER, NAME_GROUP: uid or gid, once resolved */
	uint8_t kind;          /* enum name_kind */
	bool resolved;         /* NAME_HOST: a host statement has it, sound or not */
	uint32_t width;        /* characters of it in the source */
	struct location where; /* first use */
};

/* struct executable - a PATH behind `exe`, each path once */
struct executable {
	const char *path;      /* owned by the policy, absolute */
	uint32_t width;        /* characters of it in the source */
	struct location where; /* first use */
};

/* struct unit - a NAME behind `unit`, each once */
struct unit {
	struct unit_pattern pattern;
	struct location where; /* first use */
};

enum scope {
	SCOPE_OWN, /* the network namespace of the daemon: the default */
	SCOPE_ALL, /* `set scope all` */
};

/* struct policy - all that was written; made by policy_parse(), released by policy_free() */
struct policy {
	struct sources *sources; /* borrowed: must outlive the policy */
	struct statement *statements;
	struct port_range *ports;
	struct alternative *alternatives;
	struct prefix *prefixes;
	struct name *names;
	struct executable *exes;
	struct unit *units;
	struct caller *callers;
	struct host *hosts;
	struct id_range *id_ranges;
	size_t n_statements, n_ports, n_alternatives, n_prefixes, n_names, n_exes, n_units;
	size_t n_callers, n_hosts, n_id_ranges;
	enum scope scope;
	enum peercred peercred;
	const char *name; /* `set name`; NULL: the machine's own */

	/* What policy_resolve() finds out for callers. */
	struct named_group *groups;
	uint32_t *members;
	struct user_key *memberships; /* set: gid, uid; ascending, each once */
	size_t n_groups, n_members, n_memberships;
	bool owner_groups;      /* some caller is the group of the owner */
	bool memberships_known; /* false where owner_groups: that caller admits no one */

	/* further members are the parser's own */
	struct policy_storage *storage;
};

/* member_function - told of one member of a group; -errno ends the listing, which returns it */
typedef int member_function(void *closure, uint32_t gid, uint32_t uid);

/*
 * struct policy_environment - what a policy asks of the machine; any function may be NULL
 *
 * @find_user, @find_group: 0 and the id, -ENOENT if there is no such name, another -errno if the
 * database did not answer (treated as unknown, and said).
 * @find_service: ports of a service name: 0 and a port for each protocol that is set in the bits of
 * ret_protocols, -ENOENT.
 * @find_members: calls @each with the members of one group, those whose primary group it is
 * included, in any order and perhaps twice. 0; -errno if the databases did not answer.
 * @list_memberships: the same with the members of every group.
 * @list_services: calls @each with every service name, for "did you mean".
 * @check_executable: 0 if only root can change what stands at PATH; else -EPERM with ret_culprit the
 * path component that someone else can change (caller frees), -ENOENT, -EACCES (not executable; with
 * ret_culprit: that directory may not be searched), -EISDIR, -ENOEXEC (a `#!` script, whose
 * interpreter the kernel would see).
 * @own_keys: public keys of this machine, which are no other host's; borrowed.
 * @ephemeral_first, @ephemeral_last: net.ipv4.ip_local_port_range; both 0: not known, not checked.
 */
struct policy_environment {
	int (*find_user)(void *data, const char *name, uint32_t *ret_uid);
	int (*find_group)(void *data, const char *name, uint32_t *ret_gid);
	int (*find_members)(void *data, uint32_t gid, member_function *each, void *closure);
	int (*list_memberships)(void *data, member_function *each, void *closure);
	int (*find_service)(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
			    uint8_t *ret_protocols);
	void (*list_services)(void *data, void (*each)(void *closure, const char *name),
			      void *closure);
	int (*check_executable)(void *data, const char *path, char **ret_culprit);
	const uint8_t (*own_keys)[HOST_KEY_BYTES];
	size_t n_own_keys;
	uint16_t ephemeral_first;
	uint16_t ephemeral_last;
	void *data;
};

/* A policy must leave so many ports of the ephemeral range ungoverned. */
#define MIN_EPHEMERAL_PORTS 4096U

/*
 * policy_parse() - read all statements of all sources
 * @environment: only find_service is asked here: a port's number decides the grammar's checks
 *
 * Returns 0 also when there are errors (they are in @diagnostics); -ENOMEM.
 */
int policy_parse(struct sources *sources, const struct policy_environment *environment,
		 struct diagnostics *diagnostics, struct policy **ret_policy);

/*
 * policy_resolve() - names to ids, groups of callers to their members
 * @lenient: true at the start of the daemon: an unknown name is a warning and admits nobody
 * (CONDITION_NEVER, CALLER_NEVER); false: an error.
 *
 * Returns 0 also when there are errors (they are in @diagnostics); -ENOMEM.
 */
int policy_resolve(struct policy *policy, const struct policy_environment *environment,
		   bool lenient, struct diagnostics *diagnostics);

/*
 * policy_check() - what no single statement shows: ranges that overlap in part, executables that
 * someone but root can replace, too few ephemeral ports left, hosts that share a key or an address,
 * callers of hosts that nothing names, redirects in a circle or to a port that anyone may bind
 *
 * @lenient: an executable that is missing is a warning and its alternatives admit nobody.
 * Returns 0 also when there are errors (they are in @diagnostics); -ENOMEM.
 */
int policy_check(struct policy *policy, const struct policy_environment *environment, bool lenient,
		 struct diagnostics *diagnostics);

/* policy_group() - a group that a caller names, once resolved; NULL: none does */
const struct named_group *policy_group(const struct policy *policy, uint32_t gid);

/* policy_asks() - whether anything in it may mean something else when the databases change */
bool policy_asks(const struct policy *policy);

/* policy_is_resolved() - whether the databases have said all that was asked of them */
bool policy_is_resolved(const struct policy *policy);

void policy_free(struct policy *policy);

#endif
