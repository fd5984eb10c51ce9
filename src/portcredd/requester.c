/* SPDX-License-Identifier: MIT */
#include "portcredd/requester.h"

#include "base/cleanup.h"
#include "control/varlink.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PORTCRED_NAME "portcred"

/*
 * check_number() - that the process behind @directory is the one that connected
 *
 * Since Linux 6.5 by a descriptor of that process: while it lives, its number is nobody else's. Before,
 * by its start, which must not be after the connection was accepted: what is left is a number that
 * comes round in the moment between connect(2) and accept(2), to a process of the same user.
 */
static int check_number(const struct varlink_call *call, int directory)
{
	struct pollfd ended = { .events = POLLIN };
	_cleanup_close_ int pidfd = -EBADF;
	uint64_t started;
	int r;

	r = varlink_peer_pidfd(call, &pidfd);
	if (r == 0) {
		ended.fd = pidfd;
		return poll(&ended, 1, 0) == 0 ? 0 : -ESRCH;
	}
	if (r != -ENOPROTOOPT)
		return r == -EINVAL ? -ESRCH : r;
	r = process_started(directory, &started);
	if (r < 0)
		return r;
	return started <= varlink_peer_since(call) ? 0 : -ESRCH;
}

/* check_namespace() - sockets are made in ours, and are of no use elsewhere */
static int check_namespace(int directory)
{
	struct stat own, other;

	if (stat("/proc/self/ns/net", &own) < 0)
		return -errno;
	if (fstatat(directory, "ns/net", &other, 0) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return own.st_dev == other.st_dev && own.st_ino == other.st_ino ? 0 : -EXDEV;
}

/* is_file_at() - whether @file stands at @path now, or is what was replaced there */
static bool is_file_at(const char *path, const struct stat *file, const char *name)
{
	struct stat now;

	if (stat(path, &now) == 0 && now.st_dev == file->st_dev && now.st_ino == file->st_ino)
		return true;
	return name && strcmp(name, path) == 0;
}

/* is_portcred() - the command that came with us: where it is installed, or beside this program */
static bool is_portcred(const struct requester *requester)
{
	char own[PATH_MAX], beside[PATH_MAX + sizeof(PORTCRED_NAME)];
	const char *name = requester->process.executable;
	ssize_t n;

	if (is_file_at(PORTCRED_BINDIR "/" PORTCRED_NAME, &requester->executable, name))
		return true;
	n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	if (n < 0)
		return false;
	own[n] = '\0';
	snprintf(beside, sizeof(beside), "%s/" PORTCRED_NAME, dirname(own));
	return is_file_at(beside, &requester->executable, name);
}

/* take_credentials() - those of the connect(2) in place of those of now */
static int take_credentials(const struct varlink_call *call, struct process *process)
{
	const struct ucred *peer = varlink_peer(call);
	_cleanup_free_ gid_t *groups = NULL;
	size_t n = 0;
	int r;

	if (process->uid != peer->uid)
		return -EKEYREJECTED;
	r = varlink_peer_groups(call, &groups, &n);
	if (r < 0)
		return r;
	free(process->groups);
	process->groups = TAKE_PTR(groups);
	process->n_groups = n;
	process->gid = peer->gid;
	process->capable &= peer->uid == 0;
	return 0;
}

int requester_read(const struct daemon *daemon, const struct varlink_call *call,
		   struct requester *ret_requester)
{
	_cleanup_(requester_clear) struct requester requester = { 0 };
	const struct ucred *peer = varlink_peer(call);
	_cleanup_close_ int directory = -EBADF;
	int r;

	if (peer->pid <= 0)
		return -ESRCH;
	directory = process_open(peer->pid);
	if (directory < 0)
		return directory == -ENOENT ? -ESRCH : directory;
	r = check_namespace(directory);
	if (r == 0)
		r = process_read(directory, peer->pid, daemon->cgroup, &requester.process);
	if (r == 0)
		r = take_credentials(call, &requester.process);
	if (r == 0 && fstatat(directory, "exe", &requester.executable, 0) < 0)
		requester.executable = (struct stat){ 0 };
	/* Last: what was read before is then of the process that is still there. */
	if (r == 0)
		r = check_number(call, directory);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	requester.is_portcred = is_portcred(&requester);
	*ret_requester = requester;
	requester = (struct requester){ 0 };
	return 0;
}

void requester_clear(struct requester *requester)
{
	process_clear(&requester->process);
}

/* runs() - whether it runs the file, or one of those before it, that a path of the policy means */
static bool runs(const struct requester *requester, const struct executable_path *path)
{
	struct stat file;

	if (requester->is_portcred || requester->executable.st_ino == 0)
		return false;
	for (size_t i = 0; i < path->n_files; i++) {
		/* The descriptor holds the inode: its number cannot have become another file's. */
		if (fstat(path->files[i].fd, &file) == 0 &&
		    file.st_dev == requester->executable.st_dev &&
		    file.st_ino == requester->executable.st_ino)
			return true;
	}
	return false;
}

/* decide() - by the policy in force */
static struct answer decide(const struct daemon *daemon, const struct subject *subject,
			    const struct target *target, bool observed)
{
	const struct compiled *compiled = daemon->in_force.compiled;

	return observed ? verdict_observed(compiled, subject, target)
			: verdict_enforced(compiled, subject, target);
}

struct answer requester_verdict(const struct daemon *daemon, const struct requester *requester,
				const struct target *target, bool observed)
{
	const struct executables *executables = daemon->in_force.executables;
	const struct process *process = &requester->process;
	struct subject subject = {
		.uid = process->uid,
		.gid = process->gid,
		.groups = process->groups,
		.n_groups = process->n_groups,
		.capable = process->capable,
		.unit = process->unit,
	};
	struct answer answer = decide(daemon, &subject, target, observed);

	/* Rules only ever grant, and one file may stand at several paths. */
	for (size_t i = 0; i < executables->n_items && answer.verdict == VERDICT_REFUSED; i++) {
		if (!runs(requester, &executables->items[i]))
			continue;
		subject.exe = executables->items[i].path;
		answer = decide(daemon, &subject, target, observed);
	}
	return answer;
}

/* below() - the rest of a cgroup's path behind that of another; NULL where it is not below it */
static const char *below(const char *path, const char *attached)
{
	size_t length = attached ? strlen(attached) : 0;

	if (!path || !attached)
		return NULL;
	if (length && attached[length - 1] == '/')
		length--;
	if (strncmp(path, attached, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return NULL;
	return path + length;
}

void requester_describe(const struct daemon *daemon, const struct requester *requester,
			const struct target *target, struct event *ret_event)
{
	const struct process *process = &requester->process;
	const char *group = below(process->cgroup, daemon->cgroup);
	struct event event = {
		.inode = requester->executable.st_ino,
		.pid = (uint32_t)process->pid,
		.uid = process->uid,
		.gid = process->gid,
		.generation = daemon->in_force.files.generation,
		.port = target->port,
		.protocol = target->protocol,
		.family = target->family,
		.operation = OPERATION_BIND,
	};
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	event.time = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
	memcpy(event.address, target->address, sizeof(event.address));
	memcpy(event.command, process->command, sizeof(event.command));
	path_to_leaf(process->executable ? process->executable : "", &event.executable);
	path_to_leaf(group ? group : "", &event.group);
	*ret_event = event;
}

bool requester_own_cgroup(const struct daemon *daemon)
{
	_cleanup_(process_clear) struct process own = { 0 };
	_cleanup_close_ int directory = process_open(getpid());

	return directory >= 0 && process_read(directory, getpid(), NULL, &own) == 0 &&
	       below(own.cgroup, daemon->cgroup);
}
