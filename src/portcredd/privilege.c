/* SPDX-License-Identifier: MIT */
#include "portcredd/privilege.h"

#include "base/cleanup.h"
#include "base/sanitized.h"
#include "base/why.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static const cap_value_t kept_enforcing[] = {
	CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_CHOWN,
};

static const cap_value_t kept_broker[] = {
	CAP_NET_BIND_SERVICE,
	CAP_SYS_PTRACE,
	CAP_DAC_READ_SEARCH,
	CAP_CHOWN,
};

/* struct kept - one of the two */
struct kept {
	const cap_value_t *items;
	size_t n;
};

static struct kept kept_with(bool broker_only)
{
	if (broker_only)
		return (struct kept){ kept_broker, ELEMENTS(kept_broker) };
	return (struct kept){ kept_enforcing, ELEMENTS(kept_enforcing) };
}

/* Needed once more, to give up the rest: the bounding set, and the name service's user. */
static const cap_value_t passing[] = { CAP_SETPCAP, CAP_SETUID, CAP_SETGID };

static void free_capabilities(cap_t *capabilities)
{
	if (*capabilities)
		cap_free(*capabilities);
}

static bool is_kept(const struct kept *kept, cap_value_t capability)
{
	for (size_t i = 0; i < kept->n; i++) {
		if (kept->items[i] == capability)
			return true;
	}
	return false;
}

/* add_missing() - append the names of those that the process does not have to @text */
static int add_missing(cap_t now, const cap_value_t *capabilities, size_t n, char **text)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *before = *text;
		cap_flag_value_t effective;
		char *name;
		int r;

		*text = NULL;
		if (cap_get_flag(now, capabilities[i], CAP_EFFECTIVE, &effective) < 0)
			return -errno;
		if (effective == CAP_SET) {
			*text = TAKE_PTR(before);
			continue;
		}
		name = cap_to_name(capabilities[i]);
		if (!name)
			return -ENOMEM;
		for (char *letter = name; *letter; letter++)
			*letter = (char)toupper((unsigned char)*letter);
		r = asprintf(text, "%s%s%s", before ? before : "", before ? ", " : "", name);
		cap_free(name);
		if (r < 0)
			return -ENOMEM;
	}
	return 0;
}

int privilege_check(bool broker_only, char **ret_why)
{
	const struct kept kept = kept_with(broker_only);
	_cleanup_(free_capabilities) cap_t now = cap_get_proc();
	_cleanup_free_ char *missing = NULL;
	int r;

	if (!now)
		return -errno;
	r = add_missing(now, kept.items, kept.n, &missing);
	if (r == 0)
		r = add_missing(now, passing, ELEMENTS(passing), &missing);
	if (r < 0 || !missing)
		return r;
	return why(ret_why, -EPERM,
		   "this root has no %s: a container must be given it (docker run --cap-add), a "
		   "service must have it in CapabilityBoundingSet=",
		   missing);
}

