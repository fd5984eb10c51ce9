/* SPDX-License-Identifier: MIT */
#include "base/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hide.h"
#include "base/sanitized.h"

static int only_descriptor(int fd)
{
	int null;

	/* In this order: the descriptor may have been 0 to 2, and /dev/null must not become 3. */
	if (fd != ISOLATED_FD && dup3(fd, ISOLATED_FD, O_CLOEXEC) < 0)
		return -errno;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	return syscall(SYS_close_range, ISOLATED_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

static int default_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action,
			  NULL); /* fails for SIGKILL, SIGSTOP and the C library's */
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

static int drop_bounding_set(void)
{
	for (cap_value_t value = 0; cap_get_bound(value) >= 0; value++)
		if (cap_drop_bound(value) < 0)
			return -errno;
	return cap_reset_ambient() < 0 ? -errno : 0;
}

static int become(uid_t user)
{
	const gid_t group = user;

	if (setgroups(0, NULL) < 0 || setresgid(group, group, group) < 0 ||
	    setresuid(user, user, user) < 0)
		return -errno;
	return 0;
}

/* become_user() - *@user, or nobody where there is no such user (setresgid(2), EINVAL) */
static int become_user(uid_t *user)
{
	int error = become(*user);

	if (error != -EINVAL)
		return error;
	*user = ISOLATED_NOBODY;
	return become(*user);
}

static int empty_capabilities(void)
{
	cap_t empty = cap_init();
	int error;

	if (!empty)
		return -ENOMEM;
	error = cap_set_proc(empty) < 0 ? -errno : 0;
	cap_free(empty);
	if (error == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		error = -errno;
	return error;
}

static int set_limits(const struct isolation *isolation)
{
	const struct {
		int resource;
		rlim_t limit;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, isolation->descriptors },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_AS,
		  SANITIZED ? RLIM_INFINITY /* its shadow takes terabytes */ : isolation->memory },
	};

	for (size_t i = 0; i < ELEMENTS(limits); i++) {
		struct rlimit limit;

		if (getrlimit((__rlimit_resource_t)limits[i].resource, &limit) < 0)
			return -errno;
		if (limit.rlim_max > limits[i].limit)
			limit.rlim_max = limits[i].limit;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit) < 0)
			return -errno;
	}
	return 0;
}

/* Nothing effective, permitted, inheritable, ambient or, of what was root's, bounding. */
static bool capabilities_gone(bool was_root)
{
	cap_t empty = cap_init(), mine = cap_get_proc();
	bool gone = empty && mine && cap_compare(empty, mine) == 0;

	for (cap_value_t value = 0; gone && cap_get_bound(value) >= 0; value++)
		gone = !(was_root && cap_get_bound(value)) && cap_get_ambient(value) == 0;
	cap_free(empty);
	cap_free(mine);
	return gone;
}

static bool is_user(uid_t uid)
{
	const gid_t gid = uid;
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;

	if (getresuid(&real, &effective, &saved) < 0 ||
	    getresgid(&real_group, &effective_group, &saved_group) < 0)
		return false;
	return real == uid && effective == uid && saved == uid && real_group == gid &&
	       effective_group == gid && saved_group == gid && getgroups(0, NULL) == 0;
}

static int read_back(bool was_root, uid_t user)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || !capabilities_gone(was_root))
		return -EPERM;
	if (!was_root)
		return 0;
	if (!is_user(user))
		return -EPERM;
	return setresuid(0, 0, 0) == 0 ? -EPERM : 0;
}

int isolate_end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH; /* it had ended before that was set */
}

int isolate(const struct isolation *isolation)
{
	bool was_root = geteuid() == 0;
	uid_t user = isolation->user;
	int error = only_descriptor(isolation->fd);

	if (error == 0)
		error = default_signals();
	if (error == 0)
		error = clearenv() != 0 ? -ENOMEM : 0;
	if (error == 0)
		error = chdir("/") < 0 ? -errno : 0;
	setsid(); /* fails in the leader of a group, which has left its terminal already */
	umask(077);
	if (error == 0 && was_root)
		error = drop_bounding_set();
	if (error == 0 && was_root)
		error = become_user(&user);
	if (error == 0)
		error = empty_capabilities();
	if (error == 0)
		error = set_limits(isolation);
	if (error == 0)
		error = read_back(was_root, user);
	/* Other processes of the user may not trace this one. */
	if (error == 0)
		error = hide_process();
	return error < 0 ? error : isolate_end_with(isolation->parent);
}
