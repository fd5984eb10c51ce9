/* SPDX-License-Identifier: MIT */
/*
 * watch.c - paths followed component by component, an inotify watch on each directory
 *
 * For every step "NAME in DIRECTORY" of a path there is an entry (watch descriptor, NAME, path). The
 * watch on a directory is set before NAME is looked up in it: what changes after the look is
 * reported.
 */
#include "kernel/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/grow.h"

#define MAX_LINKS   40 /* as the kernel's MAXSYMLINKS */
#define MAX_READS   64 /* in one watch_read(); the rest keeps the descriptor readable */
#define EVENT_BYTES (16U << 10)

#define DIRECTORY_EVENTS                                                                           \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |     \
	 IN_ONLYDIR)

/* struct entry - one step of one path */
struct entry {
	int wd;
	char *name;
	size_t path;
	bool old; /* of before the renewal that is going on */
};

struct watched_path {
	char *path;
	bool incomplete;
};

struct watch {
	int fd;
	uint32_t events;
	struct watched_path *paths;
	size_t n_paths;
	struct entry *entries;
	size_t n_entries, n_allocated;
};

static int add_entry(struct watch *watch, size_t path, int directory, const char *name)
{
	char link[64];
	struct entry entry = { .path = path };
	int error;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	entry.wd = inotify_add_watch(watch->fd, link, watch->events);
	if (entry.wd < 0)
		return -errno;
	error = GROW(watch->entries, watch->n_allocated, watch->n_entries);
	if (error < 0)
		return error;
	entry.name = strdup(name);
	if (!entry.name)
		return -ENOMEM;
	watch->entries[watch->n_entries++] = entry;
	return 0;
}

/* Takes the first component off *rest, which must be writable; NULL at its end. */
static char *next_component(char **rest)
{
	char *component = *rest + strspn(*rest, "/");
	size_t length = strcspn(component, "/");

	if (length == 0)
		return NULL;
	*rest = component + length;
	if (**rest)
		*(*rest)++ = '\0';
	return component;
}

/* The path that is left when the link @fd has been followed: its target, then @rest. */
static int follow_link(int fd, const char *rest, char **ret_rest)
{
	char target[PATH_MAX], *joined;
	ssize_t length = readlinkat(fd, "", target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (asprintf(&joined, "%s/%s", target, rest) < 0)
		return -ENOMEM;
	*ret_rest = joined;
	return 0;
}

static int open_root(int *directory)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return -errno;
	cleanup_close(directory);
	*directory = root;
	return 0;
}

/* Adds the entries of one path. A step that leads nowhere ends it: its entry tells when it does. */
static int follow(struct watch *watch, size_t path)
{
	_cleanup_free_ char *storage = strdup(watch->paths[path].path);
	_cleanup_close_ int directory = -EBADF;
	char *rest = storage, *component;
	int links = 0, error = open_root(&directory);

	if (!storage)
		return -ENOMEM;
	while (error == 0 && (component = next_component(&rest))) {
		_cleanup_close_ int next = -EBADF;
		struct stat status;

		if (strcmp(component, ".") == 0)
			continue;
		error = strcmp(component, "..") == 0 ? 0
						     : add_entry(watch, path, directory, component);
		if (error < 0)
			break;
		next = openat(directory, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 || fstat(next, &status) < 0)
			break;
		if (S_ISDIR(status.st_mode)) {
			cleanup_close(&directory);
			directory = TAKE_FD(next);
		} else if (S_ISLNK(status.st_mode) && links++ < MAX_LINKS) {
			char *joined = NULL;

			error = follow_link(next, rest, &joined);
			if (error < 0 || !joined)
				break;
			free(storage);
			storage = rest = joined;
			if (*rest == '/')
				error = open_root(&directory);
		} else {
			break;
		}
	}
	return error;
}

