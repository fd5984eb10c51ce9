/* SPDX-License-Identifier: MIT */
#include "portcred/join_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "bpf/abi.h"
#include "kernel/cgroup.h"
#include "portcred/in_force.h"
#include "portcred/text.h"

#define SLICE  ".slice"
#define CGROUP "cgroup."

static bool ends_in_slice(const char *name)
{
	size_t length = strlen(name), suffix = strlen(SLICE);

	return length >= suffix && strcmp(name + length - suffix, SLICE) == 0;
}

int join_unit_check(const char *name, char **ret_why)
{
	_cleanup_free_ char *shown = text_show(name);

	if (!shown)
		return -ENOMEM;
	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strncmp(name, CGROUP, strlen(CGROUP)) == 0)
		return why(ret_why, -EINVAL, "no unit '%s', expected a name such as web.service",
			   shown);
	if (ends_in_slice(name))
		return why(ret_why, -EINVAL, "'%s' is a slice, and no unit to a rule", shown);
	if (strlen(name) >= MAX_UNIT_NAME)
		return why(ret_why, -EINVAL, "a unit's name has at most %d bytes",
			   MAX_UNIT_NAME - 1);
	return 0;
}

/* attached_cgroup() - its directory, the caller's to free; NULL: none is known */
static char *attached_cgroup(const struct program *program)
{
	char *attached = in_force_cgroup(program);

	if (attached)
		return attached;
	return cgroup_mounted(&attached) < 0 ? NULL : attached;
}

/* enter() - 0, -errno */
static int enter(const char *attached, const char *name)
{
	_cleanup_close_ int above = -EBADF, unit = -EBADF, members = -EBADF;

	above = open(attached, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (above < 0)
		return -errno;
	if (mkdirat(above, name, S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH) < 0 &&
	    errno != EEXIST)
		return -errno;
	unit = openat(above, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (unit < 0)
		return -errno;
	members = openat(unit, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (members < 0)
		return -errno;
	/* cgroups(7): 0 is the process that writes. */
	return write(members, "0", 1) == 1 ? 0 : -errno;
}

int join_unit(struct program *program, const char *name)
{
	_cleanup_free_ char *attached = attached_cgroup(program), *where = NULL, *unit = NULL;
	const char *reason;
	int r;

	if (!attached)
		return program_say(program, "cannot make a unit: no cgroup2 hierarchy is mounted");
	r = enter(attached, name);
	if (r == 0)
		return EXIT_YES;
	where = text_show(attached);
	unit = text_show(name);
	switch (r) {
	case -EROFS:
		reason = ": cgroups are read-only here, as in most containers. "
			 "Leave --unit out, and name the user in the rule";
		break;
	case -EACCES:
	case -EPERM:
		reason = ": only root may make one";
		break;
	case -EBUSY:
	case -EOPNOTSUPP:
		reason = ": a cgroup of that name is there and takes no processes (it divides "
			 "its resources, or is threaded). Take another name";
		break;
	default:
		reason = "";
	}
	return program_say(program, "cannot be in unit %s below %s: %s%s", unit ? unit : "?",
			   where ? where : "?", strerror(-r), reason);
}
