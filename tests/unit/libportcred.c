/* SPDX-License-Identifier: MIT */
/*
 * Real sockets, with the kernel's answer made up where one is wanted. Caught: a record believed that
 * is too short, too long, of another version or contradicts itself; an error taken for "unknown" and
 * the other way round; an id given where there is none; a descriptor that is left changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "libportcred/record.h"
#include "requirement.h"

DEFINE_CLEANUP(struct portcred_peer *, portcred_peer_free)

/* An id that no other test sees, to find out whether it was touched. */
#define UNTOUCHED 4711U

static const struct portcred_record alice = {
	.version = PORTCRED_RECORD_VERSION,
	.known = PORTCRED_VOUCHED,
	.uid = 1000,
	.raw_uid = 70000,
	.gid = 1001,
	.host = "db1",
};

/* struct pair - a connection over loopback; -1: closed */
struct pair {
	int listener, accepted, opened;
};

static void pair_close(struct pair *pair)
{
	cleanup_close(&pair->listener);
	cleanup_close(&pair->accepted);
	cleanup_close(&pair->opened);
}

static void connect_pair(int family, struct pair *ret_pair)
{
	struct sockaddr_storage address = { .ss_family = (sa_family_t)family };
	socklen_t size =
		family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	struct pair pair;

	if (family == AF_INET)
		((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
	pair.listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pair.opened = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(pair.listener >= 0 && pair.opened >= 0);
	assert_int_equal(bind(pair.listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(pair.listener, 1), 0);
	assert_int_equal(getsockname(pair.listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(connect(pair.opened, (struct sockaddr *)&address, size), 0);
	pair.accepted = accept4(pair.listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair.accepted >= 0);
	*ret_pair = pair;
}

/* What the kernel is to answer next. */
static struct {
	struct portcred_record record;
	socklen_t size;
	int error;
} answer;

static int fake_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	if (level != SOL_PORTCRED)
		return getsockopt(fd, level, name, value, size);
	assert_int_equal(name, PORTCRED_PEER);
	assert_int_equal(*size, sizeof(answer.record));
	memcpy(value, &answer.record, sizeof(answer.record));
	*size = answer.size;
	errno = answer.error;
	return answer.error ? -1 : 0;
}

/* decode() - what is made of a record that arrives whole */
static struct portcred_peer decode(const struct portcred_record *record)
{
	struct portcred_peer peer;

	assert_int_equal(portcred_record_decode(record, sizeof(*record), &peer), 0);
	return peer;
}

static void assert_nothing_known(const struct portcred_peer *peer)
{
	uid_t uid = UNTOUCHED;
	gid_t gid = UNTOUCHED;
	char *name = NULL;

	assert_null(portcred_peer_host(peer));
	assert_int_equal(portcred_peer_uid(peer, &uid), -ENODATA);
	assert_int_equal(portcred_peer_raw_uid(peer, &uid), -ENODATA);
	assert_int_equal(portcred_peer_gid(peer, &gid), -ENODATA);
	assert_int_equal(portcred_peer_user(peer, &name), -ENODATA);
	assert_int_equal(uid, UNTOUCHED);
	assert_int_equal(gid, UNTOUCHED);
	assert_null(name);
	assert_int_equal(portcred_peer_opened(peer), -ENODATA);
	assert_false(portcred_peer_approved(peer));
}

static void vouched(void **state)
{
	struct portcred_peer peer = decode(&alice);
	uid_t uid, raw_uid;
	gid_t gid;

	(void)state;
	assert_int_equal(portcred_peer_known(&peer), PORTCRED_VOUCHED);
	assert_string_equal(portcred_peer_host(&peer), "db1");
	assert_int_equal(portcred_peer_uid(&peer, &uid), 0);
	assert_int_equal(uid, 1000);
	assert_int_equal(portcred_peer_raw_uid(&peer, &raw_uid), 0);
	assert_int_equal(raw_uid, 70000);
	assert_int_equal(portcred_peer_gid(&peer, &gid), 0);
	assert_int_equal(gid, 1001);
	assert_int_equal(portcred_peer_opened(&peer), 0);
	assert_false(portcred_peer_approved(&peer));
}

/* Root there is nobody here: a program that gets 0, or -1 for setuid(), has lost. */
static void squashed(void **state)
{
	struct portcred_record record = alice;
	struct portcred_peer peer;
	uid_t uid = UNTOUCHED, raw_uid;
	char *name = NULL;

	(void)state;
	record.uid = PORTCRED_NO_ID;
	record.gid = PORTCRED_NO_ID;
	record.raw_uid = 0;
	peer = decode(&record);
	assert_int_equal(portcred_peer_uid(&peer, &uid), -ENODATA);
	assert_int_equal(uid, UNTOUCHED);
	assert_int_equal(portcred_peer_user(&peer, &name), -ENODATA);
	assert_int_equal(portcred_peer_raw_uid(&peer, &raw_uid), 0);
	assert_int_equal(raw_uid, 0);
	assert_string_equal(portcred_peer_host(&peer), "db1");
}

static void direction(void **state)
{
	struct portcred_record record = alice;
	struct portcred_peer peer;

	(void)state;
	record.flags = PORTCRED_RECORD_OPENED;
	peer = decode(&record);
	assert_int_equal(portcred_peer_opened(&peer), 1);
	assert_false(portcred_peer_approved(&peer));
	record.flags |= PORTCRED_RECORD_APPROVED;
	peer = decode(&record);
	assert_true(portcred_peer_approved(&peer));
	/* Flags that a later version may have do not disturb these. */
	record.flags = 0xff;
	peer = decode(&record);
	assert_int_equal(portcred_peer_opened(&peer), 1);
	assert_true(portcred_peer_approved(&peer));
}

static void local(void **state)
{
	struct portcred_record record = alice;
	struct portcred_peer peer;

	(void)state;
	record.known = PORTCRED_LOCAL;
	peer = decode(&record);
	assert_string_equal(portcred_peer_host(&peer), "local");
	memset(record.host, 0, sizeof(record.host));
	peer = decode(&record);
	assert_string_equal(portcred_peer_host(&peer), "local");
}

static void contradictions(void **state)
{
	static const enum portcred_known not_known[] = { PORTCRED_UNKNOWN, PORTCRED_RESERVED };
	struct portcred_record record = alice;
	struct portcred_peer peer;

	(void)state;
	record.flags = PORTCRED_RECORD_OPENED | PORTCRED_RECORD_APPROVED;
	for (size_t i = 0; i < ELEMENTS(not_known); i++) {
		record.known = (uint8_t)not_known[i];
		peer = decode(&record);
		assert_int_equal(portcred_peer_known(&peer), not_known[i]);
		assert_nothing_known(&peer);
	}
	record = alice;
	record.flags = PORTCRED_RECORD_APPROVED;
	peer = decode(&record);
	assert_int_equal(portcred_peer_opened(&peer), 0);
	assert_false(portcred_peer_approved(&peer));
}

static void bad_records(void **state)
{
	struct portcred_record record = alice;
	struct portcred_peer peer, untouched;
	char bytes[sizeof(record) * 2] = { 0 };

	(void)state;
	memset(&peer, 0xa5, sizeof(peer));
	untouched = peer;
	memcpy(bytes, &alice, sizeof(alice));
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		/* In memory that ends where the record does, so that the sanitizer sees it. */
		_cleanup_free_ char *exact = malloc(size ? size : 1);

		assert_non_null(exact);
		memcpy(exact, bytes, size);
		if (size != sizeof(record))
			assert_int_equal(portcred_record_decode(exact, size, &peer), -EPROTO);
	}
	for (uint32_t version = 0; version <= UINT16_MAX; version++) {
		record.version = (uint16_t)version;
		if (version != PORTCRED_RECORD_VERSION)
			assert_int_equal(portcred_record_decode(&record, sizeof(record), &peer),
					 -EPROTONOSUPPORT);
	}
	/* Of another version the size says nothing yet. */
	record.version = PORTCRED_RECORD_VERSION + 1;
	assert_int_equal(portcred_record_decode(&record, sizeof(record.version), &peer),
			 -EPROTONOSUPPORT);
	record = alice;
	for (unsigned known = PORTCRED_RESERVED + 1; known <= UINT8_MAX; known++) {
		record.known = (uint8_t)known;
		assert_int_equal(portcred_record_decode(&record, sizeof(record), &peer), -EPROTO);
	}
	record = alice;
	record.host[0] = '\0';
	assert_int_equal(portcred_record_decode(&record, sizeof(record), &peer), -EPROTO);
	memset(record.host, 'x', sizeof(record.host));
	assert_int_equal(portcred_record_decode(&record, sizeof(record), &peer), -EPROTO);
	assert_memory_equal(&peer, &untouched, sizeof(peer));

	record.host[sizeof(record.host) - 1] = '\0';
	peer = decode(&record);
	assert_int_equal(strlen(portcred_peer_host(&peer)), sizeof(record.host) - 1);
}

static void asks_the_kernel(void **state)
{
	_cleanup_(pair_close) struct pair pair;
	struct portcred_peer peer;

	(void)state;
	connect_pair(AF_INET6, &pair);
	answer.record = alice;
	answer.size = sizeof(answer.record);
	answer.error = 0;
	assert_int_equal(portcred_record_ask(pair.accepted, fake_getsockopt, &peer), 0);
	assert_int_equal(portcred_peer_known(&peer), PORTCRED_VOUCHED);
	answer.size = sizeof(answer.record) - 1;
	assert_int_equal(portcred_record_ask(pair.accepted, fake_getsockopt, &peer), -EPROTO);
	answer.error = EFAULT;
	assert_int_equal(portcred_record_ask(pair.accepted, fake_getsockopt, &peer), -EFAULT);
	answer.error = EPERM;
	assert_int_equal(portcred_record_ask(pair.accepted, fake_getsockopt, &peer), -EPERM);
	for (size_t i = 0; i < 2; i++) {
		answer.error = i ? EOPNOTSUPP : ENOPROTOOPT;
		assert_int_equal(portcred_record_ask(pair.accepted, fake_getsockopt, &peer), 0);
		assert_int_equal(portcred_peer_known(&peer), PORTCRED_UNKNOWN);
		assert_nothing_known(&peer);
	}
}

/* Where another kind of socket answers to our level, it is not believed. */
static void not_asked_of_others(void **state)
{
	int pair[2];
	struct portcred_peer peer;

	(void)state;
	answer.record = alice;
	answer.size = sizeof(answer.record);
	answer.error = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(portcred_record_ask(pair[0], fake_getsockopt, &peer), -EPROTOTYPE);
	close(pair[0]);
	close(pair[1]);
}

/* The real kernel. Where portcred is in force it may know these, and is tested elsewhere. */
static void unknown(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(families); i++) {
		_cleanup_(portcred_peer_freep) struct portcred_peer *peer = NULL;
		_cleanup_(pair_close) struct pair pair;
		char byte;

		connect_pair(families[i], &pair);
		assert_int_equal(write(pair.opened, "x", 1), 1);
		assert_int_equal(portcred_peer(pair.accepted, &peer), 0);
		require(portcred_peer_known(peer) == PORTCRED_UNKNOWN,
			"a kernel without a policy for these");
		assert_nothing_known(peer);
		assert_int_equal(read(pair.accepted, &byte, 1), 1); /* it was left alone */
	}
}

static void assert_fails(int fd, int error)
{
	struct portcred_peer *const untouched = (struct portcred_peer *)&alice;
	struct portcred_peer *peer = untouched;

	assert_int_equal(portcred_peer(fd, &peer), error);
	assert_ptr_equal(peer, untouched);
}

static void errors(void **state)
{
	static const struct linger at_once = { .l_onoff = 1 };
	_cleanup_(pair_close) struct pair pair;
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int unconnected = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int unix_pair[2];

	(void)state;
	connect_pair(AF_INET, &pair);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, unix_pair), 0);
	assert_true(null >= 0 && udp >= 0 && unconnected >= 0);
	assert_fails(-1, -EBADF);
	assert_fails(null, -ENOTSOCK);
	assert_fails(udp, -EPROTOTYPE);
	assert_fails(unix_pair[0], -EPROTOTYPE);
	assert_fails(unconnected, -ENOTCONN);
	assert_fails(pair.listener, -ENOTCONN);
	/* Gone before it was asked about: by a reset, so that there is no connection any more. */
	assert_int_equal(setsockopt(pair.opened, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
			 0);
	close(pair.opened);
	pair.opened = -1;
	assert_fails(pair.accepted, -ENOTCONN);
	close(unix_pair[0]);
	close(unix_pair[1]);
}

static void user_names(void **state)
{
	struct portcred_record record = alice;
	struct portcred_peer peer;
	char *name = NULL;

	(void)state;
	record.uid = 0;
	peer = decode(&record);
	assert_int_equal(portcred_peer_user(&peer, &name), 0);
	assert_string_equal(name, "root");
	free(name);
	name = NULL;
	record.uid = 3999999999U;
	assert_null(getpwuid(record.uid));
	peer = decode(&record);
	assert_int_equal(portcred_peer_user(&peer, &name), -ENOENT);
	assert_null(name);
}

static void texts(void **state)
{
	static const int errors[] = { EBADF,     ENOTSOCK, EPROTOTYPE, ENOTCONN, EPROTONOSUPPORT,
				      EPROTO,    ENODATA,  ENOENT,     EACCES,   ECONNREFUSED,
				      ETIMEDOUT, EXDEV,    EREMOTEIO,  EBADMSG };

	(void)state;
	assert_string_equal(portcred_known_text(PORTCRED_VOUCHED), "vouched");
	assert_string_equal(portcred_known_text((enum portcred_known)77), "unknown");
	for (size_t i = 0; i < ELEMENTS(errors); i++) {
		const char *text = portcred_error_text(-errors[i]);

		assert_ptr_equal(text, portcred_error_text(errors[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(text, portcred_error_text(errors[k]));
	}
	assert_string_equal(portcred_error_text(-ENOMEM), strerror(ENOMEM));
	assert_string_equal(portcred_error_text(INT_MIN), "unknown error");
	assert_string_equal(portcred_error_text(INT_MAX), "unknown error");
}

static void freeing_nothing(void **state)
{
	(void)state;
	portcred_peer_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vouched),         cmocka_unit_test(squashed),
		cmocka_unit_test(direction),       cmocka_unit_test(local),
		cmocka_unit_test(contradictions),  cmocka_unit_test(bad_records),
		cmocka_unit_test(asks_the_kernel), cmocka_unit_test(not_asked_of_others),
		cmocka_unit_test(unknown),         cmocka_unit_test(errors),
		cmocka_unit_test(user_names),      cmocka_unit_test(texts),
		cmocka_unit_test(freeing_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
