/* SPDX-License-Identifier: MIT */
/*
 * One direction of a connection, over TCP of this machine. Caught: one client's records that are passed on
 * for as long as there are some, while all others wait.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "nfsgate/flow.h"
#include "nfsgate/word.h"

/* Bytes of a record with its mark, as short as calls are. */
#define RECORD 64U

/* What one turn may come to, and far more than that. */
#define TURN_MAX (192U << 10)
#define WAITING  (1U << 20)

/* connected() - both ends of a connection, which do not block */
static void connected(int ret_ends[static 2])
{
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ret_ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(ret_ends[0], (struct sockaddr *)&address, size), 0);
	ret_ends[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(ret_ends[1] >= 0);
}

/* fill() - records, as many as go; returns how many bytes */
static size_t fill(int fd)
{
	uint8_t records[RECORD * 1024] = { 0 };
	size_t all = 0;
	ssize_t n;

	for (size_t at = 0; at < sizeof(records); at += RECORD)
		word_write(records + at, 1U << 31 | (RECORD - RPC_MARK_SIZE));
	while (all < WAITING) {
		n = send(fd, records + all % sizeof(records),
			 sizeof(records) - all % sizeof(records), MSG_DONTWAIT);
		if (n < 0)
			break;
		all += (size_t)n;
	}
	return all;
}

static void a_turn(void **state)
{
	static const struct flow_hooks as_they_are = { NULL, NULL };
	struct pipes pipes = { 0 };
	struct flow flow;
	int from[2], to[2];

	(void)state;
	connected(from);
	connected(to);
	flow_init(&flow, 0);
	flow.from = from[1];
	flow.to = to[1];
	flow.readable = flow.writable = true;
	assert_true(fill(from[0]) > 2 * TURN_MAX);
	assert_int_equal(flow_pump(&flow, &pipes, &as_they_are, NULL), FLOW_AGAIN);
	assert_in_range(flow.records, TURN_MAX / 2 / RECORD, TURN_MAX / RECORD);
	flow_clear(&flow);
	pipes_clear(&pipes);
	for (size_t i = 0; i < 2; i++) {
		close(from[i]);
		close(to[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
