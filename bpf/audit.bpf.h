/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * audit.bpf.h - telling user space what was answered, without ever holding up the answer
 *
 * An event that finds no room is counted and gone; a flood is counted and not told (struct flood).
 * Neither changes a verdict.
 */
#ifndef PORTCRED_BPF_AUDIT_H
#define PORTCRED_BPF_AUDIT_H

#include "principal.bpf.h"

#include "decide.h" /* after what it reads the task and the tables with */

#define MAX_PATH_STEPS 32

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_FLOODS);
	__type(key, struct flood_key);
	__type(value, struct flood);
} floods SEC(".maps");

/* exhausted() - whether @most events of a budget were told in its window; counts one more, then */
static __always_inline int exhausted(const struct flood_key *key, __u64 now, __u32 most)
{
	struct flood *budget = bpf_map_lookup_elem(&floods, key);

	if (!budget || now - budget->since >= FLOOD_WINDOW_NS || budget->told < most)
		return 0;
	__sync_fetch_and_add(&budget->held, 1);
	return 1;
}

/* charge() - one event of a budget is told */
static __always_inline void charge(const struct flood_key *key, __u64 now)
{
	struct flood fresh = { .since = now, .told = 1 };
	struct flood *budget = bpf_map_lookup_elem(&floods, key);

	if (budget && now - budget->since < FLOOD_WINDOW_NS) {
		__sync_fetch_and_add(&budget->told, 1);
	} else if (budget) {
		/* What was held stays for user space to collect. */
		budget->told = 1;
		budget->since = now;
	} else {
		bpf_map_update_elem(&floods, key, &fresh, BPF_ANY);
	}
}

/*
 * flood_admits() - whether an event is to be told now
 * @ret_held: how many of its kind were kept back since the last one told
 */
static __always_inline int flood_admits(const struct flood_key *key, __u64 now, __u32 *ret_held)
{
	struct flood_key budget = { .uid = key->uid, .kind = FLOOD_BUDGET };
	struct flood_key calls = { .kind = FLOOD_CONNECTION_BUDGET };
	struct flood fresh = { .since = now, .told = 1 };
	struct flood *same = bpf_map_lookup_elem(&floods, key);
	int connection = key->kind & FLOOD_CONNECTION;

	if (connection) {
		budget.uid = 0;
		budget.port = key->port;
		budget.kind = FLOOD_CONNECTION_BUDGET;
	}
	if (same && now - same->since < FLOOD_WINDOW_NS) {
		__sync_fetch_and_add(&same->held, 1);
		return 0;
	}
	if (exhausted(&budget, now, FLOOD_EVENTS_IN_WINDOW) ||
	    (connection && exhausted(&calls, now, FLOOD_CALLS_IN_WINDOW)))
		return 0;
	charge(&budget, now);
	if (connection)
		charge(&calls, now);
	*ret_held = same ? same->held : 0;
	bpf_map_update_elem(&floods, key, &fresh, BPF_ANY);
	return 1;
}

/*
 * append_name() - one name and a '/'; returns the new length
 * @name: address of a kernel string, as a number: a function of its own takes no such pointer
 *
 * This function and the two below are verified once each and alone: inlined, their loops multiply.
 */
__noinline __u32 append_name(struct path_text *path, __u32 length, __u64 name)
{
	long added;

	if (!path || length >= MAX_NAME_TEXT)
		return length;
	added = bpf_probe_read_kernel_str(path->text + length, MAX_NAME_TEXT, (void *)name);
	if (added <= 0 || added > MAX_NAME_TEXT)
		return length;
	length += added;
	/* The NUL becomes the separator. */
	if (length > 0 && length < MAX_PATH_TEXT) {
		path->text[length - 1] = '/';
		path->text[length] = '\0';
	}
	return length;
}

/* executable_path() - from the file up to the root of the mount tree, through mount points */
__noinline int executable_path(struct path_text *path)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dentry *dentry, *up;
	struct mount *mount, *below;
	struct vfsmount *vfs;
	struct file *file;
	__u32 length = 0;

	if (!path || !BPF_CORE_READ(task, mm))
		return 0;
	file = BPF_CORE_READ(task, mm, exe_file);
	if (!file)
		return 0;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	vfs = BPF_CORE_READ(file, f_path.mnt);
	mount = (void *)vfs - bpf_core_field_offset(struct mount, mnt);

	for (int i = 0; i < MAX_PATH_STEPS; i++) {
		up = BPF_CORE_READ(dentry, d_parent);
		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == up) {
			below = mount;
			mount = BPF_CORE_READ(below, mnt_parent);
			if (mount == below)
				break;
			dentry = BPF_CORE_READ(below, mnt_mountpoint);
			continue;
		}
		length = append_name(path, length, (__u64)BPF_CORE_READ(dentry, d_name.name));
		dentry = up;
	}
	return 0;
}

