/* SPDX-License-Identifier: MIT */
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "kernel/cgroup.h"
#include "kernel/procfs.h"

#define MAX_STATUS   (2U << 20) /* bytes; 65,536 groups of up to 11 characters and some more */
#define MAX_SMALL    65536U
#define DELETED      " (deleted)"
#define INITIAL_USER 0xEFFFFFFDU /* PROC_USER_INIT_INO of the kernel's linux/proc_ns.h */

static bool ends_with(const char *text, size_t length, const char *end)
{
	size_t n = strlen(end);

	return length >= n && memcmp(text + length - n, end, n) == 0;
}

/* Whether the leader of the thread group is a zombie: its descriptors have gone before it. */
static bool leader_exited(int directory)
{
	_cleanup_free_ char *text = NULL;
	const char *state;

	if (procfs_read(directory, "stat", MAX_SMALL, &text, NULL) < 0)
		return false;
	state = strrchr(text, ')'); /* a command may hold parentheses itself */
	return state && strncmp(state, ") Z", 3) == 0;
}

/* The directory of a thread that has not exited, or -ENOENT. */
static int live_thread(int directory)
{
	_cleanup_(procfs_closep) DIR *tasks = NULL;
	const struct dirent *entry;
	int error = procfs_list(directory, "task", &tasks);

	if (error < 0)
		return error;
	while ((entry = readdir(tasks))) {
		_cleanup_close_ int task = -EBADF;

		if (entry->d_name[0] == '.')
			continue;
		task = openat(dirfd(tasks), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (task >= 0 && !leader_exited(task))
			return TAKE_FD(task);
	}
	return -ENOENT;
}

int process_open(pid_t pid)
{
	_cleanup_close_ int directory = -EBADF;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	if (leader_exited(directory)) {
		int thread = live_thread(directory);

		if (thread != -ENOENT)
			return thread;
	}
	return TAKE_FD(directory);
}

/* What follows @name at the beginning of a line of /proc/PID/status. */
static const char *status_line(const char *status, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0)
			return line + length;
	}
	return NULL;
}

static int read_groups(const char *line, struct process *process)
{
	size_t allocated = 0;

	for (;;) {
		char *end;
		unsigned long gid;
		int error;

		line += strspn(line, " \t");
		if (*line < '0' || *line > '9')
			return 0;
		gid = strtoul(line, &end, 10);
		line = end;
		error = GROW(process->groups, allocated, process->n_groups);
		if (error < 0)
			return error;
		process->groups[process->n_groups++] = (uint32_t)gid;
	}
}

static int read_credentials(int directory, struct process *process)
{
	_cleanup_free_ char *status = NULL, *target = NULL;
	const char *uids, *gids, *groups, *capabilities;
	uint64_t effective, namespace;
	int error;

	error = procfs_read(directory, "status", MAX_STATUS, &status, NULL);
	if (error < 0)
		return error;
	uids = status_line(status, "Uid:");
	gids = status_line(status, "Gid:");
	groups = status_line(status, "Groups:");
	capabilities = status_line(status, "CapEff:");
	/* Real, effective, saved, file system. */
	if (!uids || sscanf(uids, "%*u %" SCNu32, &process->uid) != 1 || !gids ||
	    sscanf(gids, "%*u %" SCNu32, &process->gid) != 1 || !groups || !capabilities ||
	    sscanf(capabilities, "%" SCNx64, &effective) != 1)
		return -EBADMSG;
	error = read_groups(groups, process);
	if (error < 0)
		return error;
	process->capable = (effective & 1ULL << CAP_NET_BIND_SERVICE) &&
			   procfs_link(directory, "ns/user", &target) == 0 &&
			   procfs_link_inode(target, "user", &namespace) == 0 &&
			   namespace == INITIAL_USER;
	return 0;
}

/* The kernel writes " (deleted)" behind a name that is gone; but a file may be called so. */
static bool executable_gone(int directory, const char *path)
{
	struct stat running, named;

	if (!ends_with(path, strlen(path), DELETED))
		return false;
	return fstatat(directory, "exe", &running, 0) < 0 || stat(path, &named) < 0 ||
	       running.st_dev != named.st_dev || running.st_ino != named.st_ino;
}

static int read_executable(int directory, struct process *process)
{
	int error = procfs_link(directory, "exe", &process->executable);

	if (error == -ENOMEM)
		return error;
	if (error < 0)
		return 0; /* a kernel thread, or not ours to see */
	process->executable_deleted = executable_gone(directory, process->executable);
	if (process->executable_deleted)
		process->executable[strlen(process->executable) - strlen(DELETED)] = '\0';
	return 0;
}

