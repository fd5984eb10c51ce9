/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * abi.h - what the kernel half and user space say to each other
 *
 * Every structure here lies in a map or in the ring buffer, so its layout is an interface between a
 * daemon and programs that an older daemon may have left pinned. PORTCRED_ABI changes with any of
 * them: it names the directory of pins, and a daemon never touches maps of another number.
 *
 * The tables of one policy fill one *slot* (maps of maps with two entries each). control.active says
 * which slot is in force; a program reads it once and stays with that slot until it returns.
 *
 */
#ifndef PORTCRED_ABI_H
#define PORTCRED_ABI_H

#include <linux/types.h>

#define PORTCRED_ABI 1

#define PORTCRED_SLOTS 2

/* Named limits. The compiler of the policy refuses what would exceed one of them. */
#define MAX_CLAUSES   64  /* clauses tried for one bind: a set's general list, or one user's list */
#define MAX_PREFIXES  64  /* addresses behind one `on` */
#define MAX_UNIT_NAME 256 /* bytes of a cgroup's name with its NUL: NAME_MAX + 1 */
#define MAX_SLICES    64  /* depth of a process's cgroup below the attached one */
#define MAX_NAME_TEXT 256 /* bytes of one name of a path in an event */
#define MAX_PATH_TEXT 512 /* bytes of a path in an event: begun while below MAX_NAME_TEXT */
#define MAX_COMMAND   16  /* TASK_COMM_LEN */

/* Sizes of maps: an adopted map must have the same. */
#define MAX_FLOODS          4096
#define EVENTS_BYTES        (512U << 10) /* some 450 events; mapped, they count as portcredd's memory */
#define MAX_REFUSED_SOCKETS (1U << 18) /* sockets bound before a policy that refuses them */

enum protocol {
	PROTOCOL_TCP, /* MPTCP included */
	PROTOCOL_UDP, /* UDP-Lite included */
	PROTOCOLS,
};

/* Index into a slot's `ports`: protocol * PORTS + port. */
#define PORTS 65536U

/* struct port_entry - what governs one port of one protocol */
struct port_entry {
	__u32 enforced; /* rule set of the enforcing policy, 0: ungoverned */
	__u32 observed; /* rule set of the observing policy, 0: none */
	__u32 next;     /* the smallest enforced port >= this one, PORTS if there is none */
};

/* struct rule - where a statement stands; line 0: no statement */
struct rule {
	__u32 line;
	__u16 file; /* index into the policy's list of files */
	__u16 zero;
};

/* Flags of a rule set. */
#define SET_ONLY   1U /* CAP_NET_BIND_SERVICE does not pass */
#define SET_ANYONE 2U /* some statement says `anyone` and limits no address */

/* struct rule_set - all statements of one narrowest range; index 0 is never used */
struct rule_set {
	struct rule rule;   /* the first of the deciding statements: named by a refusal */
	struct rule anyone; /* the statement behind SET_ANYONE */
	__u32 flags;
	__u32 first; /* clauses that do not begin with a user: [first, first + count) */
	__u32 count; /* <= MAX_CLAUSES */
};

/* What a clause asks of a process. All set conditions must hold. */
#define CONDITION_USER  1U /* effective uid == uid (`root` is uid 0) */
#define CONDITION_GROUP 2U /* gid is the effective gid or a supplementary group */
#define CONDITION_EXE   4U /* the executable is exe */
#define CONDITION_UNIT  8U /* the unit's name matches pattern unit */

/* struct clause - one alternative behind `by`, with the `on` of its statement */
struct clause {
	struct rule rule;
	__u32 conditions;
	__u32 uid;
	__u32 gid;
	__u32 exe;   /* index of the executable in the policy */
	__u32 unit;  /* index into `units` */
	__u32 first; /* prefixes: [first, first + count) of `prefixes` */
	__u32 count; /* 0: any address; <= MAX_PREFIXES */
};

/* struct user_key, struct grant - the hash of (rule set, effective uid) */
struct user_key {
	__u32 set;
	__u32 uid;
};

struct grant {
	__u32 at;      /* clauses == 0: line of the rule; else index of the first clause */
	__u16 file;    /* clauses == 0: file of the rule */
	__u16 clauses; /* 0: granted whatever else; else that many clauses to try, <= MAX_CLAUSES */
};

/*
 * struct prefix - one address or network behind `on`
 *
 * Words are in network byte order; IPv4 is written v4-mapped, so its first 96 bits are fixed.
 */
struct prefix {
	__u32 address[4]; /* already masked */
	__u32 mask[4];
	__u32 family; /* 4 or 6 */
	__u32 length; /* bits, of 32 or of 128 */
};

/* struct unit_pattern - a unit's name with at most one `*`: prefix, anything, suffix */
struct unit_pattern {
	__u16 wildcard; /* 0: text is the whole name, prefix bytes long */
	__u16 prefix;   /* bytes of text before the `*` */
	__u16 suffix;   /* bytes of text after it, which follow the prefix in text */
	__u16 zero;
	char text[MAX_UNIT_NAME];
};