/* read_back() - effective, permitted and bounding set hold what is kept and nothing else */
static int read_back(const struct kept *kept)
{
	_cleanup_(free_capabilities) cap_t now = cap_get_proc();

	if (!now)
		return -errno;
	for (cap_value_t capability = 0; CAP_IS_SUPPORTED(capability); capability++) {
		cap_flag_value_t effective, permitted, inheritable;

		if (cap_get_flag(now, capability, CAP_EFFECTIVE, &effective) < 0 ||
		    cap_get_flag(now, capability, CAP_PERMITTED, &permitted) < 0 ||
		    cap_get_flag(now, capability, CAP_INHERITABLE, &inheritable) < 0)
			return -errno;
		if ((effective == CAP_SET) != is_kept(kept, capability) ||
		    (permitted == CAP_SET) != is_kept(kept, capability) || inheritable == CAP_SET ||
		    (!is_kept(kept, capability) && cap_get_bound(capability) != 0))
			return -EPERM;
	}
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

int privilege_drop(bool broker_only)
{
	const struct kept kept = kept_with(broker_only);
	_cleanup_(free_capabilities) cap_t wanted = cap_init();

	if (!wanted)
		return -errno;
	/* The bounding set first: cutting it takes CAP_SETPCAP, which goes next. */
	for (cap_value_t capability = 0; CAP_IS_SUPPORTED(capability); capability++) {
		if (!is_kept(&kept, capability) && cap_get_bound(capability) != 0 &&
		    cap_drop_bound(capability) < 0)
			return -errno;
	}
	if (cap_set_flag(wanted, CAP_PERMITTED, (int)kept.n, kept.items, CAP_SET) < 0 ||
	    cap_set_flag(wanted, CAP_EFFECTIVE, (int)kept.n, kept.items, CAP_SET) < 0 ||
	    cap_set_proc(wanted) < 0 || cap_reset_ambient() < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return read_back(&kept);
}

/*
 * What the main loop calls, the libraries' calls included. No clone and no exec: nothing is ever
 * started from here. No socket but unix and netlink ones can be made, and TCP and UDP ones for the
 * broker (checked by argument), which it binds and hands on: there is no listen(2).
 */
static const int allowed[] = {
	/* memory and time */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(futex),
	SCMP_SYS(rseq),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	/* files */
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(close),
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(pwrite64),
	SCMP_SYS(writev),
	SCMP_SYS(lseek),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstatat64),
	SCMP_SYS(statx),
	SCMP_SYS(fstatfs),
	SCMP_SYS(statfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(rmdir),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchown), /* the broker's sockets */
	SCMP_SYS(fchmodat),
	SCMP_SYS(umask),
	SCMP_SYS(getcwd),
	SCMP_SYS(fcntl),
	SCMP_SYS(dup),
	SCMP_SYS(dup3),
	SCMP_SYS(flock),
	SCMP_SYS(memfd_create),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_rm_watch),
	SCMP_SYS(fadvise64),
	/* events, signals, sockets */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(signalfd4),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(accept4),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(shutdown),
	/* processes: to look at them */
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getppid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(capget),
	SCMP_SYS(prlimit64),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(wait4),
	SCMP_SYS(waitid),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* the kernel half */
	SCMP_SYS(bpf),
};

/* LeakSanitizer stops the process from a clone of it, to look through its memory at the end. */
static const int allowed_sanitizer[] = {
	SCMP_SYS(clone), SCMP_SYS(getdents), SCMP_SYS(ptrace),
	SCMP_SYS(prctl), SCMP_SYS(kill),     SCMP_SYS(process_vm_readv),
};

static const int families[] = { AF_UNIX, AF_NETLINK };

/* What the broker binds: broker.c. */
static const int broker_families[] = { AF_INET, AF_INET6 };
static const int broker_types[] = { SOCK_STREAM | SOCK_CLOEXEC, SOCK_DGRAM | SOCK_CLOEXEC };

/* allow_broker() - plain TCP and UDP sockets; SIOCOUTQ, which says whether one was taken */
static int allow_broker(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; i < ELEMENTS(broker_families) && r == 0; i++) {
		for (size_t j = 0; j < ELEMENTS(broker_types) && r == 0; j++)
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
					     SCMP_A0(SCMP_CMP_EQ, broker_families[i]),
					     SCMP_A1(SCMP_CMP_EQ, broker_types[j]),
					     SCMP_A2(SCMP_CMP_EQ, 0));
	}
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_EQ, SIOCOUTQ));
	return r;
}

static void free_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

int privilege_confine(void)
{
	_cleanup_(free_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; i < ELEMENTS(allowed); i++) {
		/* A negative number is a call that this architecture does not have. */
		if (r == 0 && allowed[i] >= 0)
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	}
	for (size_t i = 0; SANITIZED && i < ELEMENTS(allowed_sanitizer); i++) {
		if (r == 0 && allowed_sanitizer[i] >= 0)
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_sanitizer[i], 0);
	}
	for (size_t i = 0; i < ELEMENTS(families) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, families[i]));
	if (r == 0)
		r = allow_broker(filter);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				     SCMP_A0(SCMP_CMP_EQ, PR_GET_SECCOMP));
	if (r == 0)
		r = seccomp_load(filter);
	if (r < 0)
		return r;
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER ? 0 : -EPERM;
}
