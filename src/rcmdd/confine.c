/* SPDX-License-Identifier: MIT */
#include "rcmdd/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/sanitized.h"
#include "rcmdd/descriptors.h"

/* The overflow ids, which are nobody's on every Linux system (user_namespaces(7)). */
#define NOBODY 65534

/* A reader holds a request, and no more than a few times of that. */
#define MEMORY_MAX (64UL << 20)

static const int allowed[] = {
	SCMP_SYS(read),       SCMP_SYS(write),
	SCMP_SYS(recvfrom),   SCMP_SYS(sendto),
	SCMP_SYS(brk),        SCMP_SYS(mmap),
	SCMP_SYS(munmap),     SCMP_SYS(mremap),
	SCMP_SYS(madvise),    SCMP_SYS(futex),
	SCMP_SYS(getrandom),  SCMP_SYS(rt_sigreturn),
	SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
};

static void free_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

/* export() - the filter as the kernel wants it */
static int export(scmp_filter_ctx filter, struct confinement *confinement)
{
	_cleanup_close_ int fd = memfd_create("filter", MFD_CLOEXEC);
	struct stat status;
	int r;

	if (fd < 0)
		return -errno;
	r = seccomp_export_bpf(filter, fd);
	if (r < 0)
		return r;
	if (fstat(fd, &status) < 0)
		return -errno;
	confinement->filter = malloc((size_t)status.st_size);
	if (!confinement->filter)
		return -ENOMEM;
	if (pread(fd, confinement->filter, (size_t)status.st_size, 0) != status.st_size)
		return -EIO;
	confinement->n = (unsigned short)((size_t)status.st_size / sizeof(*confinement->filter));
	return 0;
}

int confinement_make(struct confinement *ret_confinement)
{
	_cleanup_(free_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	struct confinement confinement = { 0 };
	int r = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; i < ELEMENTS(allowed) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0)
		r = export(filter, &confinement);
	if (r < 0) {
		confinement_clear(&confinement);
		return r;
	}
	*ret_confinement = confinement;
	return 0;
}

void confinement_clear(struct confinement *confinement)
{
	free(confinement->filter);
	*confinement = (struct confinement){ 0 };
}

static int set_limits(void)
{
	static const struct {
		__rlimit_resource_t resource;
		rlim_t value;
	} limits[] = {
		{ RLIMIT_NOFILE, 0 },
		{ RLIMIT_NPROC, 0 },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_CORE, 0 },
	};

	for (size_t i = 0; i < ELEMENTS(limits); i++) {
		const struct rlimit limit = { limits[i].value, limits[i].value };

		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	/* A sanitizer reserves more memory than any machine has. */
	if (!SANITIZED && setrlimit(RLIMIT_DATA, &(struct rlimit){ MEMORY_MAX, MEMORY_MAX }) < 0)
		return -errno;
	return 0;
}

static bool holds_nothing(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) < 0)
		return false;
	for (size_t i = 0; i < ELEMENTS(data); i++) {
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return false;
	}
	return true;
}

static int become_nobody(void)
{
	uid_t uid[3];
	gid_t gid[3];

	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	if (getresgid(&gid[0], &gid[1], &gid[2]) < 0 || getresuid(&uid[0], &uid[1], &uid[2]) < 0)
		return -errno;
	for (size_t i = 0; i < ELEMENTS(uid); i++) {
		if (uid[i] != NOBODY || gid[i] != NOBODY)
			return -EPERM;
	}
	return getgroups(0, NULL) == 0 && holds_nothing() ? 0 : -EPERM;
}

int confine(const struct confinement *confinement, int one, int other)
{
	const struct sock_fprog program = { confinement->n, confinement->filter };
	int r = descriptors_keep_two(one, other);

	if (r == 0)
		r = set_limits();
	if (r == 0)
		r = become_nobody();
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}
