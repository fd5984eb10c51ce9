/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * tables.bpf.h - the maps, and how decide.h reads them in the kernel
 *
 * Maps of maps hold the two slots of each table. User space fills the slot that is not in force and
 * then writes control.active; until then nobody reads it.
 */
#ifndef PORTCRED_BPF_TABLES_H
#define PORTCRED_BPF_TABLES_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/*
 * Sizes and not types: clang 14 writes only a forward declaration into BTF for a structure that it
 * meets behind the pointer of a map of maps.
 */

/*
 * An array table of a slot: its size is the policy's, hence BPF_F_INNER_MAP (since 5.10).
 *
 * BPF_F_MMAPABLE: portcredd writes it as memory. Its elements then begin at a page, too
 * (kernel/bpf/arraymap.c): elsewhere each bucket of users.h would lie across two cache lines.
 */
#define ARRAY_TABLE(name, element)                                                                 \
	struct name##_table {                                                                      \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);                               \
		__uint(max_entries, 1);                                                            \
		__uint(key_size, sizeof(__u32));                                                   \
		__uint(value_size, sizeof(element));                                               \
	};                                                                                         \
	SLOTS(name)

#define HASH_TABLE(name, index, element)                                                           \
	struct name##_table {                                                                      \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 1);                                                            \
		__uint(key_size, sizeof(index));                                                   \
		__uint(value_size, sizeof(element));                                               \
	};                                                                                         \
	SLOTS(name)

#define SLOTS(name)                                                                                \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                          \
		__uint(max_entries, PORTCRED_SLOTS);                                               \
		__type(key, __u32);                                                                \
		__array(values, struct name##_table);                                              \
	} name SEC(".maps")

/* `ports` never changes its size, so the kernel may inline its look-up. */
struct ports_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PROTOCOLS *PORTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct port_entry));
};
SLOTS(ports);

ARRAY_TABLE(sets, struct rule_set);
ARRAY_TABLE(clauses, struct clause);
ARRAY_TABLE(prefixes, struct prefix);
ARRAY_TABLE(units, struct unit_pattern);
ARRAY_TABLE(users, struct user_bucket);
HASH_TABLE(exes, struct exe_key, __u8);

/* Connections: as `ports`, of its size whether anything is in it or not. */
struct tcp_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PORTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct tcp_entry));
};
SLOTS(tcp);

ARRAY_TABLE(hosts, struct host_entry);
ARRAY_TABLE(shared_ids, struct shared_ids);
HASH_TABLE(members, struct user_key, __u8);

struct addresses_table {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct host_prefix));
	__uint(value_size, sizeof(__u32));
};
SLOTS(addresses);

/* struct tables - the slot a program stays with from its first look to its answer */
struct tables {
	__u32 slot;
};

/* struct principal - the current task; what is cheap to know is known from the start */
struct principal {
	__u64 cgroup; /* id of the attached one */
	__u32 uid;
	__u32 zero;
};

/* LOOKUP() - element of the table of the slot, NULL if the slot has no table or no such element */
#define LOOKUP(table, tables, key)                                                                 \
	({                                                                                         \
		__u32 _slot = (tables)->slot;                                                      \
		void *_table = bpf_map_lookup_elem(&(table), &_slot);                              \
		_table ? bpf_map_lookup_elem(_table, key) : NULL;                                  \
	})

#ifndef NULL
#define NULL ((void *)0)
#endif

static __always_inline const struct port_entry *tables_port(const struct tables *tables,
							    __u32 protocol, __u32 port)
{
	__u32 index = protocol * PORTS + port;

	return LOOKUP(ports, tables, &index);
}

static __always_inline const struct rule_set *tables_set(const struct tables *tables, __u32 set)
{
	return LOOKUP(sets, tables, &set);
}

static __always_inline const struct users_shape *tables_users(const struct tables *tables)
{
	const struct control *state;
	__u32 zero = 0;

	state = bpf_map_lookup_elem(&control, &zero);
	return state ? &state->settings[tables->slot & (PORTCRED_SLOTS - 1)].users : NULL;
}

static __always_inline const struct user_bucket *tables_bucket(const struct tables *tables,
							       __u32 index)
{
	return LOOKUP(users, tables, &index);
}

static __always_inline const struct clause *tables_clause(const struct tables *tables, __u32 index)
{
	return LOOKUP(clauses, tables, &index);
}

static __always_inline const struct prefix *tables_prefix(const struct tables *tables, __u32 index)
{
	return LOOKUP(prefixes, tables, &index);
}

static __always_inline int tables_member(const struct tables *tables, __u32 gid, __u32 uid)
{
	struct user_key key = { .set = gid, .uid = uid };

	return LOOKUP(members, tables, &key) != NULL;
}

static __always_inline void count(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		(*value)++;
}

#endif
