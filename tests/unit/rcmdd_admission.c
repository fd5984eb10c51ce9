/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_admission.c - which connections are taken when there are too many, and at whose expense
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "rcmdd/admission.h"

#define SEATS 8

/* struct room - eight seats, four for those that wait, three of one address */
struct room {
	struct seat seats[SEATS];
	atomic_bool waiting[SEATS];
	struct admission admission;
	size_t seat, instead;
};

static void room_begin(struct room *room)
{
	memset(room, 0, sizeof(*room));
	room->admission = (struct admission){ SEATS, 4, 3, room->seats, room->waiting, 0 };
}

static struct source from(const char *text)
{
	struct sockaddr_storage address = { 0 };

	address.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(address.ss_family, text,
				   address.ss_family == AF_INET6
					   ? (void *)&((struct sockaddr_in6 *)&address)->sin6_addr
					   : (void *)&((struct sockaddr_in *)&address)->sin_addr),
			 1);
	return source_of(&address);
}

static enum admission_answer ask(struct room *room, const char *text)
{
	const struct source source = from(text);

	return admission_ask(&room->admission, &source, &room->seat, &room->instead);
}

/* IPv4 is the same however it comes; of IPv6, what one host can have all of is one source. */
static void test_sources(void **state)
{
	struct source a = from("10.0.0.1"), b = from("::ffff:10.0.0.1"), c = from("10.0.0.2");

	assert_memory_equal(&a, &b, sizeof(a));
	assert_memory_not_equal(&a, &c, sizeof(a));
	a = from("fd77::1");
	b = from("fd77::ffff:ffff:ffff:ffff");
	c = from("fd77:0:0:1::1");
	assert_memory_equal(&a, &b, sizeof(a));
	assert_memory_not_equal(&a, &c, sizeof(a));
}

/* One address takes what is its, also of sessions that are known, and no more. */
static void test_one_source(void **state)
{
	struct room room;

	room_begin(&room);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(&room, "10.0.0.1"), ADMISSION_YES);
		room.waiting[room.seat] = false;
	}
	assert_int_equal(ask(&room, "10.0.0.1"), ADMISSION_SOURCE);
	assert_int_equal(ask(&room, "10.0.0.2"), ADMISSION_YES);
	admission_leave(&room.admission, 7);
	assert_int_equal(ask(&room, "10.0.0.1"), ADMISSION_YES);
	assert_int_equal(ask(&room, "10.0.0.1"), ADMISSION_SOURCE);
}

/* The oldest of who has most that wait makes room for others, and never for more of its own. */
static void test_crowd(void **state)
{
	struct room room;
	size_t oldest;

	room_begin(&room);
	assert_int_equal(ask(&room, "10.0.0.9"), ADMISSION_YES);
	assert_int_equal(ask(&room, "10.0.0.1"), ADMISSION_YES);
	oldest = room.seat;
	assert_int_equal(ask(&room, "10.0.0.1"), ADMISSION_YES);
	assert_int_equal(ask(&room, "10.0.0.1"), ADMISSION_YES);
	assert_int_equal(ask(&room, "10.0.0.2"), ADMISSION_INSTEAD);
	assert_int_equal(room.instead, oldest);
	admission_leave(&room.admission, room.instead);
	assert_int_equal(ask(&room, "10.0.0.2"), ADMISSION_YES);
	/* It has one place again, and would have to give up another of its own. */
	assert_int_equal(ask(&room, "10.0.0.1"), ADMISSION_SOURCE);
}

/* Sessions that are known give way to nobody. */
static void test_full(void **state)
{
	struct room room;
	char address[] = "10.0.0.0";

	room_begin(&room);
	for (size_t i = 0; i < SEATS; i++) {
		address[7] = (char)('0' + i);
		assert_int_equal(ask(&room, address), ADMISSION_YES);
		if (i > 0)
			room.waiting[room.seat] = false;
	}
	assert_int_equal(ask(&room, "10.0.1.1"), ADMISSION_INSTEAD);
	room.waiting[room.instead] = false;
	assert_int_equal(ask(&room, "10.0.1.1"), ADMISSION_FULL);
}

#define MEETINGS 200000U

/* struct meetings - of a server and a session, in two processes */
struct meetings {
	atomic_bool waiting[MEETINGS];
	atomic_uint there; /* how often one of them has come to a meeting */
	unsigned passed;
};

/* meet() - returns when both are there */
static void meet(struct meetings *meetings, unsigned i)
{
	atomic_fetch_add(&meetings->there, 1);
	/* Awake, so that both go on at once; where they have one processor, in turns. */
	for (unsigned spins = 0; atomic_load(&meetings->there) < 2 * (i + 1); spins++) {
		if (spins > 1000)
			sched_yield();
	}
}

/* Catches a session that is killed in the moment in which it was let through: of both, one is first. */
static void test_end_or_pass(void **state)
{
	struct meetings *meetings = mmap(NULL, sizeof(*meetings), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct admission admission = { .waiting = meetings->waiting };
	unsigned ended = 0;
	pid_t pid;

	assert_ptr_not_equal(meetings, MAP_FAILED);
	for (size_t i = 0; i < MEETINGS; i++)
		meetings->waiting[i] = true;
	pid = fork();
	assert_true(pid >= 0);
	for (unsigned i = 0; i < MEETINGS; i++) {
		meet(meetings, i);
		if (pid > 0)
			ended += admission_end(&admission, i);
		else
			meetings->passed += admission_pass(&meetings->waiting[i]);
	}
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(ended + meetings->passed, MEETINGS);
	assert_false(admission_end(&admission, 0));
	assert_false(admission_pass(&meetings->waiting[0]));
	munmap(meetings, sizeof(*meetings));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),     cmocka_unit_test(test_one_source),
		cmocka_unit_test(test_crowd),       cmocka_unit_test(test_full),
		cmocka_unit_test(test_end_or_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
