/* SPDX-License-Identifier: MIT */
/*
 * reserved.c - net.ipv4.ip_local_reserved_ports and what of it is ours
 *
 * How the kernel takes the list (kernel/sysctl.c, proc_do_large_bitmap()): a write at offset 0
 * replaces it, a write at any other offset adds to it, and one write takes no more than a page. So
 * adding is done at offset 1, a page at a time: nothing that stands there is read and written back,
 * which another writer could lose by. Taking out has to replace: in one write where the list fits
 * into a page; where it does not, ports of the later pages are not reserved for some microseconds
 * (the hooks behind an automatic bind still hold them), and the record says what is to be restored
 * after a crash in between.
 *
 * A read gives everything at once or, at any offset but 0, nothing.
 */
#include "kernel/reserved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/procfs.h"
#include "kernel/reserved_state.h"

#define RESERVED_PORTS "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define PORT_RANGE     "/proc/sys/net/ipv4/ip_local_port_range"

/* One write: a page less one byte, pages being at least this large. */
#define MAX_WRITE 4095U

/* The longest list: every other port, up to five digits and a comma each. */
#define MAX_LIST (512U << 10)

struct reserved {
	int directory;
	struct reserved_state state;
	struct port_bitmap governed; /* of the last update */
};

int reserved_read(struct port_bitmap *ret_ports)
{
	_cleanup_free_ char *text = malloc(MAX_LIST);
	_cleanup_close_ int fd = -EBADF;
	ssize_t size;

	if (!text)
		return -ENOMEM;
	fd = open(RESERVED_PORTS, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = read(fd, text, MAX_LIST);
	if (size < 0)
		return -errno;
	if (size == MAX_LIST)
		return -EFBIG;
	return port_bitmap_parse(text, (size_t)size, ret_ports) < 0 ? -EBADMSG : 0;
}

int reserved_ephemeral_range(struct port_bitmap *ret_ports)
{
	_cleanup_free_ char *text = NULL;
	struct port_bitmap ports = { 0 };
	unsigned first, last;
	int error = procfs_read(AT_FDCWD, PORT_RANGE, 64, &text, NULL);

	if (error < 0)
		return error;
	if (sscanf(text, "%u %u", &first, &last) != 2 || first > last || last > UINT16_MAX)
		return -EBADMSG;
	for (unsigned port = first; port <= last; port++)
		port_bitmap_set(&ports, (uint16_t)port);
	*ret_ports = ports;
	return 0;
}

/* How much of the list one write can take without cutting an item in two. */
static size_t piece(const char *text, size_t size)
{
	size_t length = MAX_WRITE;

	if (size <= MAX_WRITE)
		return size;
	while (text[length] != ',')
		length--;
	return length;
}

/* @replace: what stands there goes with the first write; else everything is added. */
static int write_list(const char *text, bool replace)
{
	_cleanup_close_ int fd = -EBADF;
	const char *rest;

	fd = open(RESERVED_PORTS, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rest = *text ? text : "\n"; /* an empty write would not reach the kernel's parser */
	for (off_t offset = replace ? 0 : 1; *rest; offset = 1) {
		size_t size = piece(rest, strlen(rest));
		ssize_t written = pwrite(fd, rest, size, offset);

		if (written < 0)
			return -errno;
		if ((size_t)written != size)
			return -EIO;
		rest += size;
		rest += *rest == ',';
	}
	return 0;
}

/*
 * What of ours still is. A record that was being changed when its writer died may name more than
 * stands there. Of a finished one nothing can be missing unless someone rewrote the list: then all
 * that stands is his.
 */
static void settle(struct reserved_state *state, const struct port_bitmap *standing)
{
	if (state->pending)
		port_bitmap_keep(&state->ours, standing);
	else if (!port_bitmap_contains(standing, &state->ours))
		memset(&state->ours, 0, sizeof(state->ours));
}

/* Into the file first: what follows may be the last that this process does. */
static int record(struct reserved *reserved, const struct reserved_state *next)
{
	int error = reserved_state_write(reserved->directory, next);

	if (error == 0)
		reserved->state = *next;
	return error;
}

static int add(const struct port_bitmap *ports)
{
	_cleanup_free_ char *text = NULL;
	int error;

	if (port_bitmap_count(ports) == 0)
		return 0;
	error = port_bitmap_format(ports, &text);
	return error < 0 ? error : write_list(text, false);
}

static int take_out(struct reserved *reserved, const struct port_bitmap *ports)
{
	struct reserved_state next = reserved->state;
	struct port_bitmap remaining;
	_cleanup_free_ char *text = NULL;
	int error;

	if (port_bitmap_count(ports) == 0)
		return 0;
	error = reserved_read(&remaining);
	if (error < 0)
		return error;
	port_bitmap_remove(&remaining, ports);
	error = port_bitmap_format(&remaining, &text);
	if (error == 0 && strlen(text) > MAX_WRITE) {
		next.restore = remaining;
		error = record(reserved, &next);
	}
	return error < 0 ? error : write_list(text, true);
}

/* The list as it stands, and in @next what of it is ours. */
static int look(const struct reserved *reserved, struct port_bitmap *ret_standing,
		struct reserved_state *ret_next)
{
	struct reserved_state next = reserved->state;
	int error = next.pending ? add(&next.restore) : 0;

	if (error == 0)
		error = reserved_read(ret_standing);
	if (error < 0)
		return error;
	settle(&next, ret_standing);
	memset(&next.restore, 0, sizeof(next.restore));
	*ret_next = next;
	return 0;
}

/* Add what is missing of @wanted; take out what is ours and not in @keep. */
static int change(struct reserved *reserved, const struct port_bitmap *wanted,
		  const struct port_bitmap *keep, size_t *ret_added)
{
	struct port_bitmap standing, added = *wanted, removed;
	struct reserved_state next;
	int error = look(reserved, &standing, &next);

	if (error < 0)
		return error;
	port_bitmap_remove(&added, &standing);
	removed = next.ours;
	port_bitmap_remove(&removed, keep);
	port_bitmap_add(&next.ours, &added);
	*ret_added = port_bitmap_count(&added);
	if (!next.pending && *ret_added == 0 && port_bitmap_count(&removed) == 0 &&
	    memcmp(&next.ours, &reserved->state.ours, sizeof(next.ours)) == 0)
		return 0;

	next.pending = true; /* from here to the end a crash leaves a record that names too much */
	error = record(reserved, &next);
	if (error == 0)
		error = add(&added);
	if (error == 0)
		error = take_out(reserved, &removed);
	if (error == 0)
		error = reserved_read(&standing);
	if (error < 0)
		return error;
	if (!port_bitmap_contains(&standing, wanted))
		return -EIO; /* taken back at once by another writer: a recheck tries again */
	port_bitmap_remove(&next.ours, &removed);
	next.pending = false;
	return record(reserved, &next);
}

int reserved_open(int directory, struct reserved **ret_reserved, bool *ret_damaged)
{
	_cleanup_(reserved_closep) struct reserved *reserved = calloc(1, sizeof(*reserved));
	bool damaged = false;
	int error;

	if (!reserved)
		return -ENOMEM;
	reserved->directory = fcntl(directory, F_DUPFD_CLOEXEC, 3);
	if (reserved->directory < 0)
		return -errno;
	error = reserved_state_read(reserved->directory, &reserved->state);
	if (error == -EBADMSG)
		damaged = true;
	else if (error < 0 && error != -ENOENT)
		return error;
	if (ret_damaged)
		*ret_damaged = damaged;
	*ret_reserved = TAKE_PTR(reserved);
	return 0;
}

int reserved_extend(struct reserved *reserved, const struct port_bitmap *governed)
{
	struct port_bitmap wanted;
	size_t added;
	int error = reserved_ephemeral_range(&wanted);

	if (error < 0)
		return error;
	port_bitmap_keep(&wanted, governed);
	return change(reserved, &wanted, &reserved->state.ours, &added);
}

int reserved_update(struct reserved *reserved, const struct port_bitmap *governed)
{
	struct port_bitmap wanted;
	size_t added;
	int error = reserved_ephemeral_range(&wanted);

	if (error < 0)
		return error;
	reserved->governed = *governed;
	port_bitmap_keep(&wanted, governed);
	return change(reserved, &wanted, &wanted, &added);
}

int reserved_recheck(struct reserved *reserved, size_t *ret_restored)
{
	struct port_bitmap wanted, standing;
	size_t added = 0;
	int error = reserved_ephemeral_range(&wanted);

	if (error == 0)
		error = reserved_read(&standing);
	if (error < 0)
		return error;
	port_bitmap_keep(&wanted, &reserved->governed);
	if (reserved->state.pending || !port_bitmap_contains(&standing, &wanted)) {
		error = change(reserved, &wanted, &wanted, &added);
		if (error < 0)
			return error;
	}
	if (ret_restored)
		*ret_restored = added;
	return 0;
}

int reserved_release(struct reserved *reserved)
{
	const struct port_bitmap nothing = { 0 };
	size_t added;
	int error = change(reserved, &nothing, &nothing, &added);

	if (error < 0)
		return error;
	memset(&reserved->governed, 0, sizeof(reserved->governed));
	return reserved_state_remove(reserved->directory);
}

const struct port_bitmap *reserved_ours(const struct reserved *reserved)
{
	return &reserved->state.ours;
}

void reserved_close(struct reserved *reserved)
{
	if (!reserved)
		return;
	cleanup_close(&reserved->directory);
	free(reserved);
}
