/* SPDX-License-Identifier: MIT */
/*
 * names_child.c - the name service: a supervisor that holds no privilege and reads no byte, and its
 * workers, which call the name service modules
 *
 * Giving up privileges, in this order:
 *
 *	1. descriptors     all but the socket and standard error
 *	2. signals         the daemon blocks and catches some: back to what they do by default
 *	3. environment     empty; no terminal's signals; no directory held
 *	4. bounding set    while CAP_SETPCAP is still there to do it; and what exec would keep
 *	5. user and groups nobody, no supplementary group; that empties the capability sets too
 *	6. capabilities    all sets empty, and no new privileges
 *	7. limits          no core dump, few descriptors, little memory
 *	8. reading back    every one of 4 to 6; a difference ends the process before it serves
 *	9. end with parent last, since a change of user resets it
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/sanitized.h"
#include "portcredd/names.h"
#include "portcredd/names_worker.h"

#define NOBODY 65534U

#define SOCKET_FD 3

#define MAX_DESCRIPTORS 64U
#define MAX_MEMORY      (512U << 20) /* a group of a directory can have very many members */

static int only_socket(int fd)
{
	int null;

	/* In this order: the socket may have been 0 to 2, and /dev/null must not become 3. */
	if (fd != SOCKET_FD && dup3(fd, SOCKET_FD, O_CLOEXEC) < 0)
		return -errno;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	return syscall(SYS_close_range, SOCKET_FD + 1, ~0U, 0) < 0 ? -errno : 0;
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

static int become_nobody(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	return 0;
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

static int set_limits(void)
{
	static const struct {
		int resource;
		rlim_t limit;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, MAX_DESCRIPTORS },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_AS,
		  SANITIZED ? RLIM_INFINITY /* its shadow takes terabytes */ : MAX_MEMORY },
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

static int read_back(bool was_root)
{
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || !capabilities_gone(was_root))
		return -EPERM;
	if (!was_root)
		return 0;
	if (getresuid(&real, &effective, &saved) < 0 ||
	    getresgid(&real_group, &effective_group, &saved_group) < 0)
		return -errno;
	if (real != NOBODY || effective != NOBODY || saved != NOBODY || real_group != NOBODY ||
	    effective_group != NOBODY || saved_group != NOBODY || getgroups(0, NULL) != 0)
		return -EPERM;
	return setresuid(0, 0, 0) == 0 ? -EPERM : 0;
}

/*
 * The signal is sent with the dying parent's rights: a daemon that has given up CAP_KILL cannot, and
 * then the end of the socket pair tells. Between supervisor and worker it always comes.
 */
static int end_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH; /* it had ended before that was set */
}

static int isolate(int fd, pid_t parent)
{
	bool was_root = geteuid() == 0;
	int error = only_socket(fd);

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
		error = become_nobody();
	if (error == 0)
		error = empty_capabilities();
	if (error == 0)
		error = set_limits();
	if (error == 0)
		error = read_back(was_root);
	/* Other processes of nobody may not trace this one. */
	if (error == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		error = -errno;
	return error < 0 ? error : end_with_parent(parent);
}

/* What the service says of itself. A daemon that does not listen any more needs no answer. */
static void report(int fd, int status)
{
	struct names_answer answer = { .status = status };
	uint8_t frame[NAMES_ANSWER_SIZE];

	names_answer_encode(&answer, frame);
	send(fd, frame, sizeof(frame), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Throws away what a worker left behind: else the next would fail of the same request. */
static void discard(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) > 0)
		;
}

/*
 * Waits for a worker's end, kills it when its time is up or when the daemon has gone.
 * Returns 0 if it ended well, -ETIMEDOUT, -EIO.
 */
static int await_worker(int fd, pid_t worker, unsigned limit_ms)
{
	_cleanup_close_ int process = (int)syscall(SYS_pidfd_open, worker, 0);
	struct pollfd ready[] = { { .fd = process, .events = POLLIN }, { .fd = fd, .events = 0 } };
	int status, n;

	n = process < 0 ? -1 : poll(ready, ELEMENTS(ready), (int)limit_ms);
	if (n <= 0 || !(ready[0].revents & POLLIN))
		kill(worker, SIGKILL);
	while (waitpid(worker, &status, 0) < 0)
		if (errno != EINTR)
			return -EIO;
	if (n == 0)
		return -ETIMEDOUT;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -EIO;
}

static void serve_once(int fd, unsigned limit_ms)
{
	pid_t supervisor = getpid(), worker = fork();
	int status;

	if (worker == 0) {
		if (end_with_parent(supervisor) < 0)
			_exit(EXIT_FAILURE);
		names_work(fd, limit_ms);
	}
	status = worker < 0 ? -errno : await_worker(fd, worker, limit_ms);
	if (status < 0) {
		discard(fd);
		report(fd, status);
	}
}

void names_serve(int fd, pid_t parent, unsigned worker_limit_ms)
{
	struct pollfd ready = { .fd = SOCKET_FD, .events = POLLIN };
	int error = isolate(fd, parent);

	prctl(PR_SET_NAME, "portcredd-names", 0, 0, 0);
	report(SOCKET_FD, error);
	if (error < 0)
		_exit(EXIT_FAILURE);
	for (;;) {
		if (poll(&ready, 1, -1) < 0 && errno != EINTR)
			_exit(EXIT_FAILURE);
		if (ready.revents & (POLLHUP | POLLERR | POLLNVAL))
			_exit(EXIT_SUCCESS); /* the daemon has closed its end */
		if (ready.revents & POLLIN)
			serve_once(SOCKET_FD, worker_limit_ms);
	}
}
