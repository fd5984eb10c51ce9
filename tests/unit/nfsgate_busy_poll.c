/* SPDX-License-Identifier: MIT */
/*
 * nfsgate_busy_poll.c - when the gate looks, when it gives way, when it sleeps: on a clock of this file's own
 *
 * The clock, epoll_wait(2) and sched_yield(2) stand here, in place of the C library's: each takes the time
 * that it says.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "nfsgate/busy_poll.h"

#define MICROSECOND INT64_C(1000)
#define MILLISECOND INT64_C(1000000)
#define SECOND      INT64_C(1000000000)

#define LIMIT   (100 * MICROSECOND)
#define LOOK    500               /* what a look takes */
#define WAKE_UP (5 * MICROSECOND) /* what a sleep takes beyond its time */

enum { CALL, REPLY };

static struct {
	int64_t now, next; /* next: when the event comes */
	int64_t others;    /* how long others take a processor that they are given */
	int error;         /* of a sleep */
	unsigned looks, yields, sleeps;
} world;

int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
	tp->tv_sec = world.now / SECOND;
	tp->tv_nsec = world.now % SECOND;
	return 0;
}

int sched_yield(void)
{
	world.yields++;
	world.now += world.others;
	return 0;
}

int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
	if (timeout == 0) {
		world.looks++;
		world.now += LOOK;
		return world.next <= world.now;
	}
	world.sleeps++;
	if (world.error) {
		errno = world.error;
		return -1;
	}
	if (world.next > world.now)
		world.now = world.next + WAKE_UP;
	return 1;
}

/* wait_for() - an event that comes in @nanoseconds; returns how much later it was there */
static int64_t wait_for(struct busy_poll *poll, int64_t nanoseconds, unsigned after)
{
	struct epoll_event event;

	world.next = world.now + nanoseconds;
	assert_int_equal(busy_poll_wait(poll, 3, &event, 1, -1, after), 1);
	assert_true(world.now >= world.next);
	return world.now - world.next;
}

static int set_up(void **state)
{
	memset(&world, 0, sizeof(world));
	world.now = 1000 * SECOND;
	return 0;
}

static void test_off(void **state)
{
	struct busy_poll poll = { 0 };

	for (int i = 0; i < 100; i++)
		wait_for(&poll, 10 * MICROSECOND, CALL);
	assert_int_equal(world.sleeps, 100);
	assert_int_equal(world.looks + world.yields, 0);
}

static void test_grows(void **state)
{
	struct busy_poll poll = { .limit = LIMIT };

	for (int i = 0; i < 1000; i++)
		wait_for(&poll, 50 * MICROSECOND, CALL);
	/* With windows of 0, 10, 20 and 40 microseconds; the next found it. */
	assert_int_equal(world.sleeps, 4);
	/* All others may have the processor three times in each. */
	assert_in_range(world.yields, 2 * 996, 4 * 996);
}

static void test_limit(void **state)
{
	struct busy_poll poll = { .limit = 25 * MICROSECOND };

	for (int i = 0; i < 1000; i++)
		wait_for(&poll, 15 * MICROSECOND, CALL);
	assert_int_equal(world.sleeps, 2);
	world.sleeps = 0;
	for (int i = 0; i < 1000; i++)
		wait_for(&poll, 26 * MICROSECOND, CALL);
	assert_int_equal(world.sleeps, 1000);
}

/* A limit that is below the first window is one all the same. */
static void test_small_limit(void **state)
{
	struct busy_poll poll = { .limit = 9 * MICROSECOND };

	for (int i = 0; i < 1000; i++)
		wait_for(&poll, 2 * MICROSECOND, CALL);
	assert_int_equal(world.sleeps, 1);
}

