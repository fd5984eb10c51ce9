/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * abi.h - what the kernel half and user space say to each other
 *
 * Every structure here lies in a map or in the ring buffer, so its layout is an interface between a
 * daemon and programs that an older daemon may have left pinned. PORTCRED_ABI changes with any of
 * them: it names the directory of pins, and a daemon never touches maps of another number. It reads of them
 * what they know of sockets (src/kernel/inherit.h): what the maps that it names have of one
 * may change with its size alone, or they with their names.
 *
 * The tables of one policy fill one *slot* (maps of maps with two entries each). control.active says
 * which slot is in force; a program reads it once and stays with that slot until it returns.
 *
 */
#ifndef PORTCRED_ABI_H
#define PORTCRED_ABI_H

#include <linux/types.h>

#define PORTCRED_ABI 4

#define PORTCRED_SLOTS 2

/* Named limits. The compiler of the policy refuses what would exceed one of them. */
#define MAX_CLAUSES   64  /* clauses tried for one bind: a set's general list, or one user's list */
#define MAX_PREFIXES  64  /* addresses behind one `on` */
#define MAX_UNIT_NAME 256 /* bytes of a cgroup's name with its NUL: NAME_MAX + 1 */
#define MAX_SLICES    64  /* depth of a process's cgroup below the attached one */
#define MAX_NAME_TEXT 256 /* bytes of one name of a path in an event */
#define MAX_PATH_TEXT 512 /* bytes of a path in an event: begun while below MAX_NAME_TEXT */
#define MAX_COMMAND   16  /* TASK_COMM_LEN */
#define MAX_HOST_NAME 64  /* bytes of a host's name with its NUL */
#define MAX_HOST_KEYS 2   /* public keys of one host at a time: two while they are rotated */
#define MAX_KEY_PAIRS 4   /* of our keys with theirs */
#define MAX_ID_RANGES 64U /* behind one `users shared` */

/* Sizes of maps: an adopted map must have the same. */
#define MAX_FLOODS          4096
#define EVENTS_BYTES        (512U << 10) /* some 450 events; mapped, they count as portcredd's memory */
#define MAX_REFUSED_SOCKETS (1U << 18) /* sockets bound before a policy that refuses them */
#define MAX_HANDSHAKES      (1U << 14) /* verified SYNs whose connection is not there yet */
#define MAX_SPENT           (1U << 14) /* answers to SYN cookies, taken once each */
#define MAX_OWN_ADDRESSES   4096       /* of this machine; others count as another host's */
#define MAX_LISTENERS       4096 /* at ports to which calls are led; a dual-stack one is two */

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

/* struct tcp_entry - what governs the connections of one port, by index of rule set, 0: nothing */
struct tcp_entry {
	__u32 accept; /* enforcing */
	__u32 accept_observed;
	__u32 connect;
	__u32 connect_observed;
	__u32 redirect; /* port to which calls of this one are led, 0: they stay */
	__u32 called; /* a port whose calls are led to this one, rather an accept-governed one; 0: none */
};

/* Listeners at one address and port (SO_REUSEPORT, SO_BINDTODEVICE); more are not led to. */
#define LISTENER_PLACES 4U

/*
 * struct listener_key - key of `listeners`: where a socket listens to which calls may be led
 *
 * One at :: that is not IPV6_V6ONLY has a second entry, at 0.0.0.0.
 */
