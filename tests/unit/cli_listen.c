/* SPDX-License-Identifier: MIT */
/*
 * cli_listen.c - [ADDRESS:]PORT[/PROTO], and what a program finds: its descriptors, its environment
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "portcred/handover.h"
#include "portcred/launch_environment.h"
#include "portcred/listen_argument.h"

/* A services database: `http` is TCP alone, `tftp` UDP alone. */
static int find_service(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
			uint8_t *ret_protocols)
{
	bool tcp = strcmp(name, "http") == 0;

	(void)data;
	if (!tcp && strcmp(name, "tftp") != 0)
		return -ENOENT;
	ret_ports[tcp ? PROTOCOL_TCP : PROTOCOL_UDP] = tcp ? 80 : 69;
	*ret_protocols = PROTOCOL_BIT(tcp ? PROTOCOL_TCP : PROTOCOL_UDP);
	return 0;
}

static const struct policy_environment machine = { .find_service = find_service };

/* taken() - @text is a socket, which is written as @shown */
static void taken(const char *text, const char *shown, int family, bool everywhere)
{
	_cleanup_free_ char *why = NULL, *again = NULL;
	struct listen_argument argument = { 0 };

	assert_int_equal(listen_argument_parse(text, &machine, &argument, &why), 0);
	assert_null(why);
	again = listen_argument_text(&argument);
	assert_string_equal(again, shown);
	assert_int_equal(argument.family, family);
	assert_int_equal(argument.everywhere, everywhere);
}

static void refused(const char *text, const char *said)
{
	_cleanup_free_ char *why = NULL;
	struct listen_argument argument = { .port = 7 };

	assert_int_equal(listen_argument_parse(text, &machine, &argument, &why), -EINVAL);
	assert_non_null(strstr(why, said));
	assert_int_equal(argument.port, 7);
}

static void test_taken(void **state)
{
	(void)state;
	taken("80", "80/tcp", AF_INET6, true);
	taken("65535/udp", "65535/udp", AF_INET6, true);
	taken("http", "80/tcp", AF_INET6, true);
	taken("tftp", "69/udp", AF_INET6, true);
	taken("127.0.0.1:80", "127.0.0.1:80/tcp", AF_INET, false);
	taken("0.0.0.0:tftp", "0.0.0.0:69/udp", AF_INET, false);
	taken("[::1]:53/udp", "[::1]:53/udp", AF_INET6, false);
	taken("[::]:http", "[::]:80/tcp", AF_INET6, false);
}

static void test_refused(void **state)
{
	(void)state;
	refused("", "no port ''");
	refused("0", "no port '0'");
	refused("65536", "no port '65536'");
	refused("80/", "no protocol in '80/'");
	refused("tftp/tcp", "has a udp port only");
	refused(":80", "no address in ':80'");
	refused("127.0.0.1:", "no port ''");
	refused("127.0.0:80", "no address in '127.0.0:80'");
	refused("::1:80", "no address in '::1:80'");
	refused("[127.0.0.1]:80", "no address in '[127.0.0.1]:80'");
	refused("[]:80", "no address in '[]:80'");
	refused("[:80", "no address in '[:80'");
	refused("]:80", "no address in ']:80'");
	refused("[::1]", "no address in '[::1]'");
	refused("a\033[2J:80", "no address in 'a\\x1b[2J:80'");
}

/* Descriptors: what was at one place before must be at another after, whatever stood in between. */

static int numbered(int number)
{
	char name[] = "/tmp/portcred-test-XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	if (fd < 0 || ftruncate(fd, number) < 0)
		_exit(100);
	return fd;
}

/* place() - files of sizes 1..n are handed over from these descriptors; 0, or where it went wrong */
static int place(const int *from, size_t n)
{
	int sockets[8], spare = 100;
	struct stat found;

	for (size_t i = 0; i < n; i++) {
		int fd = numbered((int)i + 1);

		/* First out of the way: the wanted places may be each other's. */
		sockets[i] = fcntl(fd, F_DUPFD_CLOEXEC, spare + (int)i);
		close(fd);
	}
	for (size_t i = 0; i < n; i++) {
		dup3(sockets[i], from[i], O_CLOEXEC);
		close(sockets[i]);
		sockets[i] = from[i];
	}
	if (handover_sockets(sockets, n) < 0)
		return 1;
	for (size_t i = 0; i < n; i++) {
		int number = HANDOVER_FIRST + (int)i;

		if (fstat(number, &found) < 0 || found.st_size != (off_t)i + 1)
			return 2;
		if (fcntl(number, F_GETFD) != 0)
			return 3;
	}
	for (int number = HANDOVER_FIRST + (int)n; number < 256; number++) {
		if (fcntl(number, F_GETFD) >= 0)
			return 4;
	}
	return 0;
}

static void placed(const int *from, size_t n)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(place(from, n));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_descriptors(void **state)
{
	(void)state;
	placed((int[]){ 3, 4, 5 }, 3);
	placed((int[]){ 4, 5, 6 }, 3);
	placed((int[]){ 5, 4, 3 }, 3);
	placed((int[]){ 4, 3 }, 2);
	placed((int[]){ 4, 5, 3 }, 3);
	placed((int[]){ 60, 3, 70, 5, 4 }, 5);
	placed((int[]){ 9 }, 1);
	placed(NULL, 0);
}

static void test_environment(void **state)
{
	/* The last is cmocka's own: how it prints what comes after this. */
	const char *asked[] = { "A=first", "A=second", "KEPT", "ABSENT", "CMOCKA_MESSAGE_OUTPUT" };
	const struct option_list variables = { .items = asked, .n = ELEMENTS(asked) };
	const struct option_list none = { 0 };
	const struct launch_user user = { .name = (char *)"web", .home = (char *)"/srv" };

	(void)state;
	setenv("KEPT", "yes", 1);
	setenv("LC_ALL", "C", 1);
	setenv("LC", "no", 1);
	setenv("LANGUAGES", "no", 1);
	setenv("LISTEN_FDS", "7", 1);
	setenv("NOTIFY_SOCKET", "/run/x", 1);
	assert_int_equal(launch_environment_set(&user, false, true, &variables), 0);
	assert_string_equal(getenv("A"), "second");
	assert_string_equal(getenv("KEPT"), "yes");
	assert_string_equal(getenv("LC_ALL"), "C");
	assert_string_equal(getenv("HOME"), "/srv");
	assert_string_equal(getenv("NOTIFY_SOCKET"), "/run/x");
	assert_null(getenv("LC"));
	assert_null(getenv("LANGUAGES"));
	assert_null(getenv("ABSENT"));
	assert_null(getenv("LISTEN_FDS"));
	/* Nobody else: all of it, but what was said to somebody else. */
	setenv("LISTEN_PID", "1", 1);
	assert_int_equal(launch_environment_set(NULL, false, false, &none), 0);
	assert_string_equal(getenv("KEPT"), "yes");
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("LISTEN_PID"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