/* struct exe_key - an executable as the kernel knows it */
struct exe_key {
	__u64 inode;
	__u32 device; /* super block's dev_t as the kernel holds it: major << 20 | minor */
	__u32 exe;    /* index of the executable in the policy: one file may stand for several */
};

/* struct settings - what else belongs to one policy, one for each slot */
struct settings {
	__u64 namespace_cookie; /* network namespace in which the rules hold (SO_NETNS_COOKIE) */
	__u64 cgroup;           /* id of the attached cgroup (its inode number) */
	__u32 all_namespaces;   /* `set scope all` */
	__u32 observe_all;      /* portcredd --observe: log what would be refused, refuse nothing */
	__u32 generation;       /* counts policies since the pins were made */
	__u32 zero;
};

/* struct control - the one element of map `control`, mapped into the daemon's memory */
struct control {
	__u32 active;                  /* slot in force */
	__u32 enabled;                 /* 0: no policy was ever put in force, decide nothing */
	__u32 unprivileged_port_start; /* of the sysctl in net.ipv4: for the audit alone */
	__u32 refused_sockets;         /* entries of map `refused`; 0: it need not be asked */
	struct settings settings[PORTCRED_SLOTS];
};

/* enum verdict - the answer to one question */
enum verdict {
	VERDICT_UNGOVERNED,     /* no rule names the port: the kernel's own rule stands */
	VERDICT_GRANTED,        /* a statement names the process */
	VERDICT_CAPABLE,        /* CAP_NET_BIND_SERVICE in the initial user namespace */
	VERDICT_REFUSED,        /* governed, and nobody named the process */
	VERDICT_KERNEL_REFUSED, /* ungoverned, below ip_unprivileged_port_start, no capability */
	VERDICTS,
};

/* enum operation - where the question was asked */
enum operation {
	OPERATION_BIND,       /* bind(2) with a port */
	OPERATION_AUTOBIND,   /* bind(2) to port 0 that came to a governed port */
	OPERATION_LISTEN,     /* listen(2) without a bind */
	OPERATION_SEND,       /* sendto(2) without a bind */
	OPERATION_PORT_RANGE, /* IP_LOCAL_PORT_RANGE over a governed port: port is the first one */
	OPERATIONS,
};

/*
 * struct flood_key, struct flood - how the log stays small under a flood
 *
 * A first entry a (user, protocol, port, verdict) remembers when that was last told; a second one a
 * user (port 0) counts what he was told about in this second, whatever the port.
 */
struct flood_key {
	__u32 uid;
	__u16 port;
	__u8 protocol;
	__u8 kind; /* verdict | policy observed << 7; FLOOD_BUDGET for the second kind */
};

#define FLOOD_BUDGET           0xff
#define FLOOD_WINDOW_NS        1000000000ULL /* the same thing is told once in that time */
#define FLOOD_EVENTS_IN_WINDOW 32            /* and no more things than these of one user */

struct flood {
	__u64 since; /* boot clock, ns: start of the window */
	__u32 told;  /* FLOOD_BUDGET: events told in the window */
	__u32 held;  /* events not told since `since` */
};

/*
 * struct path_text - a path from the leaf up, '/' after each name ("nginx/sbin/usr/"): the kernel
 * walks so. Ends at the first NUL; cut off at the root's side where it is too long.
 */
struct path_text {
	char text[MAX_PATH_TEXT];
};

/* struct event - one line of the audit */
struct event {
	__u64 time; /* CLOCK_BOOTTIME, ns */
	__u64 cgroup;
	__u64 inode;  /* of the executable, 0: none (kernel thread) */
	__u32 device; /* of the executable */
	__u32 pid;    /* thread group id in the initial pid namespace */
	__u32 uid;    /* effective */
	__u32 gid;    /* effective */
	struct rule rule;
	__u32 generation; /* of the policy that `rule` belongs to */
	__u32 held;       /* earlier events of this kind that were not told */
	__u16 port;
	__u8 protocol;  /* enum protocol */
	__u8 family;    /* 4 or 6 */
	__u8 verdict;   /* enum verdict */
	__u8 operation; /* enum operation */
	__u8 observed;  /* 1: the observing policy's answer, or nothing was refused (observe_all) */
	__u8 zero;
	__u32 address[4]; /* network byte order, IPv4 v4-mapped */
	char command[MAX_COMMAND];
	struct path_text executable;
	struct path_text group; /* cgroup below the attached one */
};

/* Counters in map `counters` (per CPU). */
enum counter {
	COUNTER_REFUSED, /* by a rule or by the kernel's own */
	COUNTER_GRANTED, /* that the kernel alone would have refused */
	COUNTER_LOST,    /* events for which the ring buffer had no room */
	COUNTER_HELD,    /* events not told because of a flood */
	COUNTER_MARKED,  /* listeners found unapproved */
	COUNTERS,
};

#endif