/* What comes rarely is slept for: what looking costs then is bounded, and over. */
static void test_shrinks(void **state)
{
	struct busy_poll poll = { .limit = LIMIT };

	for (int i = 0; i < 10; i++)
		wait_for(&poll, 90 * MICROSECOND, CALL);
	world.looks = world.sleeps = 0;
	for (int i = 0; i < 1000; i++)
		wait_for(&poll, 5 * MILLISECOND, CALL);
	assert_int_equal(world.sleeps, 1000);
	assert_in_range(world.looks, 1, 2 * LIMIT / LOOK);
}

/* A server that is quick, and a client that thinks: the one is looked for, the other is not. */
static void test_kinds(void **state)
{
	struct busy_poll poll = { .limit = LIMIT };

	for (int i = 0; i < 1000; i++) {
		wait_for(&poll, 30 * MICROSECOND, CALL);
		wait_for(&poll, 20 * MILLISECOND, REPLY);
	}
	assert_int_equal(world.sleeps, 1000 + 3);
	assert_int_equal(poll.windows[REPLY], 0);
}

/* What is there at once says nothing about how long to look. */
static void test_at_once(void **state)
{
	struct busy_poll poll = { .limit = LIMIT };

	for (int i = 0; i < 1000; i++)
		wait_for(&poll, 0, CALL);
	assert_int_equal(world.looks + world.yields, 0);
}

/* Who gives way to a process that has work loses a turn of the scheduler: seldom. */
static void test_gives_way(void **state)
{
	struct busy_poll poll = { .limit = LIMIT };
	int64_t start = world.now, late = 0;

	world.others = 4 * MILLISECOND;
	while (world.now - start < 100 * SECOND)
		late += wait_for(&poll, 50 * MICROSECOND, CALL) - WAKE_UP;
	assert_true(late < 1 * SECOND);
	assert_int_equal(poll.pause, BUSY_POLL_PAUSE_LAST);
	assert_in_range(world.yields, 100, 110);

	/* They have gone: it looks again, and that they come once is not held against them. */
	world.others = 0;
	start = world.now;
	while (world.now - start < 10 * SECOND)
		wait_for(&poll, 50 * MICROSECOND, CALL);
	world.sleeps = 0;
	for (int i = 0; i < 100; i++)
		wait_for(&poll, 50 * MICROSECOND, CALL);
	assert_int_equal(world.sleeps, 0);
	world.others = 4 * MILLISECOND;
	wait_for(&poll, 50 * MICROSECOND, CALL);
	assert_int_equal(poll.pause, BUSY_POLL_PAUSE_FIRST);
}

/* The server had only this processor to answer: no reason to leave it to others. */
static void test_one_processor(void **state)
{
	struct busy_poll poll = { .limit = LIMIT };

	world.others = 50 * MICROSECOND;
	for (int i = 0; i < 1000; i++)
		wait_for(&poll, 50 * MICROSECOND, CALL);
	assert_in_range(world.sleeps, 1, 4);
	assert_int_equal(poll.paused_until, 0);
}

static void test_passed_on(void **state)
{
	struct busy_poll poll = { .limit = LIMIT };
	struct epoll_event event;

	world.next = INT64_MAX;
	assert_int_equal(busy_poll_wait(&poll, 3, &event, 1, 0, CALL), 0);
	assert_int_equal(world.sleeps, 0);
	world.error = EINTR;
	assert_int_equal(busy_poll_wait(&poll, 3, &event, 1, 100, CALL), -1);
	assert_int_equal(errno, EINTR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_off, set_up),
		cmocka_unit_test_setup(test_grows, set_up),
		cmocka_unit_test_setup(test_limit, set_up),
		cmocka_unit_test_setup(test_small_limit, set_up),
		cmocka_unit_test_setup(test_shrinks, set_up),
		cmocka_unit_test_setup(test_kinds, set_up),
		cmocka_unit_test_setup(test_at_once, set_up),
		cmocka_unit_test_setup(test_gives_way, set_up),
		cmocka_unit_test_setup(test_one_processor, set_up),
		cmocka_unit_test_setup(test_passed_on, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