struct listener_key {
	__u32 address[4]; /* network byte order, IPv4 v4-mapped */
	__u16 port;
	__u16 place; /* < LISTENER_PLACES */
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
/* accept and connect: which kinds of keys are worth a look (struct user_key) */
#define SET_USERS       4U  /* user U@H or group G@H, H a host or `local` */
#define SET_USERS_EVERY 8U  /* the same at `*` */
#define SET_HOSTS       16U /* anyone@H */
#define SET_HOSTS_EVERY 32U /* anyone@* */
#define SET_APPROVED    64U /* approved@H, approved@*: connect */

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
/* Of a caller instead: one of these alone. */
#define CONDITION_OWNER       16U  /* its user is the listener's owner */
#define CONDITION_OWNER_GROUP 32U  /* its user is a member of the owner's group */
#define CONDITION_ADDRESS     64U  /* its address lies in one of the prefixes */
#define CONDITION_RESERVED    128U /* the same, and its port is 512-1023 */

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

/*
 * Hosts by number. A `host` statement's is HOST_FIRST + its index in the policy.
 */
#define HOST_NONE  0U /* nobody vouches */
#define HOST_LOCAL 1U /* this machine */
#define HOST_EVERY 2U /* `*`: in keys alone */
#define HOST_FIRST 3U
#define HOST_BITS  14U
#define MAX_HOSTS  (1U << HOST_BITS)
#define SET_BITS   (32U - HOST_BITS)
#define MAX_SETS   (1U << SET_BITS)

/* Instead of a uid. The kernel takes the first for none at all; the parser refuses the second. */
#define UID_NONE     0xffffffffU /* not known, squashed; in a key: anyone@HOST */
#define UID_APPROVED 0xfffffffeU /* in a key: approved@HOST */

/* Of user_key.set in accept and connect sets: who at which host. */
#define CALLER_SET(set, host) ((set) | (host) << SET_BITS)

/*
 * struct user_key, struct grant - (rule set, effective uid) and what it is granted; for accept and
 * connect (CALLER_SET(), uid as it is mapped here), where clauses is 0
 */
struct user_key {
	__u32 set; /* never 0 */
	__u32 uid;
};

struct grant {
	__u32 at;      /* clauses == 0: line of the rule; else index of the first clause */
	__u16 file;    /* clauses == 0: file of the rule */
	__u16 clauses; /* 0: granted whatever else; else that many clauses to try, <= MAX_CLAUSES */
};

/* The hash of them, `users`: how a key is found in it stands in users.h. */
struct user_entry {
	struct user_key key; /* set 0: free */
	struct grant grant;
};

#define USERS_IN_BUCKET  4
#define USERS_MAX_PROBES 64U

/* struct user_bucket - a cache line; filled from entry 0 on */
struct user_bucket {
	struct user_entry entry[USERS_IN_BUCKET];
};

/* struct users_shape - what else a look-up needs to know, beside the buckets */
struct users_shape {
	__u32 buckets; /* 0: nobody is named */
	__u32 probes;  /* buckets to look into before a key is not there, <= USERS_MAX_PROBES */
	__u32 seed;
	__u32 zero;
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

/* struct host_prefix - key of the `addresses` trie: the longest prefix decides whose host it is */
struct host_prefix {
	__u32 length;     /* bits of 128; IPv4 is written v4-mapped, its /N is 96 + N here */
	__u32 address[4]; /* network byte order */
};

/* struct vouch_key - SipHash-2-4's key: its 16 bytes as two little-endian words */
struct vouch_key {
	__u64 word[2];
};

/* struct key_pair - one key a direction, between one of our keys and one of theirs */
struct key_pair {
	struct vouch_key in;  /* from them to us */
	struct vouch_key out; /* from us to them */
};

/* struct host_entry - a host that may vouch; `hosts`, by number of host */
struct host_entry {
	__u32 pairs; /* 0: nobody vouches for it; <= MAX_KEY_PAIRS. We stamp with the first. */
	__u32 root_trusted; /* `root trust`: uid 0 there is uid 0 here */
	__u32 first_range;  /* shared ids: [first_range, first_range + ranges) of `id_ranges` */
	__u32 ranges;       /* <= MAX_ID_RANGES */
	struct key_pair pair[MAX_KEY_PAIRS];
	char name[MAX_HOST_NAME]; /* NUL-padded */
};

/*
 * struct own_address - an address of this machine; `own_addresses`, by address (16 bytes, network
 * byte order, IPv4 v4-mapped)
 */
struct own_address {
	__u32 source[4]; /* where the kernel calls it from, if the caller does not say */
};

/* struct shared_ids - uid N there is uid N here, for first <= N <= last */
struct shared_ids {
	__u32 first;
	__u32 last;
};

/* enum known - how it is known who is at the other end */
enum known {
	KNOWN_NOT,      /* unknown */
	KNOWN_LOCAL,    /* this kernel saw the other end's process */
	KNOWN_VOUCHED,  /* the other host's kernel vouches */
	KNOWN_ASKED,    /* the other host answered a question */
	KNOWN_RESERVED, /* it came from a reserved port, 512-1023; whose, is unknown */
};

/* Flags of a peer. */
#define PEER_OPENED   1U /* we opened the connection; else we accepted it */
#define PEER_APPROVED 2U /* PEER_OPENED: a bind rule there approved the listener */

#define PEER_RECORD_VERSION 1

/* getsockopt(fd, SOL_PORTCRED, PORTCRED_PEER): struct peer. include/portcred/portcred.h tells it. */
#define SOL_PORTCRED  0x7063
#define PORTCRED_PEER 1
/* setsockopt() of it, by portcredd alone: this listener's SYN-ACKs are to be asked of us. */
#define PORTCRED_LISTENS 2

/* struct peer - who is at the other end of a TCP socket */
struct peer {
	__u16 version; /* PEER_RECORD_VERSION */
	__u8 how;      /* enum known */
	__u8 flags;
	__u32 uid;                /* here, once mapped; UID_NONE: not known or squashed */
	__u32 raw_uid;            /* there, as it was vouched; UID_NONE: not known */
	__u32 gid;                /* UID_NONE: not known */
	char host[MAX_HOST_NAME]; /* NUL-padded; empty: not known */
};

/* struct owner - of a listener: who bound it */
struct owner {
	__u32 uid; /* effective */
	__u32 gid; /* effective; UID_NONE: not known (the listener is older than the policy) */
};

/* struct settings - what else belongs to one policy, one for each slot */
struct settings {
	__u64 namespace_cookie; /* network namespace in which the rules hold (SO_NETNS_COOKIE) */
	__u64 cgroup;           /* id of the attached cgroup (its inode number) */
	__u32 all_namespaces;   /* `set scope all` */
	__u32 observe_all;      /* portcredd --observe: log what would be refused, refuse nothing */
	__u32 generation;       /* counts policies since the pins were made */
	__u32 vouches;          /* hosts, accept or connect rules, or `set peercred all` */
	__u32 peercred;         /* enum peercred */
	__s32 clock_offset;     /* seconds to add to TAI: --clock-offset */
	struct users_shape users;
};

/* enum peercred - which sockets SO_PEERCRED answers for */
enum peercred {
	PEERCRED_ACCEPT, /* local port with an accept rule, remote port with a connect rule */
	PEERCRED_ALL,
	PEERCRED_OFF,
};

/* In control.refused_sockets: all listeners at governed ports that their bind(2) did not name. */
#define REFUSED_UNASKED (1U << 31)

/* struct control - the one element of map `control`, mapped into the daemon's memory */
struct control {
	__u32 active;                  /* slot in force */
	__u32 enabled;                 /* 0: no policy was ever put in force, decide nothing */
	__u32 unprivileged_port_start; /* of the sysctl in net.ipv4: for the audit alone */
	__u32 refused_sockets;         /* entries of map `refused`, REFUSED_UNASKED; 0: none */
	struct vouch_key local_key;    /* random, as long as the pins are there */
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
	OPERATION_ACCEPT,     /* a caller of a listener here */
	OPERATION_CONNECT,    /* a service that a process here called */
	OPERATIONS,
};

/* enum reason - why an accept or connect rule refused */
enum reason {
	REASON_NONE,
	REASON_NO_VOUCH,     /* a configured host, or this machine, that said nothing */
	REASON_BAD_TAG,      /* the tag is not the host's */
	REASON_EPOCH,        /* the host's own tag, but of a time too far from ours */
	REASON_UNKNOWN_HOST, /* no `host` statement has the address */
	REASON_NOT_NAMED,    /* vouched, and no caller of the rule */
	REASON_NOT_RESERVED, /* the address would do, but the source port is not reserved */
	REASON_NO_PROOF,     /* the SYN was vouched, the answer to our challenge is missing */
	REASON_MALFORMED,    /* headers that cannot be read, an option that is not well-formed */
	REASON_FAST_OPEN,    /* data before the handshake, where only a vouch admits */
	REASONS,
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

/*
 * Of connections, uid is a digest of the caller's address, and the second entry is a listener's
 * (uid 0, its port): addresses can be forged. A third (port 0) is that of all listeners: ports can be
 * tried in turn.
 */
#define FLOOD_CONNECTION        0x40 /* set in kind */
#define FLOOD_CONNECTION_BUDGET 0xfe
#define FLOOD_BUDGET            0xff
#define FLOOD_WINDOW_NS         1000000000ULL /* the same thing is told once in that time */
#define FLOOD_EVENTS_IN_WINDOW  32            /* and no more things than these of one user */
#define FLOOD_CALLS_IN_WINDOW   256           /* or of connections, all together */

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
	__u8 reason;    /* enum reason: of accept and connect */
	__u32 address[4]; /* network byte order, IPv4 v4-mapped */
	/*
	 * OPERATION_ACCEPT: address and port are the listener's, these the caller's. With pid 0 the
	 * caller was judged by its segments, and uid is the listener's owner's; else by its
	 * connect(2), and uid is its own. OPERATION_CONNECT: address and port are the service's, and
	 * so are these; uid is the opener's, pid 0.
	 */
	__u32 peer_address[4];
	__u16 peer_port;
	__u16 zero;
	struct peer peer;
	char command[MAX_COMMAND];
	struct path_text executable;
	struct path_text group; /* cgroup below the attached one */
};

/* Counters in map `counters` (per CPU). */
enum counter {
	COUNTER_REFUSED,  /* by a rule or by the kernel's own */
	COUNTER_GRANTED,  /* that the kernel alone would have refused */
	COUNTER_LOST,     /* events for which the ring buffer had no room */
	COUNTER_HELD,     /* events not told because of a flood */
	COUNTER_MARKED,   /* listeners found unapproved */
	COUNTER_VOUCHED,  /* connections whose caller was proved, on either side */
	COUNTER_UNPROVED, /* SYNs dropped by an accept rule, SYN-ACKs by a connect rule */
	COUNTER_EPOCH,    /* vouches of a known host whose clock is too far from ours */
	COUNTERS,
};

#endif
