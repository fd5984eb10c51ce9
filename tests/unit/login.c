/* SPDX-License-Identifier: MIT */
/*
 * A login as sshd makes one, in a network namespace of its own:
 *
 *	client ---- 127.0.0.1:PORT ---- session (holds the connection)
 *	                                   |
 *	                                 shell --- an outgoing connection of its own
 *	                                   |
 *	                                 command: over which port am I here?
 *
 * Caught: the shell's own outgoing connection taken for the login, an ancestor missed because of its
 * name, a connection found where there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/login.h"
#include "requirement.h"

static void test_ancestors(void **state)
{
	pid_t pids[MAX_ANCESTORS], child;
	int status;
	size_t n;

	(void)state;
	child = fork();
	if (child == 0) {
		/* A command that looks like the fields behind it. */
		int failed = prctl(PR_SET_NAME, ") S 1 (x") < 0 ||
			     process_ancestors(getpid(), pids, &n) < 0 || n < 2 ||
			     pids[0] != getpid() || pids[1] != getppid();

		_exit(failed);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(process_ancestors(getpid(), pids, &n), 0);
	assert_int_equal(pids[0], getpid());
	assert_int_equal(pids[1], getppid());
	assert_true(n <= MAX_ANCESTORS);
	assert_int_equal(process_ancestors(child, pids, &n), -ENOENT);
}

/* A line of more parents than are followed. */
static void test_many_ancestors(void **state)
{
	pid_t pids[MAX_ANCESTORS], child = fork();
	int status;
	size_t n;

	(void)state;
	if (child == 0) {
		for (unsigned i = 0; i < MAX_ANCESTORS + 10; i++) {
			pid_t next = fork();

			if (next > 0) {
				waitpid(next, &status, 0);
				_exit(WEXITSTATUS(status));
			}
		}
		_exit(process_ancestors(getpid(), pids, &n) < 0 || n != MAX_ANCESTORS);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return ioctl(fd, SIOCSIFFLAGS, &request);
}

static int listener(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -1;
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

/* What a command started by this process finds: the port, or -errno. */
static int found_by_command(void)
{
	int result[2], found = -ECHILD;
	pid_t command;

	if (pipe2(result, O_CLOEXEC) < 0)
		return -errno;
	command = fork();
	if (command == 0) {
		struct login login;
		int error;

		/* Sockets are inherited in this test: the command, like a real one, has none. */
		close_range(3, (unsigned)result[1] - 1, 0);
		close_range((unsigned)result[1] + 1, ~0U, 0);
		error = process_login(getpid(), &login);
		if (error == 0)
			error = login.port;
		_exit(write(result[1], &error, sizeof(error)) != sizeof(error));
	}
	close(result[1]);
	if (read(result[0], &found, sizeof(found)) != sizeof(found))
		found = -EIO;
	close(result[0]);
	waitpid(command, NULL, 0);
	return found;
}

/* The other machine: connects, and holds its end for as long as its parent lives. */
static void remote(uint16_t port)
{
	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (connect_to(port) < 0)
		_exit(EXIT_FAILURE);
	for (;;)
		pause();
}

/* Runs below the session, whose connection it does not hold itself. */
static int shell(int connection, uint16_t login, uint16_t elsewhere)
{
	close(connection);
	if (found_by_command() != login)
		return 1;
	if (connect_to(elsewhere) < 0)
		return 2;
	return found_by_command() == login ? 0 : 3;
}

#define NO_NAMESPACE 77

/* The exit status says which step went wrong. */
static int session(void)
{
	uint16_t login, elsewhere;
	int listening, other, connection, status;
	pid_t child;

	if (unshare(CLONE_NEWNET) < 0 || loopback_up() < 0)
		return NO_NAMESPACE;
	listening = listener(&login);
	other = listener(&elsewhere);
	if (listening < 0 || other < 0)
		return 10;
	if (found_by_command() != -ENOENT)
		return 11;
	remote(login);
	connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0)
		return 12;
	child = fork();
	if (child == 0)
		_exit(shell(connection, login, elsewhere));
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return WIFEXITED(status) ? WEXITSTATUS(status) : 13;
	close(listening); /* sshd was stopped, its sessions live on */
	return found_by_command() == login ? 0 : 14;
}

static void test_login_port(void **state)
{
	int status;
	pid_t child;

	(void)state;
	require_root();
	child = fork();
	if (child == 0)
		_exit(session());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	require(WEXITSTATUS(status) != NO_NAMESPACE, "network namespaces");
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ancestors),
		cmocka_unit_test(test_many_ancestors),
		cmocka_unit_test(test_login_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
