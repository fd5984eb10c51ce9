/* SPDX-License-Identifier: MIT */
#include "rcmdd/pam_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

/* How long ago a file must have been changed, so that a later change has another time: of any file system. */
#define SETTLED_SECONDS 2

/* Which some builds of PAM read besides. */
#define PAM_CONF "/etc/pam.conf"

/* look() - an opened file, as it is now: its descriptor; -errno. Opened, as NFS finds changes by that. */
static int look(const char *path, struct stat *ret_found)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, ret_found) < 0)
		return -errno;
	return S_ISREG(ret_found->st_mode) ? TAKE_FD(fd) : -EINVAL;
}

/* read_all() - @size bytes as text, for free(3); -EAGAIN: there are more or fewer by now */
static int read_all(int fd, size_t size, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	size_t done = 0;
	ssize_t n = 1;

	if (size > PAM_FILES_BYTES_MAX)
		return -EFBIG;
	text = malloc(size + 1);
	while (text && n > 0 && done <= size) {
		n = read(fd, text + done, size + 1 - done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (!text || n < 0)
		return !text ? -ENOMEM : -errno;
	if (done != size)
		return -EAGAIN;
	text[size] = '\0';
	*ret_text = TAKE_PTR(text);
	return 0;
}

/* add() - once: 0, -ENAMETOOLONG, -E2BIG */
static int add(struct pam_files *files, const char *directory, const char *name)
{
	char path[PAM_FILES_PATH_SIZE];
	int length = name[0] == '/' ? snprintf(path, sizeof(path), "%s", name)
				    : snprintf(path, sizeof(path), "%s/%s", directory, name);

	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	for (size_t i = 0; i < files->n; i++) {
		if (strcmp(files->items[i].path, path) == 0)
			return 0;
	}
	if (files->n == PAM_FILES_MAX)
		return -E2BIG;
	memcpy(files->items[files->n++].path, path, (size_t)length + 1);
	return 0;
}

static bool includes(const char *word)
{
	return strcasecmp(word, "@include") == 0 || strcasecmp(word, "include") == 0 ||
	       strcasecmp(word, "substack") == 0;
}

/*
 * add_line() - what stands behind a word that includes, wherever in a line that is
 * Returns 0; -EINVAL: whatever PAM makes of this; -errno of add().
 */
static int add_line(struct pam_files *files, const char *directory, char *line)
{
	bool wanted = false;
	char *rest = NULL;
	int r = 0;

	if (strstr(line, "\\#"))
		return -EINVAL;
	line[strcspn(line, "#")] = '\0';
	for (char *word = strtok_r(line, " \t", &rest); word && r == 0;
	     word = strtok_r(NULL, " \t", &rest)) {
		if (wanted)
			r = strchr(word, '\\') ? -EINVAL : add(files, directory, word);
		wanted = includes(word);
	}
	return r == 0 && wanted ? -EINVAL : r;
}

static int add_included(struct pam_files *files, const char *directory, char *text)
{
	char *rest = NULL;
	int r = 0;

	for (char *line = strtok_r(text, "\n", &rest); line && r == 0;
	     line = strtok_r(NULL, "\n", &rest))
		r = add_line(files, directory, line);
	return r;
}

/* find_one() - -ENOENT is for PAM_CONF to be */
static int find_one(struct pam_files *files, const char *directory, time_t now, size_t i)
{
	struct pam_file *file = &files->items[i];
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = look(file->path, &file->found);
	int r;

	if (fd == -ENOENT && strcmp(file->path, PAM_CONF) == 0) {
		file->found = (struct stat){ 0 };
		return 0;
	}
	if (fd < 0)
		return fd;
	if (file->found.st_ctim.tv_sec + SETTLED_SECONDS >= now)
		return -EAGAIN;
	r = read_all(fd, (size_t)file->found.st_size, &text);
	return r < 0 ? r : add_included(files, directory, text);
}

static int find_all(struct pam_files *files, const char *directory, const char *service, time_t now)
{
	int r = add(files, directory, service);

	if (r == 0)
		r = add(files, directory, "other");
	if (r == 0)
		r = add(files, directory, PAM_CONF);
	for (size_t i = 0; i < files->n && r == 0; i++)
		r = find_one(files, directory, now, i);
	return r;
}

void pam_files_find(const char *directory, const char *service, time_t now,
		    struct pam_files *ret_files)
{
	struct pam_files files = { calloc(PAM_FILES_MAX, sizeof(*files.items)), 0 };

	if (files.items && find_all(&files, directory, service, now) < 0)
		pam_files_clear(&files);
	*ret_files = files;
}

static bool same_time(const struct timespec *one, const struct timespec *other)
{
	return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

static bool is_same(const struct pam_file *file)
{
	const struct stat *then = &file->found;
	struct stat now = { 0 };
	_cleanup_close_ int fd = look(file->path, &now);

	if (fd < 0)
		return fd == -ENOENT && then->st_ino == 0;
	return now.st_dev == then->st_dev && now.st_ino == then->st_ino &&
	       now.st_size == then->st_size && same_time(&now.st_mtim, &then->st_mtim) &&
	       same_time(&now.st_ctim, &then->st_ctim);
}

bool pam_files_same(const struct pam_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		if (!is_same(&files->items[i]))
			return false;
	}
	return files->items != NULL;
}

void pam_files_clear(struct pam_files *files)
{
	free(files->items);
	*files = (struct pam_files){ 0 };
}
