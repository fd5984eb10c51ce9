/* SPDX-License-Identifier: MIT */
#include "rcmdd/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/hide.h"
#include "base/isolate.h"
#include "base/sanitized.h"
#include "rcmdd/descriptors.h"

/* A reader holds a request, and no more than a few times of that. */
#define MEMORY_MAX (64UL << 20)

/* The one kind of system call that this program makes: another one has other numbers. */
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "which AUDIT_ARCH_ is this machine's (linux/audit.h)?"
#endif

/* Numbers above it are of x32, on the same architecture: none of them is one of those below. */
#define LOAD(field)                                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
#define IF(value, action)                                                                          \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1), BPF_STMT(BPF_RET | BPF_K, (action))
#define ALLOW(name) IF(SYS_##name, SECCOMP_RET_ALLOW)

/* Written by hand, and short: made by a library it would take longer than a session does. */
static const struct sock_filter filter[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	ALLOW(read),
	ALLOW(write),
	ALLOW(recvfrom),
	ALLOW(recvmsg),
	ALLOW(sendto),
	ALLOW(brk),
	ALLOW(mmap),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(futex),
	ALLOW(getrandom),
	ALLOW(rt_sigreturn),
	ALLOW(restart_syscall),
	ALLOW(exit_group),
#if SANITIZED
	/* Its runtime looks at the stack wherever a function does not return. */
	ALLOW(sigaltstack),
	ALLOW(prlimit64),
	ALLOW(mprotect),
	ALLOW(sched_yield),
	ALLOW(gettid),
	ALLOW(getpid),
#endif
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

static int set_limits(void)
{
	static const struct {
		__rlimit_resource_t resource;
		rlim_t value;
	} limits[] = {
		/* Numbers below it: descriptor 0 alone, and once the connection is that, none. */
		{ RLIMIT_NOFILE, 1 },
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

	if (setgroups(0, NULL) < 0 ||
	    setresgid(ISOLATED_NOBODY, ISOLATED_NOBODY, ISOLATED_NOBODY) < 0 ||
	    setresuid(ISOLATED_NOBODY, ISOLATED_NOBODY, ISOLATED_NOBODY) < 0)
		return -errno;
	if (getresgid(&gid[0], &gid[1], &gid[2]) < 0 || getresuid(&uid[0], &uid[1], &uid[2]) < 0)
		return -errno;
	for (size_t i = 0; i < ELEMENTS(uid); i++) {
		if (uid[i] != ISOLATED_NOBODY || gid[i] != ISOLATED_NOBODY)
			return -EPERM;
	}
	return getgroups(0, NULL) == 0 && holds_nothing() ? 0 : -EPERM;
}

int confine(int fd, pid_t parent)
{
	const struct sock_fprog program = { ELEMENTS(filter), (struct sock_filter *)filter };
	int r = fd > 0 ? descriptors_keep(&fd, 1) : -EINVAL;

	if (r == 0)
		r = set_limits();
	if (r == 0)
		r = become_nobody();
	/* From other processes of nobody's: a password comes. */
	if (r == 0)
		r = hide_process();
	if (r == 0)
		r = isolate_end_with(parent);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}
