/* SPDX-License-Identifier: MIT */
/*
 * slots.c - two policies in the kernel, one in force
 *
 * A program reads control.active once and stays with that slot. So the old slot may be touched only
 * when no program can still be inside it: writing an element of a map of maps makes the kernel wait
 * for an RCU grace period (kernel/bpf/syscall.c, maybe_wait_bpf_programs()), and cgroup programs
 * run inside an RCU read section. Writing `ports` of the *new* slot once more, unchanged, is that
 * wait.
 */
#include "kernel/slots.h"

#include "base/cleanup.h"
#include "portcred.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* struct contents - one map of maps and what goes into its slot */
struct contents {
	const struct bpf_map *outer;
	enum bpf_map_type type;
	__u32 key_size;
	__u32 value_size;
	__u32 flags;
	const void *keys;   /* NULL: an array, whose keys are 0, 1, 2, … */
	const void *values; /* of an array, NULL: all of it is 0 */
	size_t n;
	size_t room; /* entries, >= n */
};

/* How many elements are mapped at a time: whole pages, whatever their size is. */
#define WINDOW 16384U

/* window_write() - @n elements of an array from @first on, a multiple of WINDOW */
static int window_write(int fd, const struct contents *table, size_t first, size_t n)
{
	size_t stride = (table->value_size + 7) & ~(size_t)7;
	const char *values = (const char *)table->values + first * table->value_size;
	char *memory = mmap(NULL, n * stride, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    (off_t)(first * stride));

	if (memory == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < n; i++)
		memcpy(memory + i * stride, values + i * table->value_size, table->value_size);
	munmap(memory, n * stride);
	return 0;
}

/*
 * array_write() - the elements of an array, as memory, where each stands at a multiple of 8 bytes
 * (kernel/bpf/arraymap.c): by bpf(2) each of them would be a copy of its own. Piece by piece: what is
 * mapped is this process's, too.
 */
static int array_write(int fd, const struct contents *table)
{
	int r = 0;

	for (size_t at = 0; at < table->n && r == 0; at += WINDOW)
		r = window_write(fd, table, at, table->n - at < WINDOW ? table->n - at : WINDOW);
	return r;
}

static int table_write(int fd, const struct contents *table)
{
	struct bpf_map_batch_opts batch = { .sz = sizeof(batch) };
	__u32 n = table->n;

	if (n == 0 || !table->values)
		return 0;
	if (!table->keys)
		return array_write(fd, table);
	return bpf_map_update_batch(fd, table->keys, table->values, &n, &batch) < 0 ? -errno : 0;
}

