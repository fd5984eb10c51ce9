/* SPDX-License-Identifier: MIT */
/*
 * varlink_accept.c - the listening socket of the control server, and what may be one
 */
#include "varlink_peer.h"

#include <sys/resource.h>
#include <sys/un.h>

/* listen_in() - a server that listens in a directory of its own, whose descriptor is returned */
static int listen_in(struct example *example, char directory[static 32])
{
	int fd = -EBADF, at;

	strcpy(directory, "/tmp/portcred-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	at = open(directory, O_DIRECTORY | O_CLOEXEC);
	assert_true(at >= 0);
	assert_int_equal(varlink_listen_at(at, "control", &fd), 0);
	assert_int_equal(varlink_server_listen_fd(example->server, fd), 0);
	assert_int_equal(varlink_server_listen_fd(example->server, fd), -EBUSY);
	return at;
}

static void remove_directory(const char *directory, int at)
{
	assert_int_equal(unlinkat(at, "control", 0), 0);
	close(at);
	assert_int_equal(rmdir(directory), 0);
}

/* dial() - a peer that comes through the socket in the file system */
static int dial(const char *directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", directory);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Catches a peer beyond the limit that is left waiting instead of being told at once. */
static void test_accept(void **state)
{
	/* One place for us, whoever we are. */
	const struct varlink_limits limits = { .connections = 1 + (geteuid() != 0),
					       .connections_root = 1 };
	struct example example;
	char directory[32];
	int at, one, two;

	example_start(&example, &limits);
	at = listen_in(&example, directory);
	one = dial(directory);
	two = dial(directory);
	say(&example, one, ECHO("1"));
	hear(&example, one, ECHOED("1"));
	hear_end(&example, two);
	close(one);
	close(two);
	settle(&example);
	one = dial(directory);
	say(&example, one, ECHO("2"));
	hear(&example, one, ECHOED("2"));
	close(one);
	remove_directory(directory, at);
	example_stop(&example);
}

/* Catches a daemon that spins, or gives up its socket, when it is out of descriptors. */
static void test_out_of_descriptors(void **state)
{
	struct rlimit before, none;
	struct example example;
	char directory[32];
	int at, peer, turns = 0;

	example_start(&example, NULL);
	at = listen_in(&example, directory);
	peer = dial(directory);
	say(&example, peer, ECHO("x"));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (uint64_t begin = clock_usec(); clock_usec() - begin < 100000; turns++)
		assert_true(sd_event_run(example.event, 100000) >= 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(turns < 10);
	hear(&example, peer, ECHOED("x"));
	close(peer);
	remove_directory(directory, at);
	example_stop(&example);
}

/* Catches a descriptor of another kind whose peer would be taken for a user of this machine. */
static void test_wrong_descriptors(void **state)
{
	struct example example;
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pair[2];

	example_start(&example, NULL);
	assert_int_equal(listen(tcp, 1), 0);
	assert_int_equal(varlink_server_listen_fd(example.server, tcp), -EINVAL);
	assert_int_equal(varlink_server_add_connection(example.server, tcp), -EINVAL);
	assert_int_equal(fcntl(tcp, F_GETFD), -1);

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(varlink_server_listen_fd(example.server, pair[0]), -EINVAL);
	assert_int_equal(varlink_server_add_connection(example.server, pair[0]), -EINVAL);
	close(pair[1]);
	assert_int_equal(varlink_server_listen_fd(example.server, -EBADF), -EINVAL);
	example_stop(&example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_out_of_descriptors),
		cmocka_unit_test(test_wrong_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
