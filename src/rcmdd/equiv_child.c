/* SPDX-License-Identifier: MIT */
/*
 * equiv_child.c - the child that reads ~LUSER/.rhosts as LUSER (base/isolate.h), and who waits for it
 *
 * Its directory may hang, as a share does whose server has gone: the child is killed then, and what
 * hangs in the kernel even so is left behind. What it has read goes through a pipe, whole or not at
 * all: half of a file might lack the line that refuses.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/isolate.h"
#include "base/why.h"
#include "rcmd/rhosts.h"
#include "rcmdd/equiv_file.h"

#define MAX_DESCRIPTORS 16U
#define MAX_MEMORY      (256U << 20)

#define MAX_REASON 1024U
#define MAX_ANSWER (sizeof(struct equiv_head) + RHOSTS_MAX_BYTES)

/* How long a child that was killed is waited for. */
#define END_LIMIT_MS 1000

static bool send_all(int fd, const void *data, size_t size)
{
	const char *bytes = data;

	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

static void serve(int fd, pid_t parent, const struct equiv_account *account)
	__attribute__((noreturn));

static void serve(int fd, pid_t parent, const struct equiv_account *account)
{
	const struct isolation isolation = {
		.fd = fd,
		.parent = parent,
		.uid = account->uid,
		.gid = account->gid,
		.descriptors = MAX_DESCRIPTORS,
		.memory = MAX_MEMORY,
	};
	struct equiv_file file = { 0 };
	struct equiv_head head;
	char *reason = NULL;

	prctl(PR_SET_NAME, "portcred-rhosts", 0, 0, 0);
	if (isolate(&isolation) < 0 || geteuid() != account->uid)
		_exit(EXIT_FAILURE);
	head.status = equiv_file_read_home(account, &file, &reason);
	head.size = reason ? (uint32_t)strnlen(reason, MAX_REASON) : (uint32_t)file.size;
	if (!send_all(ISOLATED_FD, &head, sizeof(head)) ||
	    !send_all(ISOLATED_FD, reason ? reason : file.text, head.size))
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

int equiv_file_parse(const char *bytes, size_t size, struct equiv_file *ret_file, char **ret_reason)
{
	struct equiv_head head;
	char *body;

	if (size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (head.size != size - sizeof(head))
		return -EBADMSG;
	if (head.status == -ENOENT || head.status == -ENOMEM)
		return head.size ? -EBADMSG : head.status;
	if (head.status == 0 ? head.size > RHOSTS_MAX_BYTES
			     : head.status != -EPERM || head.size == 0 || head.size > MAX_REASON)
		return -EBADMSG;
	body = malloc(head.size + 1);
	if (!body)
		return -ENOMEM;
	memcpy(body, bytes + sizeof(head), head.size);
	body[head.size] = '\0';
	if (head.status == 0)
		*ret_file = (struct equiv_file){ body, head.size };
	else
		*ret_reason = body;
	return head.status;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* receive() - all that the child writes until it ends: its size; -EBADMSG for too much, -ETIMEDOUT */
static int receive(int fd, unsigned limit_ms, char bytes[static MAX_ANSWER + 1])
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int64_t deadline = now_ms() + limit_ms, left;
	size_t size = 0;
	ssize_t n = 1;

	while (n != 0) {
		left = deadline - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&ready, 1, (int)left) <= 0)
			continue;
		n = read(fd, bytes + size, MAX_ANSWER + 1 - size);
		if (n < 0)
			return -errno;
		size += (size_t)n;
		if (size > MAX_ANSWER)
			return -EBADMSG;
	}
	return (int)size;
}

static void end(pid_t pid)
{
	_cleanup_close_ int process = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = { .fd = process, .events = POLLIN };

	kill(pid, SIGKILL);
	if (process < 0 || poll(&ended, 1, END_LIMIT_MS) > 0)
		waitpid(pid, NULL, 0);
}

int equiv_file_of_user(const struct equiv_account *account, unsigned limit_ms,
		       struct equiv_file *ret_file, char **ret_reason)
{
	_cleanup_free_ char *bytes = malloc(MAX_ANSWER + 1);
	pid_t parent = getpid(), child;
	int ends[2], r;

	if (!bytes || pipe2(ends, O_CLOEXEC) < 0)
		return -ENOMEM;
	child = fork();
	if (child == 0)
		serve(ends[1], parent, account);
	r = child < 0 ? -errno : 0;
	close(ends[1]);
	if (r == 0)
		r = receive(ends[0], limit_ms, bytes);
	close(ends[0]);
	if (child > 0)
		end(child);
	if (r >= 0)
		r = equiv_file_parse(bytes, (size_t)r, ret_file, ret_reason);
	if (r == 0 || r == -ENOENT || r == -EPERM || r == -ENOMEM)
		return r;
	return why(ret_reason, -EPERM, "%s/.rhosts: %s", account->home,
		   r == -EBADMSG ? "the process that reads it as its user failed" : strerror(-r));
}
