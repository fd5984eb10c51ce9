/* SPDX-License-Identifier: MIT */
/*
 * source.c - the policy's files into memory
 *
 * A policy may be a quarter of a gigabyte, so each file is read into one buffer of its size and
 * never copied. What is no regular file is refused before it is read: a FIFO would hang the daemon,
 * a device never end.
 */
#include "policy/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/trust.h"

#define POLICY_DIRECTORY  "policy.d"
#define POLICY_SUFFIX     ".conf"
#define FIRST_BUFFER      65536U /* where the size is not known */
#define MIN_POPULATE      (1U << 20)
#define BYTE_ORDER_MARK   "\xef\xbb\xbf"
#define STANDARD_INPUT    "-"
#define SOURCE_OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

DEFINE_CLEANUP(struct sources *, sources_free)
DEFINE_CLEANUP(DIR *, closedir)

/* struct listing - names of the files of policy.d, sorted */
struct listing {
	char **names;
	size_t n, allocated;
};

static void listing_clear(struct listing *listing)
{
	for (size_t i = 0; i < listing->n; i++)
		free(listing->names[i]);
	free(listing->names);
	*listing = (struct listing){ 0 };
}

struct sources *sources_new(void)
{
	return calloc(1, sizeof(struct sources));
}

void sources_free(struct sources *sources)
{
	if (!sources)
		return;
	for (size_t i = 0; i < sources->n_files; i++) {
		free(sources->files[i].name);
		free(sources->files[i].text);
	}
	free(sources->files);
	free(sources);
}

/* take_source() - append; on success @text belongs to @sources */
static int take_source(struct sources *sources, const char *name, char *text, size_t size)
{
	char *copy;

	if (sources->n_files >= MAX_SOURCES)
		return -E2BIG;
	if (size > MAX_SOURCE_BYTES - sources->bytes)
		return -EFBIG;
	if (GROW(sources->files, sources->n_allocated, sources->n_files) < 0)
		return -ENOMEM;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	sources->files[sources->n_files++] = (struct source){
		.name = copy,
		.text = text,
		.size = size,
	};
	sources->bytes += size;
	return 0;
}

int sources_add(struct sources *sources, const char *name, const char *text, size_t size)
{
	_cleanup_free_ char *copy = NULL;
	int r;

	if (size > MAX_SOURCE_BYTES - sources->bytes)
		return -EFBIG;
	copy = malloc(size + 1);
	if (!copy)
		return -ENOMEM;
	if (size)
		memcpy(copy, text, size);
	copy[size] = '\0';
	r = take_source(sources, name, copy, size);
	if (r == 0)
		(void)TAKE_PTR(copy);
	return r;
}

/*
 * populate() - take the pages of a large buffer at once
 * A fault for each of them costs as much as the parsing of what is on it. Only a hint.
 */
static void populate(char *buffer, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = ((uintptr_t)buffer + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)buffer + size) & ~(page - 1);

	if (size >= MIN_POPULATE)
		(void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}

