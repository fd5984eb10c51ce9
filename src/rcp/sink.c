/* SPDX-License-Identifier: MIT */
/*
 * sink.c - lines come, entries are made
 *
 * `levels` is where we are: the target, and the directories that came and have not ended. A line of
 * times waits in `times` for the entry that it is about.
 */
#include "rcp/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcp/place.h"

/* struct level - one directory that is open */
struct level {
	int fd;
	bool target; /* the user's own, which keeps mode and times */
	bool made;
	bool has_times;
	unsigned mode;
	struct line times;
};

struct sink {
	struct wire *wire;
	const struct sink_how *how;
	unsigned n_levels; /* 0: the target is no directory */
	unsigned base;     /* levels when nothing has come */
	bool has_times, begun;
	unsigned entries; /* that came for the target itself */
	struct line times;
	struct level levels[RCP_MAX_DEPTH + 1];
};

static void sink_clear(struct sink *sink)
{
	while (sink->n_levels > 0)
		cleanup_close(&sink->levels[--sink->n_levels].fd);
}

/* refuse() - the other end does what it must not: tell it and end */
static int refuse(struct sink *sink, const char *why, const char *name)
{
	wire_send_no(sink->wire, "%s%s%s%s", sink->wire->peer ? sink->wire->peer : "protocol", why,
		     name ? ": " : "", name ? name : "");
	return -ECONNABORTED;
}

static int push(struct sink *sink, int fd, const struct line *line, bool made, bool target)
{
	struct level *level = &sink->levels[sink->n_levels++];

	*level = (struct level){ .fd = fd, .made = made, .target = target };
	if (!line)
		return 0;
	level->mode = line->mode;
	level->has_times = sink->has_times;
	level->times = sink->times;
	sink->has_times = false;
	return wire_send_yes(sink->wire);
}

/* check_entry() - whether this may come at all, here and now */
static int check_entry(struct sink *sink, const struct line *line)
{
	bool top = sink->n_levels == sink->base;

	if (line->kind == LINE_DIRECTORY && !sink->how->recursive)
		return refuse(sink, " sent a directory, without -r", line->name);
	if (strcmp(line->name, ".") == 0 &&
	    (!top || line->kind != LINE_DIRECTORY ||
	     (sink->how->wanted && !wanted_is_contents(sink->how->wanted))))
		return refuse(sink, " sent a name that no entry can have", ".");
	if (!top)
		return 0;
	if (sink->how->wanted && !wanted_take(sink->how->wanted, line->name))
		return refuse(sink, " sent what was not asked for", line->name);
	if (sink->base == 0 && sink->entries++ > 0)
		return refuse(sink, " sent more than one entry, and the target is no directory",
			      line->name);
	return 0;
}

static struct place place_of(const struct sink *sink, const struct line *line)
{
	if (sink->n_levels == 0)
		return (struct place){ AT_FDCWD, sink->how->target, true };
	return (struct place){ sink->levels[sink->n_levels - 1].fd, line->name, false };
}

static const char *reason(int error)
{
	switch (error) {
	case -ELOOP:
		return "a symbolic link, which is not followed";
	case -EINVAL:
		return "there, and no regular file";
	default:
		return strerror(-error);
	}
}

