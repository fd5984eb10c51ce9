/* SPDX-License-Identifier: MIT */
/*
 * cli_broker.c - what the command asks portcredd for, and what it makes of the answer
 *
 * portcredd is a child that answers one call, and says by its exit status whether that was the one that
 * was expected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "portcred/broker.h"

static char directory[] = "/tmp/portcred-test-XXXXXX";

static int enter(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int leave(void **state)
{
	return rmdir(directory);
}

/* send_with() - an answer, and a descriptor if there is one */
static void send_with(int connection, const char *answer, int fd)
{
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec bytes = { (char *)answer, strlen(answer) + 1 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	struct cmsghdr *part;

	if (fd >= 0) {
		message.msg_control = room;
		message.msg_controllen = sizeof(room);
		part = CMSG_FIRSTHDR(&message);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(part), &fd, sizeof(int));
	}
	sendmsg(connection, &message, MSG_NOSIGNAL);
}

/* daemon_start() - a portcredd that expects @call and says @answer, with @fd */
static pid_t daemon_start(const char *call, const char *answer, int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), connection;
	char heard[1024] = "";
	pid_t pid;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", directory);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		connection = accept(listener, NULL, NULL);
		if (recv(connection, heard, sizeof(heard) - 1, 0) > 0)
			send_with(connection, answer, fd);
		_exit(strcmp(heard, call) == 0 ? 0 : 1);
	}
	close(listener);
	return pid;
}

/* daemon_end() - its opinion of what it was asked */
static void daemon_end(pid_t pid)
{
	char path[64];
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	snprintf(path, sizeof(path), "%s/control", directory);
	assert_int_equal(unlink(path), 0);
}

#define PORT 80

static const struct sockaddr_in6 any = { .sin6_family = AF_INET6 };

static void test_granted(void **state)
{
	struct sockaddr_in6 address = any;
	struct broker_request request = { SOCK_DGRAM, (struct sockaddr *)&address, sizeof(address),
					  .reuseport = true };
	int bound = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd = -EBADF;
	socklen_t size = sizeof(address);
	char *message = NULL, call[256];
	pid_t pid;

	assert_int_equal(bind(bound, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(bound, (struct sockaddr *)&address, &size), 0);
	snprintf(call, sizeof(call),
		 "{\"method\":\"io.portcred.Bind\",\"parameters\":{\"protocol\":\"udp\","
		 "\"address\":\"::\","
		 "\"port\":%u,\"reuseport\":true,\"v6only\":false}}",
		 ntohs(address.sin6_port));
	pid = daemon_start(call, "{\"parameters\":{\"fd\":0}}", bound);
	assert_int_equal(broker_bind(directory, &request, &fd, &message), 0);
	assert_null(message);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	close(bound);
	daemon_end(pid);
}

static const struct {
	const char *answer;
	int result;
	const char *message;
} refusals[] = {
	{ "{\"error\":\"io.portcred.Refused\",\"parameters\":{\"reason\":\"no\",\"rule\":{\"file\":"
	  "\"/p\",\"line\":7}}}",
	  -EACCES, "80/tcp on :: is refused: no (/p:7)" },
	{ "{\"error\":\"io.portcred.Refused\",\"parameters\":{\"reason\":\"no\",\"rule\":null}}",
	  -EACCES, "80/tcp on :: is refused: no" },
	{ "{\"error\":\"io.portcred.BindFailed\",\"parameters\":{\"number\":98,\"reason\":"
	  "\"Taken\"}}",
	  -EADDRINUSE, "80/tcp on ::: Taken" },
	{ "{\"error\":\"io.portcred.OtherNamespace\"}", -EXDEV,
	  "portcredd serves another network namespace than this program's" },
	{ "{\"error\":\"io.portcred.Failed\",\"parameters\":{\"reason\":\"no room\"}}", -EREMOTEIO,
	  "portcredd could not do it: no room" },
	{ "{\"error\":\"org.varlink.service.MethodNotFound\"}", -EREMOTEIO,
	  "portcredd is of a version that binds for nobody" },
	{ "{}", -EBADMSG, "portcredd's answer makes no sense" },
};

static void test_refused(void **state)
{
	struct sockaddr_in6 address = any;
	const struct broker_request request = { SOCK_STREAM, (struct sockaddr *)&address,
						sizeof(address), .v6only = true };

	address.sin6_port = htons(PORT);
	for (size_t i = 0; i < ELEMENTS(refusals); i++) {
		pid_t pid = daemon_start(
			"{\"method\":\"io.portcred.Bind\",\"parameters\":{\"protocol\":"
			"\"tcp\",\"address\":\"::\",\"port\":80,\"reuseport\":false,"
			"\"v6only\":true}}",
			refusals[i].answer, -1);
		char *message = NULL;
		int fd = -EBADF;

		assert_int_equal(broker_bind(directory, &request, &fd, &message),
				 refusals[i].result);
		assert_string_equal(message, refusals[i].message);
		assert_int_equal(fd, -EBADF);
		free(message);
		daemon_end(pid);
	}
}

static void test_nobody_there(void **state)
{
	struct sockaddr_in6 address = any;
	const struct broker_request request = { SOCK_STREAM, (struct sockaddr *)&address,
						sizeof(address) };
	char *message = NULL;
	int fd = -EBADF;

	/* No port: it is not even asked for. */
	assert_int_equal(broker_bind(directory, &request, &fd, &message), -EINVAL);
	assert_non_null(strstr(message, "a port is needed"));
	free(message);
	address.sin6_port = htons(PORT);
	assert_int_equal(broker_bind(directory, &request, &fd, &message), -ECONNREFUSED);
	assert_non_null(strstr(message, "portcredd is not running"));
	free(message);
	assert_int_equal(fd, -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_granted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
