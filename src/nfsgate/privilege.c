/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "nfsgate/gate.h"

/* Of a connection: two sockets, two pipes; and of the process itself. */
#define DESCRIPTORS_EACH 6U
#define DESCRIPTORS_OWN  (128U + CONTROL_DESCRIPTORS)

int descriptors_want(uint32_t connections)
{
	uint32_t descriptors = DESCRIPTORS_OWN + connections * DESCRIPTORS_EACH;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur < descriptors)
		limit.rlim_cur = limit.rlim_max < descriptors ? limit.rlim_max : descriptors;
	if (limit.rlim_cur < descriptors)
		log_warnx("no more than %llu descriptors, of %u that all connections may take",
			  (unsigned long long)limit.rlim_cur, descriptors);
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static int become(const char *user)
{
	const struct passwd *entry = getpwnam(user);
	uid_t uid[3];
	gid_t gid[3];

	if (!entry)
		return -ENOENT;
	if (entry->pw_uid == 0)
		return -EPERM;
	if (setgroups(0, NULL) < 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0)
		return -errno;
	if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0)
		return -errno;
	for (size_t i = 0; i < ELEMENTS(uid); i++) {
		if (uid[i] != entry->pw_uid || gid[i] != entry->pw_gid)
			return -EPERM;
	}
	return getgroups(0, NULL) == 0 ? 0 : -EPERM;
}

/* drop_capabilities() - all sets; what execve(2) could bring too */
static int drop_capabilities(void)
{
	cap_t empty = cap_init(), mine = NULL;
	int error = 0;

	if (!empty || cap_set_proc(empty) < 0 || cap_reset_ambient() < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		error = -errno;
	if (error == 0)
		mine = cap_get_proc();
	if (error == 0 &&
	    (!mine || cap_compare(empty, mine) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1))
		error = -EPERM;
	cap_free(empty);
	cap_free(mine);
	return error;
}

int privilege_drop(const char *user)
{
	bool is_root = geteuid() == 0;
	int error = 0;

	if (!user)
		user = "nobody";
	if (is_root) {
		error = become(user);
		if (error < 0) {
			log_warn(error, "cannot become user %s", user);
			return error;
		}
	}
	if (error == 0)
		error = drop_capabilities();
	if (error < 0)
		log_warn(error, "cannot give up what it does not need");
	return error;
}