/* /proc/PID/cgroup: "0::PATH" is the line of cgroup2, also beside the hierarchies of cgroup1. */
static int read_cgroup(int directory, const char *attached, struct process *process)
{
	_cleanup_free_ char *text = NULL;
	const char *path;
	size_t length;
	int error;

	error = procfs_read(directory, "cgroup", MAX_SMALL, &text, NULL);
	if (error == -ENOMEM)
		return error;
	path = error < 0 ? NULL : status_line(text, "0::");
	if (!path)
		return 0;
	length = strcspn(path, "\n");
	if (ends_with(path, length, DELETED))
		length -= strlen(DELETED);
	process->cgroup = strndup(path, length);
	if (!process->cgroup)
		return -ENOMEM;
	error = attached ? cgroup_unit(process->cgroup, attached, &process->unit) : 0;
	return error == -ENOMEM ? error : 0;
}

int process_read(int directory, pid_t pid, const char *attached, struct process *ret_process)
{
	_cleanup_(process_clear) struct process process = { .pid = pid };
	_cleanup_free_ char *command = NULL;
	size_t size;
	int error;

	error = procfs_read(directory, "comm", MAX_SMALL, &command, &size);
	if (error < 0)
		return error;
	if (size && command[size - 1] == '\n')
		command[--size] = '\0';
	snprintf(process.command, sizeof(process.command), "%s", command);
	error = read_credentials(directory, &process);
	if (error == 0)
		error = read_executable(directory, &process);
	if (error == 0)
		error = read_cgroup(directory, attached, &process);
	if (error < 0)
		return error;
	*ret_process = process;
	process = (struct process){ 0 };
	return 0;
}

int process_started(int directory, uint64_t *ret_time)
{
	_cleanup_free_ char *text = NULL;
	long ticks_a_second = sysconf(_SC_CLK_TCK);
	const char *field;
	unsigned long long ticks;
	int error = procfs_read(directory, "stat", MAX_SMALL, &text, NULL);

	if (error < 0)
		return error;
	/* The 2nd field is the command, which may hold anything; the 22nd is looked for. */
	field = strrchr(text, ')');
	for (int number = 2; field && number < 22; number++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	if (!field || sscanf(field, "%llu", &ticks) != 1 || ticks_a_second <= 0)
		return -EBADMSG;
	*ret_time = ticks * (1000000000ULL / (unsigned long long)ticks_a_second);
	return 0;
}

void process_clear(struct process *process)
{
	free(process->groups);
	free(process->executable);
	free(process->cgroup);
	free(process->unit);
	*process = (struct process){ 0 };
}

int process_sockets(int directory, int (*each)(void *data, int number, uint64_t inode), void *data)
{
	_cleanup_(procfs_closep) DIR *entries = NULL;
	const struct dirent *entry;
	int error = procfs_list(directory, "fd", &entries);

	if (error < 0)
		return error;
	while ((entry = readdir(entries))) {
		char target[64]; /* a longer one is no socket */
		uint64_t inode;
		ssize_t length;
		int result;

		if (entry->d_name[0] == '.')
			continue;
		length = readlinkat(dirfd(entries), entry->d_name, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		if (procfs_link_inode(target, "socket", &inode) < 0)
			inode = 0;
		result = each(data, (int)strtol(entry->d_name, NULL, 10), inode);
		if (result != 0)
			return result;
	}
	return 0;
}

/* struct wanted - the socket that find_descriptor() looks for, and the number it has there */
struct wanted {
	uint64_t inode;
	int number;
};

static int find_descriptor(void *data, int number, uint64_t inode)
{
	struct wanted *wanted = data;

	if (inode != wanted->inode)
		return 0;
	wanted->number = number;
	return 1;
}

/* take_descriptor() - @inode or nothing: the process may have put something else there meanwhile */
static int take_descriptor(int process, int number, uint64_t inode)
{
	_cleanup_close_ int duplicate = (int)syscall(SYS_pidfd_getfd, process, number, 0);
	struct stat status;

	if (duplicate < 0)
		return errno == EBADF ? -ENOENT : -errno;
	if (fstat(duplicate, &status) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode) || status.st_ino != inode)
		return -ENOENT;
	return TAKE_FD(duplicate);
}

int process_socket(pid_t pid, uint64_t inode)
{
	_cleanup_close_ int process = -EBADF, directory = -EBADF;
	struct wanted wanted = { .inode = inode };
	int found;

	if (inode == 0)
		return -ENOENT;
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process < 0)
		return -errno;
	directory = process_open(pid);
	if (directory < 0)
		return directory;
	found = process_sockets(directory, find_descriptor, &wanted);
	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	return take_descriptor(process, wanted.number, inode);
}

int process_socket_at(pid_t pid, int number, uint64_t inode)
{
	_cleanup_close_ int process = (int)syscall(SYS_pidfd_open, pid, 0);

	if (process < 0)
		return -errno;
	return take_descriptor(process, number, inode);
}
