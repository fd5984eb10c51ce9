/* SPDX-License-Identifier: MIT */
/*
 * listen_fds.c - sockets that were there when the program was started: sd_listen_fds(3)'s protocol
 *
 *	LISTEN_PID      for whom they are: a child that inherits the environment is not meant
 *	LISTEN_FDS      how many, from descriptor 3 on
 *	LISTEN_FDNAMES  what they are called, with ':' between; may be missing
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "include/portcred/portcred.h"

#define FIRST_DESCRIPTOR 3
#define MOST_DESCRIPTORS (INT_MAX - FIRST_DESCRIPTOR)
#define NAMELESS         "unknown" /* as in sd_listen_fds(3) */

/* struct portcred_fds - @names: n of them, in @text or NAMELESS */
struct portcred_fds {
	size_t n;
	char *text;
	const char *names[];
};

/* read_number() - decimal digits alone, up to @most; returns whether it is one */
static bool read_number(const char *text, unsigned long most, unsigned long *ret_number)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret_number = strtoul(text, &end, 10);
	return *end == '\0' && errno == 0 && *ret_number <= most;
}

/* count() - how many there are for this process; 0 where they are another's, or there are none */
static int count(size_t *ret_n)
{
	const char *whose = getenv("LISTEN_PID"), *many = getenv("LISTEN_FDS");
	unsigned long pid, n;

	*ret_n = 0;
	if (!whose || !many)
		return 0;
	if (!read_number(whose, INT_MAX, &pid))
		return -EINVAL;
	if ((pid_t)pid != getpid())
		return 0;
	if (!read_number(many, MOST_DESCRIPTORS, &n))
		return -EINVAL;
	*ret_n = n;
	return 0;
}

/* close_over_exec() - whoever this program starts gets none of them */
static int close_over_exec(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int fd = FIRST_DESCRIPTOR + (int)i, flags = fcntl(fd, F_GETFD);

		if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}

/* read_names() - as many as there are descriptors, or -EINVAL */
static int read_names(struct portcred_fds *fds)
{
	const char *names = getenv("LISTEN_FDNAMES");
	char *rest;
	size_t n = 0;

	for (size_t i = 0; i < fds->n; i++)
		fds->names[i] = NAMELESS;
	if (!names || fds->n == 0)
		return 0;
	fds->text = strdup(names);
	if (!fds->text)
		return -ENOMEM;
	rest = fds->text;
	while (rest && n < fds->n)
		fds->names[n++] = strsep(&rest, ":");
	return rest || n < fds->n ? -EINVAL : 0;
}

int portcred_listen_fds(struct portcred_fds **ret_fds)
{
	struct portcred_fds *fds;
	size_t n = 0;
	int error = count(&n);

	/* Each is looked at before there is memory for its name: the number may be nonsense. */
	if (error == 0)
		error = close_over_exec(n);
	if (error < 0)
		return error;
	fds = calloc(1, sizeof(*fds) + n * sizeof(fds->names[0]));
	if (!fds)
		return -ENOMEM;
	fds->n = n;
	error = read_names(fds);
	if (error < 0) {
		portcred_fds_free(fds);
		return error;
	}
	*ret_fds = fds;
	return 0;
}

void portcred_fds_free(struct portcred_fds *fds)
{
	if (!fds)
		return;
	free(fds->text);
	free(fds);
}

size_t portcred_fds_count(const struct portcred_fds *fds)
{
	return fds->n;
}

int portcred_fds_get(const struct portcred_fds *fds, size_t index)
{
	return index < fds->n ? FIRST_DESCRIPTOR + (int)index : -ENODATA;
}

const char *portcred_fds_name(const struct portcred_fds *fds, size_t index)
{
	return index < fds->n ? fds->names[index] : NULL;
}

int portcred_fds_find(const struct portcred_fds *fds, const char *name)
{
	for (size_t i = 0; i < fds->n; i++) {
		if (strcmp(fds->names[i], name) == 0)
			return portcred_fds_get(fds, i);
	}
	return -ENODATA;
}
