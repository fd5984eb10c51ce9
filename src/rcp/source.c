/* SPDX-License-Identifier: MIT */
/*
 * source.c - files and directories, one after the other; a yes is awaited before each next thing
 *
 * As every rcp does, this one sends what a symbolic link points to; a link to a directory in which we
 * are already would never end, and is left out. `levels` is the directories that have been begun.
 */
#include "rcp/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcp/bulk.h"

/* struct level - a directory that is being read */
struct level {
	DIR *directory;
	dev_t device;
	ino_t inode;
};

struct source {
	struct wire *wire;
	const struct source_how *how;
	unsigned n_levels;
	struct level levels[RCP_MAX_DEPTH];
};

static void source_clear(struct source *source)
{
	while (source->n_levels > 0)
		closedir(source->levels[--source->n_levels].directory);
}

/* send_header() - times where they are kept, then the entry; 1: the other end does not want it */
static int send_header(struct source *source, enum line_kind kind, const char *name,
		       const struct stat *status)
{
	struct line line = { .kind = LINE_TIMES };
	int r;

	if (source->how->preserve) {
		line.modified = status->st_mtim.tv_sec;
		line.modified_us = (uint32_t)(status->st_mtim.tv_nsec / 1000);
		line.accessed = status->st_atim.tv_sec;
		line.accessed_us = (uint32_t)(status->st_atim.tv_nsec / 1000);
		r = wire_send_line(source->wire, &line);
		if (r == 0)
			r = wire_read_answer(source->wire);
		if (r != 0)
			return r;
	}
	line = (struct line){ .kind = kind, .mode = status->st_mode & LINE_MODES };
	if (kind == LINE_FILE)
		line.size = status->st_size;
	memcpy(line.name, name, strlen(name) + 1); /* send_entry() has seen that it fits */
	r = wire_send_line(source->wire, &line);
	return r < 0 ? r : wire_read_answer(source->wire);
}

static int send_file(struct source *source, const char *path, const char *name, int fd,
		     const struct stat *status)
{
	int r = send_header(source, LINE_FILE, name, status), of_file = 0;

	if (r != 0)
		return r < 0 ? r : 0;
	r = bulk_send(fd, source->wire->out, status->st_size, &of_file);
	if (r < 0)
		return r;
	if (of_file == -ENODATA)
		r = wire_send_no(source->wire, "%s: became shorter while it was sent", path);
	else if (of_file < 0)
		r = wire_send_no(source->wire, "%s: %s", path, strerror(-of_file));
	else
		r = wire_send_yes(source->wire);
	if (r == 0)
		r = wire_read_answer(source->wire);
	return r < 0 ? r : 0;
}

/* is_within() - whether it is a directory that is being sent already */
static bool is_within(const struct source *source, const struct stat *status)
{
	for (unsigned i = 0; i < source->n_levels; i++) {
		if (source->levels[i].device == status->st_dev &&
		    source->levels[i].inode == status->st_ino)
			return true;
	}
	return false;
}

/* read_directory() - to be read by a descriptor of its own, for closedir(3) takes that */
static DIR *read_directory(int fd)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = own < 0 ? NULL : fdopendir(own);
	int error = errno;

	if (!directory && own >= 0)
		close(own);
	errno = error;
	return directory;
}

static int begin_directory(struct source *source, const char *path, const char *name, int fd,
			   const struct stat *status)
{
	struct level *level = &source->levels[source->n_levels];
	int r;

	if (!source->how->recursive)
		return wire_send_no(source->wire, "%s: a directory (-r was not given)", path);
	if (is_within(source, status))
		return wire_send_no(source->wire, "%s: a link to a directory that it lies in",
				    path);
	if (source->n_levels == RCP_MAX_DEPTH)
		return wire_send_no(source->wire, "%s: directories nest too deeply", path);
	level->directory = read_directory(fd);
	if (!level->directory)
		return wire_send_no(source->wire, "%s: %s", path, strerror(errno));
	level->device = status->st_dev;
	level->inode = status->st_ino;
	source->n_levels++;
	r = send_header(source, LINE_DIRECTORY, name, status);
	if (r == 1)
		closedir(source->levels[--source->n_levels].directory);
	return r < 0 ? r : 0;
}

