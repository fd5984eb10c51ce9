/* SPDX-License-Identifier: MIT */
#include "kernel/requirements.h"

#include "base/cleanup.h"
#include "base/why.h"
#include "kernel/cgroup.h"
#include "kernel/netlink.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* include/linux/proc_ns.h: PROC_USER_INIT_INO */
#define INITIAL_USER_NAMESPACE 0xEFFFFFFDU

static int check_root(char **ret_why)
{
	struct stat status;

	if (geteuid() != 0)
		return why(ret_why, -EPERM,
			   "portcredd must run as root: it loads programs into the "
			   "kernel that decide for every user");
	if (stat("/proc/self/ns/user", &status) == 0 && status.st_ino != INITIAL_USER_NAMESPACE)
		return why(ret_why, -EPERM,
			   "this is root of a user namespace only; portcredd must run in the "
			   "initial one, on the host or in a container without user remapping");
	return 0;
}

static int check_cgroup(const char *cgroup, char **ret_why)
{
	struct statfs file_system;
	_cleanup_free_ char *mounted = NULL;

	if (statfs(cgroup, &file_system) < 0)
		return why(ret_why, -ENOENT,
			   "%s: %s; --cgroup must name a directory of the cgroup2 "
			   "hierarchy",
			   cgroup, strerror(errno));
	if (file_system.f_type == CGROUP2_SUPER_MAGIC)
		return 0;
	if (cgroup_mounted(&mounted) == 0)
		return why(ret_why, -ENOTSUP,
			   "%s is not in a cgroup2 hierarchy; on this machine "
			   "that is mounted on %s: give --cgroup %s",
			   cgroup, mounted, mounted);
	return why(
		ret_why, -ENOTSUP,
		"no cgroup2 hierarchy is mounted; boot with systemd.unified_cgroup_hierarchy=1, or "
		"mount -t cgroup2 cgroup2 /sys/fs/cgroup");
}

static int check_bpf_file_system(const char *pin_dir, char **ret_why)
{
	_cleanup_free_ char *copy = strdup(pin_dir);
	struct statfs file_system;
	const char *parent;

	if (!copy)
		return -ENOMEM;
	if (statfs(pin_dir, &file_system) == 0 && file_system.f_type == BPF_FS_MAGIC)
		return 0;
	parent = dirname(copy);
	if (statfs(parent, &file_system) < 0)
		return why(ret_why, -ENOENT,
			   "%s: %s; --pin-dir must lie on a BPF file system: mount -t bpf bpf "
			   "/sys/fs/bpf",
			   parent, strerror(errno));
	if (file_system.f_type != BPF_FS_MAGIC)
		return why(ret_why, -ENOTSUP,
			   "%s is not a BPF file system, where enforcement is kept while portcredd "
			   "is not running: give --pin-dir a directory of one, such as "
			   "/sys/fs/bpf/portcred, or make it one: mount -t bpf bpf %s",
			   parent, parent);
	return 0;
}

/* struct feature - one thing asked of the kernel; helper 0: the program type itself */
struct feature {
	const char *name;
	const char *since;
	enum bpf_prog_type program;
	enum bpf_func_id helper;
	enum bpf_map_type map;
};

static const struct feature features[] = {
	{ "cgroup bind hooks", "4.17", .program = BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ "cgroup socket hooks", "4.10", .program = BPF_PROG_TYPE_CGROUP_SOCK },
	{ "cgroup socket option hooks", "5.3", .program = BPF_PROG_TYPE_CGROUP_SOCKOPT },
	{ "sock_ops programs", "4.13", .program = BPF_PROG_TYPE_SOCK_OPS },
	{ "cgroup packet hooks", "4.10", .program = BPF_PROG_TYPE_CGROUP_SKB },
	{ "sk_lookup programs", "5.9", .program = BPF_PROG_TYPE_SK_LOOKUP },
	{ "the BPF ring buffer", "5.8", .map = BPF_MAP_TYPE_RINGBUF },
	{ "BPF socket storage", "5.2", .map = BPF_MAP_TYPE_SK_STORAGE },
	{ "network namespace cookies in bind hooks", "5.7",
	  .program = BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .helper = BPF_FUNC_get_netns_cookie },
	{ "network namespace cookies in sock_ops", "5.15", .program = BPF_PROG_TYPE_SOCK_OPS,
	  .helper = BPF_FUNC_get_netns_cookie },
	{ "the TAI clock", "6.1", .program = BPF_PROG_TYPE_SOCK_OPS,
	  .helper = BPF_FUNC_ktime_get_tai_ns },
	{ "the current task in cgroup hooks", "5.11", .program = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
	  .helper = BPF_FUNC_get_current_task_btf },
};

/* bpf_refused() - whether bpf(2) itself is denied, by a seccomp filter or the kernel's lockdown */
static bool bpf_refused(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(int), sizeof(int), 1, NULL);

	if (fd < 0)
		return errno == EPERM;
	close(fd);
	return false;
}

static int ask(const struct kernel_probes *probes, const struct feature *feature)
{
	if (feature->map)
		return probes->map(feature->map, NULL);
	if (feature->helper)
		return probes->helper(feature->program, feature->helper, NULL);
	return probes->program(feature->program, NULL);
}

int requirements_probe(const struct kernel_probes *probes, char **ret_why)
{
	for (size_t i = 0; i < ELEMENTS(features); i++) {
		int r = ask(probes, &features[i]);

		if (r < 0)
			return why(ret_why, r, "cannot find out whether the kernel has %s: %s",
				   features[i].name, strerror(-r));
		if (r == 0)
			return why(
				ret_why, -ENOTSUP,
				"the kernel lacks %s (in Linux since %s): a newer kernel, or one "
				"built with CONFIG_BPF_SYSCALL=y and CONFIG_CGROUP_BPF=y, is "
				"needed",
				features[i].name, features[i].since);
	}
	return 0;
}

static int check_features(char **ret_why)
{
	static const struct kernel_probes kernel = {
		.program = libbpf_probe_bpf_prog_type,
		.map = libbpf_probe_bpf_map_type,
		.helper = libbpf_probe_bpf_helper,
	};

	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return why(ret_why, -ENOTSUP,
			   "the kernel has no BTF (/sys/kernel/btf/vmlinux): a kernel built with "
			   "CONFIG_DEBUG_INFO_BTF=y is needed, as the distributions' are");

	if (bpf_refused())
		return why(ret_why, -EPERM,
			   "bpf(2) is denied to this process: a container needs a seccomp profile "
			   "that allows it, and CAP_BPF");
	return requirements_probe(&kernel, ret_why);
}

int requirements_check(const char *cgroup, const char *pin_dir, char **ret_why)
{
	int r;

	r = check_root(ret_why);
	if (r < 0)
		return r;
	r = check_cgroup(cgroup, ret_why);
	if (r < 0)
		return r;
	r = check_features(ret_why);
	if (r < 0)
		return r;
	r = check_bpf_file_system(pin_dir, ret_why);
	return r < 0 ? r : netlink_check(ret_why);
}