/* cgroup_path() - from the task's cgroup up to the attached one, which is not named */
__noinline int cgroup_path(struct path_text *path, __u64 attached)
{
	struct cgroup *cgroup = current_cgroup();
	__u32 length = 0;

	if (!path)
		return 0;
	for (int i = 0; i < MAX_PATH_STEPS && cgroup; i++) {
		if (BPF_CORE_READ(cgroup, kn, id) == attached)
			break;
		length = append_name(path, length, (__u64)BPF_CORE_READ(cgroup, kn, name));
		cgroup = cgroup_parent(cgroup);
	}
	return 0;
}

/*
 * struct question - who asks for what, under which policy, and what was answered
 *
 * No pointers: the functions that are verified alone take it. No padding either: it stands in the
 * frame of every hook, which has 128 bytes (meson.build).
 */
struct question {
	struct tables tables;
	__u32 generation;
	struct principal principal;
	struct endpoint endpoint;
	struct decision decision;
	__u8 observe_all;
	__u8 vouches;
	__u16 unprivileged_port_start;
};

/* clear_event() - in words: the compiler has no memset() of this size for the kernel */
static __always_inline void clear_event(struct event *event)
{
	volatile __u64 *words = (volatile __u64 *)event;

	_Static_assert(sizeof(*event) % sizeof(*words) == 0, "struct event is whole words");
	for (__u32 i = 0; i < sizeof(*event) / sizeof(*words); i++)
		words[i] = 0;
}

/* fill_event() - one record of the ring buffer, all of it written: nothing of the kernel's leaks */
static __always_inline void fill_event(struct event *event, const struct question *question)
{
	const struct endpoint *endpoint = &question->endpoint;
	struct task_struct *task = bpf_get_current_task_btf();
	struct exe_key executable = { 0 };

	clear_event(event);
	current_executable(&executable);
	/* From the task itself: before 6.2 not every hook has helpers for these. */
	event->cgroup = BPF_CORE_READ(current_cgroup(), kn, id);
	event->inode = executable.inode;
	event->device = executable.device;
	event->pid = BPF_CORE_READ(task, tgid);
	event->uid = CRED(euid.val);
	event->gid = CRED(egid.val);
	event->rule = question->decision.rule;
	event->generation = question->generation;
	event->port = endpoint->port;
	event->protocol = endpoint->protocol;
	event->family = endpoint->family;
	event->verdict = question->decision.verdict;
	for (int i = 0; i < 4; i++)
		event->address[i] = endpoint->address[i];
	bpf_core_read_str(event->command, sizeof(event->command), &task->comm);
	executable_path(&event->executable);
	cgroup_path(&event->group, question->principal.cgroup);
}

/* fill_peer() - of a connect(2) that is refused at once: both ends are here */
static __always_inline void fill_peer(struct event *event, const struct endpoint *source)
{
	event->reason = REASON_NOT_NAMED;
	event->peer.version = PEER_RECORD_VERSION;
	event->peer.how = KNOWN_LOCAL;
	event->peer.uid = event->uid;
	event->peer.raw_uid = event->uid;
	event->peer.gid = event->gid;
	__builtin_memcpy(event->peer.host, "local", sizeof("local"));
	for (int i = 0; i < 4; i++)
		event->peer_address[i] = source->address[i];
	event->peer_port = source->port;
}

/*
 * tell_of() - one event, unless a flood or a full buffer keeps it back
 * @observed: 1 where the answer refused nothing
 * @source: OPERATION_ACCEPT: where the current task calls from
 */
__noinline int tell_of(const struct question *question, __u32 operation, __u32 observed,
		       const struct endpoint *source)
{
	struct flood_key key = { 0 };
	struct event *event;
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 held = 0;

	if (!question)
		return 0;
	if (!observed)
		count(question->decision.verdict == VERDICT_GRANTED ? COUNTER_GRANTED
								    : COUNTER_REFUSED);
	key.uid = current_uid();
	key.port = question->endpoint.port;
	key.protocol = question->endpoint.protocol;
	key.kind = question->decision.verdict | observed << 7;
	if (!flood_admits(&key, now, &held)) {
		count(COUNTER_HELD);
		return 0;
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count(COUNTER_LOST);
		return 0;
	}
	fill_event(event, question);
	if (source)
		fill_peer(event, source);
	event->time = now;
	event->held = held;
	event->operation = operation;
	event->observed = observed;
	bpf_ringbuf_submit(event, 0);
	return 1;
}

static __always_inline int tell(const struct question *question, __u32 operation, __u32 observed)
{
	return tell_of(question, operation, observed, NULL);
}

#endif
