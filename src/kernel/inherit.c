/* SPDX-License-Identifier: MIT */
#include "kernel/inherit.h"

#include "base/cleanup.h"
#include "kernel/processes.h"
#include "portcred.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How many maps there are that know a socket. */
#define STORAGES 5

/* struct heir - one version's maps, each with ours of the same name */
struct heir {
	const struct bpf_map *ours[STORAGES];
	int theirs[STORAGES]; /* descriptors; -EBADF: none that could be read */
	const struct processes *processes;
	const struct socket_list *sockets;
	void *record; /* room for any of them */
	struct inherited *result;
};

/* open_theirs() - a map of theirs, if its entries are of our size; -EMEDIUMTYPE if not */
static int open_theirs(const char *pins, const struct bpf_map *ours)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	_cleanup_close_ int fd = -EBADF;
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", pins, bpf_map__name(ours)) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_SK_STORAGE || info.value_size != bpf_map__value_size(ours))
		return -EMEDIUMTYPE;
	return TAKE_FD(fd);
}

/* copy_one() - what one map has of one socket, unless ours has seen it */
static void copy_one(const struct heir *heir, size_t storage, int fd)
{
	if (heir->theirs[storage] >= 0 &&
	    bpf_map_lookup_elem(heir->theirs[storage], &fd, heir->record) == 0 &&
	    bpf_map_update_elem(bpf_map__fd(heir->ours[storage]), &fd, heir->record, BPF_NOEXIST) ==
		    0)
		heir->result->records++;
}

static void copy_all(const struct heir *heir)
{
	for (size_t i = 0; i < heir->sockets->n_items; i++) {
		_cleanup_close_ int fd =
			processes_socket(heir->processes, heir->sockets->items[i].inode);

		for (size_t storage = 0; fd >= 0 && storage < STORAGES; storage++)
			copy_one(heir, storage, fd);
	}
}

/* inherit_from() - of one version; for enforcer_each_other() */
static int inherit_from(void *data, const char *pins)
{
	struct heir *heir = data;

	for (size_t i = 0; i < STORAGES; i++) {
		heir->theirs[i] = open_theirs(pins, heir->ours[i]);
		heir->result->strange |= heir->theirs[i] == -EMEDIUMTYPE;
	}
	copy_all(heir);
	for (size_t i = 0; i < STORAGES; i++)
		cleanup_close(&heir->theirs[i]);
	return 0;
}

/* largest() - bytes of what a map has of one socket, at most */
static size_t largest(const struct heir *heir)
{
	size_t size = 0;

	for (size_t i = 0; i < STORAGES; i++) {
		if (bpf_map__value_size(heir->ours[i]) > size)
			size = bpf_map__value_size(heir->ours[i]);
	}
	return size;
}

/* list_sockets() - those that a map may know, and who holds them */
static int list_sockets(const char *attached, struct socket_list *sockets,
			struct processes **ret_processes)
{
	int r = sockets_bound(sockets);

	if (r == 0)
		r = sockets_established(0, sockets);
	return r < 0 ? r : processes_scan_list(sockets, attached, ret_processes);
}

int inherit_records(const struct enforcer *enforcer, const char *attached,
		    struct inherited *ret_inherited)
{
	const struct portcred_bpf *skeleton = enforcer->skeleton;
	struct inherited inherited = { 0 };
	struct socket_list sockets = { 0 };
	struct processes *processes = NULL;
	struct heir heir = {
		.ours = { skeleton->maps.owners, skeleton->maps.openers, skeleton->maps.peers,
			  skeleton->maps.approved, skeleton->maps.unapproved },
		.sockets = &sockets,
		.result = &inherited,
	};
	_cleanup_free_ void *record = malloc(largest(&heir));
	int r = record ? enforcer_each_other(enforcer, NULL, NULL) : -ENOMEM;

	/* To look into every process takes a while: not for nothing. */
	if (r > 0)
		r = list_sockets(attached, &sockets, &processes);
	heir.processes = processes;
	heir.record = record;
	if (processes)
		r = enforcer_each_other(enforcer, inherit_from, &heir);
	processes_free(processes);
	socket_list_clear(&sockets);
	if (r < 0)
		return r;
	*ret_inherited = inherited;
	return 0;
}