/* begin_directory() - it becomes the level that entries go to */
static int begin_directory(struct sink *sink, const struct line *line)
{
	struct place place = place_of(sink, line);
	bool made = false;
	int fd = -EBADF, r;

	if (sink->n_levels > RCP_MAX_DEPTH) {
		sink->has_times = false;
		return wire_send_no(sink->wire, "%s: directories nest too deeply", line->name);
	}
	if (strcmp(line->name, ".") == 0 && !place.typed) {
		fd = fcntl(place.directory, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : push(sink, fd, line, false, true);
	}
	r = place_open_directory(&place, line->mode, &fd, &made);
	if (r < 0) {
		sink->has_times = false;
		return wire_send_no(sink->wire, "%s: %s", place.name, reason(r));
	}
	return push(sink, fd, line, made, false);
}

static int end_directory(struct sink *sink)
{
	struct level *level;
	int r = 0;

	if (sink->n_levels == sink->base)
		return refuse(sink, " ended a directory that it had not begun", NULL);
	level = &sink->levels[--sink->n_levels];
	if (!level->target && sink->how->preserve)
		r = place_preserve(level->fd, level->mode, level->has_times ? &level->times : NULL);
	else if (level->made)
		r = place_restrict(level->fd, level->mode);
	cleanup_close(&level->fd);
	if (r < 0)
		return wire_send_no(sink->wire, "the mode or the times of a directory: %s",
				    strerror(-r));
	return wire_send_yes(sink->wire);
}

/* finish_file() - what is behind the @kept bytes goes; close(2) may have the last word */
static int finish_file(const struct sink *sink, const struct line *line, bool has_times, int fd,
		       int64_t kept)
{
	struct stat status;
	int r = 0;

	if (fstat(fd, &status) < 0 ||
	    (S_ISREG(status.st_mode) && status.st_size != kept && ftruncate(fd, kept) < 0))
		r = -errno;
	else if (S_ISREG(status.st_mode) && sink->how->preserve)
		r = place_preserve(fd, line->mode, has_times ? &sink->times : NULL);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

static int receive_file(struct sink *sink, const struct line *line)
{
	struct place place = place_of(sink, line);
	bool has_times = sink->has_times;
	int fd = -EBADF, r, of_file = 0, finished;
	int64_t kept = 0;

	sink->has_times = false;
	r = place_open_file(&place, line->mode, &fd);
	if (r < 0)
		return wire_send_no(sink->wire, "%s: %s", place.name, reason(r));
	r = wire_send_yes(sink->wire);
	if (r == 0)
		r = wire_receive(sink->wire, fd, line->size, &of_file, &kept);
	if (r == 0)
		r = wire_read_answer(sink->wire);
	/* What is not whole does not get the times of what is. */
	finished = finish_file(sink, line, has_times && r == 0 && of_file == 0, fd, kept);
	if (r < 0)
		return r;
	if (of_file == 0)
		of_file = finished;
	if (of_file < 0)
		return wire_send_no(sink->wire, "%s: %s", place.name, strerror(-of_file));
	return wire_send_yes(sink->wire);
}

static int take(struct sink *sink, const struct line *line)
{
	int r;

	switch (line->kind) {
	case LINE_WARNING:
	case LINE_FATAL:
		sink->wire->errors++;
		wire_show(sink->wire, line->text, line->text_length);
		return line->kind == LINE_FATAL ? -ECONNABORTED : 0;
	case LINE_TIMES:
		sink->times = *line;
		sink->has_times = true;
		return wire_send_yes(sink->wire);
	case LINE_END:
		return end_directory(sink);
	case LINE_FILE:
	case LINE_DIRECTORY:
		break;
	}
	r = check_entry(sink, line);
	if (r < 0)
		return r;
	return line->kind == LINE_FILE ? receive_file(sink, line) : begin_directory(sink, line);
}

/* step() - one line; 1 where the other end is done */
static int step(struct sink *sink)
{
	const char *bytes;
	struct line line;
	size_t n;
	int r = wire_read_line(sink->wire, &bytes, &n);

	if (r == -ENODATA && sink->n_levels == sink->base)
		return 1;
	if (r < 0)
		return r;
	r = line_parse(bytes, n, &line);
	if (r == -EBADMSG && !sink->begun) {
		/* No rcp speaks there: a shell that has not found it, most likely. */
		sink->wire->errors++;
		wire_show(sink->wire, bytes, n);
		return -ECONNABORTED;
	}
	sink->begun = true;
	if (r == -EBADMSG)
		return refuse(sink, " sent a line that is none of the protocol", NULL);
	if (r < 0)
		return refuse(sink, " sent a name that no entry can have", NULL);
	return take(sink, &line);
}

static int open_target(struct sink *sink)
{
	int fd = open(sink->how->target, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && (sink->how->directory || (errno != ENOENT && errno != ENOTDIR))) {
		int error = errno;

		wire_send_no(sink->wire, "%s: %s", sink->how->target, strerror(error));
		return -ECONNABORTED;
	}
	if (fd >= 0)
		push(sink, fd, NULL, false, true);
	sink->base = sink->n_levels;
	return 0;
}

int sink_run(struct wire *wire, const struct sink_how *how)
{
	_cleanup_(sink_clear) struct sink sink = { .wire = wire, .how = how };
	int r = open_target(&sink);

	if (r == 0)
		r = wire_send_yes(wire);
	while (r == 0)
		r = step(&sink);
	return r < 0 ? wire_lost(wire, r) : 0;
}
