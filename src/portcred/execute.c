/* SPDX-License-Identifier: MIT */
#include "portcred/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "portcred/text.h"

int execute_failed(struct program *program, const char *name, int error)
{
	_cleanup_free_ char *shown = text_show(name);

	program_say(program, "cannot run %s: %s", shown ? shown : "it", strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTED;
}

int execute(struct program *program, char **argv)
{
	execvp(argv[0], argv);
	return execute_failed(program, argv[0], errno);
}

/* can_run() - 0, or the errno that execve(2) would give */
static int can_run(const char *path)
{
	struct stat found;

	if (stat(path, &found) < 0)
		return errno;
	if (!S_ISREG(found.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* search() - execvp(3)'s way: what may not be run is passed over, and remembered */
static int search(const char *name, const char *directories)
{
	int error = ENOENT;

	for (const char *at = directories;; at++) {
		size_t length = strcspn(at, ":");
		_cleanup_free_ char *path = NULL;
		int r;

		if (asprintf(&path, "%.*s/%s", length ? (int)length : 1, length ? at : ".", name) <
		    0) {
			path = NULL;
			return ENOMEM;
		}
		r = can_run(path);
		if (r == 0)
			return 0;
		if (r == EACCES)
			error = EACCES;
		at += length;
		if (*at == '\0')
			return error;
	}
}

int execute_check(struct program *program, const char *name)
{
	const char *directories = getenv("PATH");
	int error;

	if (strchr(name, '/') || !*name)
		error = can_run(name);
	else
		error = search(name, directories ? directories : "/bin:/usr/bin");
	return error ? execute_failed(program, name, error) : EXIT_YES;
}