/* table_create() - a map with everything in it; returns its descriptor */
static int table_create(const struct contents *table)
{
	struct bpf_map_create_opts options = { .sz = sizeof(options), .map_flags = table->flags };
	int fd, r;

	fd = bpf_map_create(table->type, "portcred", table->key_size, table->value_size,
			    table->room ? table->room : 1, &options);
	if (fd < 0)
		return -errno;
	r = table_write(fd, table);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int table_put(const struct contents *table, __u32 slot, int *ret_fd)
{
	int fd = table_create(table);

	if (fd < 0)
		return fd;
	if (bpf_map_update_elem(bpf_map__fd(table->outer), &slot, &fd, BPF_ANY) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* array() - a table whose keys are 0, 1, 2, … */
static struct contents array(const struct bpf_map *outer, const void *values, size_t size, size_t n)
{
	return (struct contents){
		.outer = outer,
		.type = BPF_MAP_TYPE_ARRAY,
		.flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE,
		.key_size = sizeof(__u32),
		.value_size = size,
		.values = values,
		.n = n,
		.room = n,
	};
}

/*
 * describe_connections() - the tables of accept, connect and host statements
 * @ones: a byte for each member
 */
static void describe_connections(struct contents tables[static TABLES],
				 const struct portcred_bpf *skeleton,
				 const struct compiled *compiled, const struct vouching *vouching,
				 const __u8 *ones)
{
	tables[TABLE_TCP] = array(skeleton->maps.tcp, compiled->tcp, sizeof(*compiled->tcp), PORTS);
	tables[TABLE_TCP].flags = BPF_F_MMAPABLE;
	tables[TABLE_HOSTS] = array(skeleton->maps.hosts, vouching->hosts, sizeof(*vouching->hosts),
				    vouching->n_hosts);
	tables[TABLE_SHARED_IDS] = array(skeleton->maps.shared_ids, compiled->shared_ids,
					 sizeof(*compiled->shared_ids), compiled->n_shared_ids);
	tables[TABLE_ADDRESSES] = (struct contents){
		.outer = skeleton->maps.addresses,
		.type = BPF_MAP_TYPE_LPM_TRIE,
		.flags = BPF_F_NO_PREALLOC,
		.key_size = sizeof(*compiled->addresses),
		.value_size = sizeof(*compiled->address_hosts),
		.keys = compiled->addresses,
		.values = compiled->address_hosts,
		.n = compiled->n_addresses,
		.room = compiled->n_addresses,
	};
	tables[TABLE_MEMBERS] = (struct contents){
		.outer = skeleton->maps.members,
		.type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(*compiled->members),
		.value_size = sizeof(*ones),
		.keys = compiled->members,
		.values = ones,
		.n = compiled->n_members,
		.room = compiled->n_members,
	};
}

/* describe() - everything that goes into a slot; @ones: a byte for each identity */
static void describe(struct contents tables[static TABLES], const struct portcred_bpf *skeleton,
		     const struct compiled *compiled, const struct identities *identities,
		     const __u8 *ones)
{
	size_t exe_room = compiled->n_exes * SLOTS_EXE_ROOM;

	tables[TABLE_PORTS] = array(skeleton->maps.ports, compiled->ports, sizeof(*compiled->ports),
				    (size_t)PROTOCOLS * PORTS);
	tables[TABLE_PORTS].flags = BPF_F_MMAPABLE; /* its size never changes */
	tables[TABLE_SETS] = array(skeleton->maps.sets, compiled->sets, sizeof(*compiled->sets),
				   compiled->n_sets);
	tables[TABLE_CLAUSES] = array(skeleton->maps.clauses, compiled->clauses,
				      sizeof(*compiled->clauses), compiled->n_clauses);
	tables[TABLE_PREFIXES] = array(skeleton->maps.prefixes, compiled->prefixes,
				       sizeof(*compiled->prefixes), compiled->n_prefixes);
	tables[TABLE_UNITS] = array(skeleton->maps.units, compiled->units, sizeof(*compiled->units),
				    compiled->n_units);
	tables[TABLE_USERS] = array(skeleton->maps.users, compiled->buckets,
				    sizeof(*compiled->buckets), compiled->shape.buckets);
	tables[TABLE_EXES] = (struct contents){
		.outer = skeleton->maps.exes,
		.type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(*identities->keys),
		.value_size = sizeof(*ones),
		.keys = identities->keys,
		.values = ones,
		.n = identities->n_keys,
		.room = exe_room > identities->n_keys ? exe_room : identities->n_keys,
	};
}

/* slot_empty() - give back the memory of a slot that nobody can be inside any more */
static void slot_empty(const struct contents tables[static TABLES], __u32 slot)
{
	for (int i = 0; i < TABLES; i++)
		bpf_map_delete_elem(bpf_map__fd(tables[i].outer), &slot);
}

/* slot_fill() - new tables for a slot; returns 0 with their descriptors, -errno with none */
static int slot_fill(const struct contents tables[static TABLES], __u32 slot,
		     int ret_fds[static TABLES])
{
	for (int i = 0; i < TABLES; i++) {
		int r = table_put(&tables[i], slot, &ret_fds[i]);

		if (r < 0) {
			while (i-- > 0)
				close(ret_fds[i]);
			slot_empty(tables, slot);
			return r;
		}
	}
	return 0;
}

int slots_put(struct enforcer *enforcer, const struct compiled *compiled,
	      const struct identities *identities, const struct vouching *vouching,
	      const struct settings *settings)
{
	struct control *control = enforcer->control;
	__u32 old = control->active & (PORTCRED_SLOTS - 1), new = control->enabled ? !old : old;
	size_t most =
		identities->n_keys > compiled->n_members ? identities->n_keys : compiled->n_members;
	_cleanup_free_ __u8 *ones = calloc(most + 1, sizeof(*ones));
	struct contents tables[TABLES];
	int fds[TABLES] = { 0 }, r;

	if (!ones)
		return -ENOMEM;
	memset(ones, 1, most);
	describe(tables, enforcer->skeleton, compiled, identities, ones);
	describe_connections(tables, enforcer->skeleton, compiled, vouching, ones);
	r = slot_fill(tables, new, fds);
	if (r < 0)
		return r;

	control->settings[new] = *settings;
	control->settings[new].users = compiled->shape;
	control->settings[new].namespace_cookie = enforcer->namespace_cookie;
	control->settings[new].cgroup = enforcer->cgroup;
	control->settings[new].generation =
		control->enabled ? control->settings[old].generation + 1 : 1;
	__atomic_store_n(&control->active, new, __ATOMIC_SEQ_CST);
	__atomic_store_n(&control->enabled, 1, __ATOMIC_SEQ_CST);

	/* Wait until nobody is inside the old slot any more, then empty it. */
	if (bpf_map_update_elem(bpf_map__fd(tables[TABLE_PORTS].outer), &new, &fds[TABLE_PORTS],
				BPF_ANY) == 0 &&
	    old != new)
		slot_empty(tables, old);

	/* Opening a map by its number would take CAP_SYS_ADMIN: keep the descriptors. */
	for (int i = 0; i < TABLES; i++) {
		if (enforcer->table_fds[i] >= 0)
			close(enforcer->table_fds[i]);
		enforcer->table_fds[i] = fds[i];
	}
	return 0;
}

int slots_add_exe(const struct enforcer *enforcer, const struct exe_key *key)
{
	__u8 one = 1;

	return bpf_map_update_elem(enforcer->table_fds[TABLE_EXES], key, &one, BPF_ANY) < 0 ? -errno
											    : 0;
}

int slots_remove_exe(const struct enforcer *enforcer, const struct exe_key *key)
{
	if (bpf_map_delete_elem(enforcer->table_fds[TABLE_EXES], key) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int slots_governing(const struct enforcer *enforcer, enum protocol protocol, uint16_t port,
		    struct rule *ret_rule)
{
	__u32 index = protocol * PORTS + port;
	struct port_entry entry;
	struct rule_set set;

	if (bpf_map_lookup_elem(enforcer->table_fds[TABLE_PORTS], &index, &entry) < 0)
		return -errno;
	if (!entry.enforced)
		return 0;
	if (bpf_map_lookup_elem(enforcer->table_fds[TABLE_SETS], &entry.enforced, &set) < 0)
		return -errno;
	*ret_rule = set.rule;
	return 1;
}

const struct settings *slots_settings(const struct enforcer *enforcer)
{
	const struct control *control = enforcer->control;

	return control->enabled ? &control->settings[control->active & (PORTCRED_SLOTS - 1)] : NULL;
}