static const char *check_kind(mode_t mode)
{
	if (S_ISREG(mode) || S_ISDIR(mode))
		return NULL;
	return "neither a regular file nor a directory";
}

/*
 * open_entry() - 0, or what is wrong with it is told to the other end and *ret_fd is left alone
 * What is no file or directory is not even opened: that can wait for ever, or rewind a tape.
 */
static int open_entry(struct source *source, int directory, const char *path, int *ret_fd,
		      struct stat *ret_status)
{
	_cleanup_close_ int fd = -EBADF;
	const char *what;

	if (fstatat(directory, path, ret_status, 0) < 0)
		return wire_send_no(source->wire, "%s: %s", path, strerror(errno));
	what = check_kind(ret_status->st_mode);
	if (what)
		return wire_send_no(source->wire, "%s: %s", path, what);
	fd = openat(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, ret_status) < 0)
		return wire_send_no(source->wire, "%s: %s", path, strerror(errno));
	what = check_kind(ret_status->st_mode);
	if (what)
		return wire_send_no(source->wire, "%s: %s", path, what);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* send_entry() - @path below @directory, under the name @name */
static int send_entry(struct source *source, int directory, const char *path, const char *name)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat status;
	int r;

	if (strchr(name, '\n'))
		return wire_send_no(source->wire, "%s: the protocol has no names with a newline",
				    path);
	if (strlen(name) > NAME_MAX)
		return wire_send_no(source->wire, "%s: %s", path, strerror(ENAMETOOLONG));
	r = open_entry(source, directory, path, &fd, &status);
	if (r < 0 || fd < 0)
		return r;
	if (S_ISDIR(status.st_mode))
		return begin_directory(source, path, name, fd, &status);
	return send_file(source, path, name, fd, &status);
}

/* next_entry() - of the innermost directory, or its end */
static int next_entry(struct source *source)
{
	struct level *level = &source->levels[source->n_levels - 1];
	const struct line end = { .kind = LINE_END };
	struct dirent *entry;
	int r, error;

	do {
		errno = 0;
		entry = readdir(level->directory); /* NOLINT(concurrency-mt-unsafe) */
	} while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	if (entry)
		return send_entry(source, dirfd(level->directory), entry->d_name, entry->d_name);
	error = errno;
	closedir(level->directory);
	source->n_levels--;
	if (error) {
		r = wire_send_no(source->wire, "a directory was not read to its end: %s",
				 strerror(error));
		if (r < 0)
			return r;
	}
	r = wire_send_line(source->wire, &end);
	if (r == 0)
		r = wire_read_answer(source->wire);
	return r < 0 ? r : 0;
}

/* send_typed() - a path of the command line, with all that is below it */
static int send_typed(struct source *source, char *path)
{
	size_t n = strlen(path);
	const char *name;
	int r;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	/* "." is the directory's contents, as every rcp has it; these have no name to send. */
	if (!*name || strcmp(name, "..") == 0)
		return wire_send_no(source->wire, "%s: the directory has no name to send", path);
	r = send_entry(source, AT_FDCWD, path, name);
	while (r == 0 && source->n_levels > 0)
		r = next_entry(source);
	return r;
}

int source_run(struct wire *wire, const struct source_how *how)
{
	_cleanup_(source_clear) struct source source = { .wire = wire, .how = how };
	int r = wire_read_answer(wire);

	for (size_t i = 0; r == 0 && i < how->n; i++)
		r = send_typed(&source, how->paths[i]);
	/* The target is no good: that was said, and there is nothing to send to. */
	if (r == 1)
		return 0;
	return r < 0 ? wire_lost(wire, r) : 0;
}
