/* SPDX-License-Identifier: MIT */
#include "kernel/events.h"

#include "base/cleanup.h"
#include "portcred.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

static int on_event(void *context, void *data, size_t size)
{
	struct events *events = context;

	if (size >= sizeof(struct event))
		events->sink.event(events->sink.data, data);
	return 0;
}

int events_open(const struct enforcer *enforcer, const struct events_sink *sink,
		struct events **ret_events)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->sink = *sink;
	events->floods_fd = bpf_map__fd(enforcer->skeleton->maps.floods);
	events->ring = ring_buffer__new(bpf_map__fd(enforcer->skeleton->maps.events), on_event,
					events, NULL);
	if (!events->ring) {
		int r = -errno;

		free(events);
		return r;
	}
	*ret_events = events;
	return 0;
}

void events_close(struct events *events)
{
	if (!events)
		return;
	ring_buffer__free(events->ring);
	free(events);
}

int events_fd(const struct events *events)
{
	return ring_buffer__epoll_fd(events->ring);
}

int events_read(struct events *events)
{
	return ring_buffer__consume(events->ring);
}

static uint64_t boot_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* sweep_one() - returns whether the window of this key is still open */
static bool sweep_one(struct events *events, const struct flood_key *key, uint64_t now)
{
	struct flood flood;

	if (bpf_map_lookup_elem(events->floods_fd, key, &flood) < 0)
		return false;
	if (now < flood.since + FLOOD_WINDOW_NS)
		return true;
	/* Together, or counts that come in between are lost. */
	if (bpf_map_lookup_and_delete_elem(events->floods_fd, key, &flood) < 0)
		return false;
	if (flood.held)
		events->sink.held(events->sink.data, key, flood.held);
	return false;
}

/* collect_keys() - all keys first: deleting while walking a hash begins the walk anew */
static int collect_keys(const struct events *events, struct flood_key **ret_keys, size_t *ret_n)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	struct flood_key *keys;
	const struct flood_key *last = NULL;
	size_t n = 0;

	if (bpf_obj_get_info_by_fd(events->floods_fd, &info, &size) < 0)
		return -errno;
	keys = calloc(info.max_entries, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	while (n < info.max_entries &&
	       bpf_map_get_next_key(events->floods_fd, last, &keys[n]) == 0) {
		last = &keys[n];
		n++;
	}
	*ret_keys = keys;
	*ret_n = n;
	return 0;
}

int events_sweep(struct events *events, bool *ret_again)
{
	_cleanup_free_ struct flood_key *keys = NULL;
	uint64_t now = boot_clock();
	bool again = false;
	size_t n = 0;
	int r;

	r = collect_keys(events, &keys, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		again |= sweep_one(events, &keys[i], now);
	*ret_again = again;
	return 0;
}

void path_to_leaf(const char *path, struct path_text *ret_path)
{
	size_t end = strlen(path), out = 0;

	*ret_path = (struct path_text){ 0 };
	while (end > 0 && out < MAX_NAME_TEXT) {
		size_t start = end, length;

		while (start > 0 && path[start - 1] != '/')
			start--;
		length = end - start;
		if (length >= MAX_NAME_TEXT)
			length = MAX_NAME_TEXT - 1;
		if (length > 0) {
			memcpy(ret_path->text + out, path + start, length);
			out += length;
			ret_path->text[out++] = '/';
		}
		end = start > 0 ? start - 1 : 0;
	}
}

void path_from_leaf(const struct path_text *path, char ret_path[static MAX_PATH_TEXT + 8])
{
	size_t length = strnlen(path->text, sizeof(path->text)), out = 0;
	bool cut = length >= MAX_NAME_TEXT;

	if (cut) {
		memcpy(ret_path, "...", 3);
		out = 3;
	}
	/* Each name ends with '/': take them from the end. */
	while (length > 0) {
		size_t end = length - 1, start = end;

		while (start > 0 && path->text[start - 1] != '/')
			start--;
		ret_path[out++] = '/';
		memcpy(ret_path + out, path->text + start, end - start);
		out += end - start;
		length = start;
	}
	ret_path[out] = '\0';
}