/* read_text() - all of a descriptor, at most @limit bytes; @expected is a guess of the size */
static int read_text(int fd, size_t expected, size_t limit, char **ret_text, size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	size_t room = 0, size = 0;
	char *fitted;

	for (;;) {
		ssize_t n;

		/* One byte more than the file has, so that its end shows without growing. */
		if (size + 1 >= room) {
			size_t more = size ? size : expected + 2;

			if (grow(&text, &room, size, more, 1) < 0)
				return -ENOMEM;
			populate(text + size, room - size);
		}
		n = read(fd, text + size, room - 1 - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > limit)
			return -EFBIG;
	}
	fitted = realloc(text, size + 1);
	if (fitted)
		text = fitted;
	text[size] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

/* read_descriptor() - append what @fd holds; @regular: refuse all but a regular file */
static int read_descriptor(struct sources *sources, int fd, const char *name, bool regular)
{
	_cleanup_free_ char *text = NULL;
	size_t expected = FIRST_BUFFER, limit = MAX_SOURCE_BYTES - sources->bytes, size = 0;
	struct stat status;
	int r;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (regular && !S_ISREG(status.st_mode))
		return -EINVAL;
	if (S_ISREG(status.st_mode)) {
		if (status.st_size > (off_t)limit)
			return -EFBIG;
		expected = (size_t)status.st_size;
	}
	r = read_text(fd, expected, limit, &text, &size);
	if (r < 0)
		return r;
	r = take_source(sources, name, text, size);
	if (r == 0)
		(void)TAKE_PTR(text);
	return r;
}

static int read_at(struct sources *sources, int directory, const char *name, const char *shown)
{
	_cleanup_close_ int fd = openat(directory, name, SOURCE_OPEN_FLAGS);

	if (fd < 0)
		return -errno;
	return read_descriptor(sources, fd, shown, true);
}

int sources_read_file(struct sources *sources, const char *path)
{
	if (strcmp(path, STANDARD_INPUT) == 0)
		return read_descriptor(sources, STDIN_FILENO, "<stdin>", false);
	return read_at(sources, AT_FDCWD, path, path);
}

/* beside() - DIR/policy.d, DIR being the directory of @path; NULL without memory */
static char *beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory;

	if (asprintf(&directory, "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path,
		     POLICY_DIRECTORY) < 0)
		return NULL;
	return directory;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_policy_name(const char *name)
{
	size_t length = strlen(name), suffix = strlen(POLICY_SUFFIX);

	return name[0] != '.' && length > suffix &&
	       strcmp(name + length - suffix, POLICY_SUFFIX) == 0;
}

/* list_directory() - names of the directory's policy files in name order */
static int list_directory(DIR *stream, struct listing *listing)
{
	struct dirent *entry;

	while ((errno = 0, entry = readdir(stream))) {
		if (!is_policy_name(entry->d_name))
			continue;
		if (listing->n >= MAX_SOURCES)
			return -E2BIG;
		if (GROW(listing->names, listing->allocated, listing->n) < 0)
			return -ENOMEM;
		listing->names[listing->n] = strdup(entry->d_name);
		if (!listing->names[listing->n])
			return -ENOMEM;
		listing->n++;
	}
	if (errno)
		return -errno;
	if (listing->n)
		qsort(listing->names, listing->n, sizeof(listing->names[0]), by_name);
	return 0;
}

/*
 * each_in_directory() - call @each for every policy file of DIR/policy.d
 * Nothing where there is no such directory. A failure's culprit is what failed.
 */
static int each_in_directory(const char *directory,
			     int (*each)(void *closure, int fd, const char *name, const char *path,
					 char **ret_culprit),
			     void *closure, char **ret_culprit)
{
	_cleanup_(listing_clear) struct listing listing = { 0 };
	_cleanup_(closedirp) DIR *stream = opendir(directory);
	int r;

	if (!stream && errno == ENOENT)
		return 0;
	r = stream ? list_directory(stream, &listing) : -errno;
	if (r < 0) {
		*ret_culprit = strdup(directory);
		return r;
	}
	for (size_t i = 0; i < listing.n; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", directory, listing.names[i]) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = each(closure, dirfd(stream), listing.names[i], path, ret_culprit);
		if (r < 0) {
			if (!*ret_culprit)
				*ret_culprit = TAKE_PTR(path);
			return r;
		}
	}
	return 0;
}

static int read_entry(void *closure, int fd, const char *name, const char *path, char **ret_culprit)
{
	(void)ret_culprit;
	return read_at(closure, fd, name, path);
}

int sources_read(const char *path, struct sources **ret_sources, char **ret_culprit)
{
	_cleanup_(sources_freep) struct sources *sources = sources_new();
	_cleanup_free_ char *directory = beside(path), *culprit = NULL;
	int r;

	if (!sources || !directory)
		return -ENOMEM;
	r = read_at(sources, AT_FDCWD, path, path);
	if (r < 0)
		culprit = strdup(path);
	else
		r = each_in_directory(directory, read_entry, sources, &culprit);
	if (r < 0) {
		*ret_culprit = TAKE_PTR(culprit);
		return r;
	}
	*ret_sources = TAKE_PTR(sources);
	return 0;
}

static int trust_entry(void *closure, int fd, const char *name, const char *path,
		       char **ret_culprit)
{
	(void)closure, (void)fd, (void)name;
	return trust_path(path, ret_culprit);
}

int source_is_trusted(const char *path, char **ret_culprit)
{
	_cleanup_free_ char *directory = beside(path), *culprit = NULL;
	int r;

	if (!directory)
		return -ENOMEM;
	r = trust_path(path, &culprit);
	if (r == 0) {
		r = trust_path(directory, &culprit);
		if (r == 0)
			r = each_in_directory(directory, trust_entry, NULL, &culprit);
		else if (r == -ENOENT)
			r = 0;
	}
	if (r < 0)
		*ret_culprit = TAKE_PTR(culprit);
	return r;
}

const char *source_error_text(int error)
{
	switch (error < 0 ? -error : error) {
	case EINVAL:
		return "not a regular file";
	case EFBIG:
		return "the policy is larger than 256 MiB";
	case E2BIG:
		return "the policy has more than 65535 files";
	case EPERM:
		return "someone other than root can change it";
	default:
		return strerror(error < 0 ? -error : error);
	}
}

const char *source_line(const struct source *source, uint32_t line, size_t *ret_length)
{
	const char *at = source->text, *end = source->text + source->size, *newline;
	size_t length;

	if (line == 0)
		return NULL;
	if (line == 1 && source->size >= strlen(BYTE_ORDER_MARK) &&
	    memcmp(at, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		at += strlen(BYTE_ORDER_MARK);
	for (; line > 1; line--) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			return NULL;
		at = newline + 1;
	}
	newline = memchr(at, '\n', (size_t)(end - at));
	length = (size_t)((newline ? newline : end) - at);
	if (newline && length && at[length - 1] == '\r')
		length--;
	*ret_length = length;
	return at;
}