static bool descriptor_used(const struct watch *watch, int wd)
{
	for (size_t i = 0; i < watch->n_entries; i++)
		if (watch->entries[i].wd == wd)
			return true;
	return false;
}

/* Drops the entries marked old, and the watches that nobody needs any more. */
static void sweep(struct watch *watch)
{
	for (size_t i = 0; i < watch->n_entries;) {
		struct entry entry = watch->entries[i];

		if (!entry.old) {
			i++;
			continue;
		}
		watch->entries[i] = watch->entries[--watch->n_entries];
		free(entry.name);
		if (!descriptor_used(watch, entry.wd))
			inotify_rm_watch(watch->fd, entry.wd); /* may have gone by itself */
	}
}

/* New entries come before the old ones go: no directory is unwatched in between. */
static int renew(struct watch *watch, size_t path)
{
	int error;

	for (size_t i = 0; i < watch->n_entries; i++)
		if (watch->entries[i].path == path)
			watch->entries[i].old = true;
	error = follow(watch, path);
	watch->paths[path].incomplete = error < 0;
	sweep(watch);
	return error == -ENOMEM ? error : 0;
}

static void note_event(const struct watch *watch, const struct inotify_event *event, bool *noted)
{
	if (event->mask & IN_Q_OVERFLOW) {
		memset(noted, true, watch->n_paths * sizeof(*noted));
		return;
	}
	for (size_t i = 0; i < watch->n_entries; i++) {
		const struct entry *entry = &watch->entries[i];

		if (entry->wd == event->wd &&
		    (event->len == 0 || strcmp(entry->name, event->name) == 0))
			noted[entry->path] = true;
	}
}

static int read_events(struct watch *watch, bool *noted)
{
	char buffer[EVENT_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));

	for (int i = 0; i < MAX_READS; i++) {
		ssize_t size = read(watch->fd, buffer, sizeof(buffer));
		const struct inotify_event *event;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (char *at = buffer; at < buffer + size; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)(const void *)at;
			note_event(watch, event, noted);
		}
	}
	return 0;
}

int watch_read(struct watch *watch, bool *changed)
{
	_cleanup_free_ bool *noted = calloc(watch->n_paths + 1, sizeof(*noted));
	int n = 0, error;

	if (!noted)
		return -ENOMEM;
	error = read_events(watch, noted);
	for (size_t i = 0; i < watch->n_paths; i++) {
		int renewed;

		if (!noted[i])
			continue;
		renewed = renew(watch, i);
		error = error < 0 ? error : renewed;
		changed[i] = true;
		n++;
	}
	return error < 0 ? error : n;
}

int watch_new(const char *const *paths, size_t n_paths, unsigned flags, struct watch **ret_watch)
{
	_cleanup_(watch_freep) struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->events = DIRECTORY_EVENTS | (flags & WATCH_CONTENT ? IN_CLOSE_WRITE : 0U);
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd < 0)
		return -errno;
	watch->paths = calloc(n_paths + 1, sizeof(*watch->paths));
	if (!watch->paths)
		return -ENOMEM;
	for (size_t i = 0; i < n_paths; i++) {
		int error;

		if (paths[i][0] != '/')
			return -EINVAL;
		watch->paths[i].path = strdup(paths[i]);
		if (!watch->paths[i].path)
			return -ENOMEM;
		watch->n_paths++;
		error = renew(watch, i);
		if (error < 0)
			return error;
	}
	*ret_watch = TAKE_PTR(watch);
	return 0;
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

size_t watch_incomplete(const struct watch *watch)
{
	size_t n = 0;

	for (size_t i = 0; i < watch->n_paths; i++)
		n += watch->paths[i].incomplete;
	return n;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	cleanup_close(&watch->fd);
	for (size_t i = 0; i < watch->n_paths; i++)
		free(watch->paths[i].path);
	for (size_t i = 0; i < watch->n_entries; i++)
		free(watch->entries[i].name);
	free(watch->paths);
	free(watch->entries);
	free(watch);
}
