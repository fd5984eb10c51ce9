/* SPDX-License-Identifier: MIT */
/*
 * varlink_descriptors.c - descriptors that ride with answers: they arrive, one on its way at a time
 *
 * That those which a peer sends get nowhere is tested in varlink_server.c.
 */
#include "varlink_peer.h"

#include "control/varlink_connection.h"

#define PASS   CALL("Pass", "")
#define PASSED "{\"parameters\":{\"fd\":0}}"

/* hear_descriptors() - the bytes that have come, and how many descriptors with them */
static size_t hear_descriptors(struct example *example, int peer, char *text, size_t size,
			       int ret_fds[static 4])
{
	char room[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec bytes = { text, size - 1 };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = room,
				  .msg_controllen = sizeof(room) };
	struct cmsghdr *part;
	ssize_t n;

	settle(example);
	n = recvmsg(peer, &message, MSG_CMSG_CLOEXEC);
	assert_true(n > 0);
	text[n] = '\0';
	part = CMSG_FIRSTHDR(&message);
	if (!part)
		return 0;
	memcpy(ret_fds, CMSG_DATA(part), part->cmsg_len - CMSG_LEN(0));
	return (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
}

static void test_answered(void **state)
{
	struct example example;
	int peer, fds[4];
	char text[256], byte = 0;

	example_start(&example, NULL);
	peer = peer_new(&example);
	for (int i = 0; i < 3; i++) {
		say(&example, peer, PASS);
		assert_int_equal(hear_descriptors(&example, peer, text, sizeof(text), fds), 1);
		assert_string_equal(text, PASSED);
		assert_int_equal(read(fds[0], &byte, 1), 1);
		assert_int_equal(byte, 'x');
		close(fds[0]);
		/* It comes once: the next answer has none. */
		say(&example, peer, ECHO("next"));
		assert_int_equal(hear_descriptors(&example, peer, text, sizeof(text), fds), 0);
		assert_string_equal(text, ECHOED("next"));
	}
	close(peer);
	settle(&example);
	example_stop(&example);
}

/* Catches descriptors that pile up on their way to a peer that never reads. */
static void test_one_at_a_time(void **state)
{
	struct example example;
	char text[256];
	int peer, fds[4];

	example_start(&example, NULL);
	peer = peer_new(&example);
	say(&example, peer, PASS);
	settle(&example);
	assert_int_equal(example.result, 0);
	say(&example, peer, PASS);
	settle(&example);
	assert_int_equal(example.result, -EBUSY);
	assert_int_equal(hear_descriptors(&example, peer, text, sizeof(text), fds), 1);
	close(fds[0]);
	hear(&example, peer, ERROR(EXAMPLE ".Failed", "\"reason\":\"Device or resource busy\""));
	/* It has taken the first: it may have another. */
	say(&example, peer, PASS);
	assert_int_equal(hear_descriptors(&example, peer, text, sizeof(text), fds), 1);
	close(fds[0]);
	close(peer);
	settle(&example);
	assert_null(example.server->connections);
	example_stop(&example);
}

/* Catches a peer that hangs up half-way and keeps what it was sent: its place is not given away. */
static void test_place_kept(void **state)
{
	const struct varlink_limits limits = { .connections = 1,
					       .connections_root = 1,
					       .idle_usec = 1000 };
	struct example example;
	uint64_t start;
	int peer, pair[2], fds[4];
	char text[256];

	example_start(&example, &limits);
	peer = peer_new(&example);
	say(&example, peer, PASS);
	settle(&example);
	shutdown(peer, SHUT_RDWR);
	settle(&example);
	/* Many times as long as a silent connection lasts: what decides is that nothing was read. */
	for (int i = 0; i < 10; i++)
		sd_event_run(example.event, 1000000);
	assert_non_null(example.server->connections);
	peer_pair(geteuid(), pair);
	assert_int_equal(varlink_server_add_connection(example.server, pair[1]), -EUSERS);
	close(pair[0]);

	assert_int_equal(hear_descriptors(&example, peer, text, sizeof(text), fds), 1);
	close(fds[0]);
	start = clock_usec();
	while (example.server->connections && clock_usec() - start < PATIENCE_USEC)
		sd_event_run(example.event, 1000000);
	assert_null(example.server->connections);
	close(peer);
	example_stop(&example);
}

/* A peer that goes takes its descriptor with it. */
static void test_gone(void **state)
{
	struct example example;
	int peer;

	example_start(&example, NULL);
	peer = peer_new(&example);
	say(&example, peer, PASS);
	settle(&example);
	close(peer);
	settle(&example);
	assert_null(example.server->connections);
	example_stop(&example);
}

static void test_not_answered(void **state)
{
	struct example example;
	int peer;

	example_start(&example, NULL);
	peer = peer_new(&example);
	say(&example, peer, CALL("Pass", ",\"oneway\":true"));
	settle(&example);
	assert_int_equal(example.result, 0);
	hear_nothing(&example, peer);
	assert_int_equal(example.server->connections->passing, -EBADF);
	say(&example, peer, CALL("Pass", ",\"more\":true"));
	settle(&example);
	assert_int_equal(example.result, -EINVAL);
	hear(&example, peer, ERROR(EXAMPLE ".Failed", "\"reason\":\"Invalid argument\""));
	close(peer);
	settle(&example);
	example_stop(&example);
}

/* facing() - a client whose server has said @answer already, with @n descriptors, and waits */
static struct varlink_client *facing(const char *answer, size_t n, int *ret_server)
{
	char room[CMSG_SPACE(8 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec bytes = { (char *)answer, strlen(answer) + 1 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	struct varlink_client *client = NULL;
	struct cmsghdr *part;
	int pair[2], fds[8];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	for (size_t i = 0; i < n; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (n) {
		message.msg_control = room;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		part = CMSG_FIRSTHDR(&message);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(part), fds, n * sizeof(int));
	}
	assert_int_equal(sendmsg(pair[1], &message, 0), strlen(answer) + 1);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	shutdown(pair[1], SHUT_WR);
	*ret_server = pair[1];
	assert_int_equal(varlink_client_new(pair[0], &client), 0);
	return client;
}

/* next_descriptor() - the lowest that is free: the same again where nothing was left open */
static int next_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void test_client(void **state)
{
	static const char failed[] = "{\"error\":\"a.No\"}";
	static const struct {
		const char *answer;
		size_t n;
		int result;
		bool given;
	} cases[] = {
		{ "{}", 0, 0, false },        { "{}", 1, 0, true },    { "{}", 2, -EBADMSG, false },
		{ "{}", 8, -EBADMSG, false }, { failed, 1, 0, false }, { "{", 1, -EBADMSG, false },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		int fd = -EBADF, server;
		struct varlink_client *client = facing(cases[i].answer, cases[i].n, &server);
		char *error = NULL;

		assert_int_equal(varlink_call_fd(client, "a.B", NULL, NULL, &error, &fd),
				 cases[i].result);
		assert_int_equal(fd >= 0, cases[i].given);
		if (fd >= 0) {
			assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
			close(fd);
		}
		free(error);
		varlink_client_free(client);
		close(server);
	}
}

/* Catches a client that keeps what it did not ask for. */
static void test_client_keeps_nothing(void **state)
{
	int before = next_descriptor(), server, fd = -EBADF;
	struct varlink_client *client = facing("{}", 3, &server);

	assert_int_equal(varlink_call(client, "a.B", NULL, NULL, NULL), 0);
	varlink_client_free(client);
	close(server);
	assert_int_equal(next_descriptor(), before);
	client = facing("{}", 3, &server);
	assert_int_equal(varlink_call_fd(client, "a.B", NULL, NULL, NULL, &fd), -EBADMSG);
	varlink_client_free(client);
	close(server);
	assert_int_equal(fd, -EBADF);
	assert_int_equal(next_descriptor(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_place_kept),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_not_answered),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_client_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
