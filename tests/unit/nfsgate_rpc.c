/* SPDX-License-Identifier: MIT */
/*
 * nfsgate_rpc.c - where records and their heads begin and end, however they come; credentials
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "nfsgate/rpc.h"
#include "nfsgate/word.h"

#define ROOM 2048U

/* struct message - a record that is being put together; marks apart */
struct message {
	uint8_t bytes[ROOM];
	size_t n;
};

static void put(struct message *message, uint32_t word)
{
	word_write(message->bytes + message->n, word);
	message->n += WORD;
}

/* put_head() - a call of NFS's GETATTR, up to its credential's flavor and length */
static void put_head(struct message *message, uint32_t flavor, uint32_t size)
{
	static const uint32_t words[] = { 77, RPC_CALL, RPC_VERSION, 100003, 3, 1 };

	message->n = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		put(message, words[i]);
	put(message, flavor);
	put(message, size);
}

/* put_call() - with AUTH_SYS of @credential, an empty verifier, and three words of body */
static void put_call(struct message *message, const struct auth_sys *credential)
{
	uint8_t body[RPC_AUTH_MAX];
	size_t size = auth_sys_encode(credential, body);

	put_head(message, RPC_AUTH_SYS, (uint32_t)size);
	memcpy(message->bytes + message->n, body, size);
	message->n += size;
	for (uint32_t word = 0; word < 5; word++)
		put(message, word < 2 ? 0 : word);
}

static const struct auth_sys alice = {
	.stamp = 5,
	.n_machine = 4,
	.machine = "app1",
	.uid = 1001,
	.gid = 100,
	.n_gids = 2,
	.gids = { 7, 8 },
};

/* mark() - one record of one fragment */
static size_t mark(const struct message *message, uint8_t *record)
{
	word_write(record, (uint32_t)message->n | RPC_LAST);
	memcpy(record + WORD, message->bytes, message->n);
	return message->n + WORD;
}

static void begin(struct rpc_reader *reader)
{
	rpc_reader_init(reader, 1U << 20);
}

/* read_one() - up to the head, in pieces of @step bytes; what rpc_read() says, *at: how far it went */
static int read_one(struct rpc_reader *reader, const uint8_t *bytes, size_t n, size_t step,
		    size_t *at)
{
	int r = RPC_MORE;

	for (*at = 0; *at < n && r == RPC_MORE;) {
		size_t taken;

		r = rpc_read(reader, bytes + *at, n - *at < step ? n - *at : step, &taken);
		*at += taken;
		assert_true(taken > 0 || r < 0);
	}
	return r;
}

static void test_head_in_pieces(void **state)
{
	struct message message;
	uint8_t record[ROOM];
	size_t n;

	put_call(&message, &alice);
	n = mark(&message, record);
	for (size_t step = 1; step <= n; step++) {
		struct rpc_reader reader;
		struct auth_sys found;
		struct rpc_head head;
		size_t at;

		begin(&reader);
		assert_true(rpc_between(&reader));
		assert_int_equal(read_one(&reader, record, n, step, &at), RPC_HEAD);
		assert_false(rpc_between(&reader));
		assert_int_equal(at, n - 3 * WORD);
		assert_int_equal(rpc_passing(&reader), 3 * WORD);
		rpc_head(&reader, &head);
		assert_int_equal(head.xid, 77);
		assert_int_equal(head.type, RPC_CALL);
		assert_int_equal(head.procedure, 1);
		assert_int_equal(head.flavor, RPC_AUTH_SYS);
		assert_int_equal(auth_sys_decode(head.credential, head.credential_size, &found), 0);
		assert_memory_equal(&found, &alice, sizeof(alice));
		assert_int_equal(head.verifier_size, 2 * WORD);
		rpc_pass(&reader, 3 * WORD);
		assert_true(rpc_between(&reader));
	}
}

/* Catches a head that is not gathered across fragments, or goes on to the server as it was cut. */
static void test_head_in_fragments(void **state)
{
	struct message message;

	put_call(&message, &alice);
	for (size_t cut = 1; cut < message.n; cut++) {
		uint8_t record[ROOM], sent[RPC_MARK_SIZE + RPC_HEAD_MAX];
		struct rpc_reader reader;
		bool in_head = cut < message.n - 3 * WORD;
		size_t at, n = message.n + 2 * WORD;

		word_write(record, (uint32_t)cut);
		memcpy(record + WORD, message.bytes, cut);
		word_write(record + WORD + cut, (uint32_t)(message.n - cut) | RPC_LAST);
		memcpy(record + 2 * WORD + cut, message.bytes + cut, message.n - cut);
		begin(&reader);
		assert_int_equal(read_one(&reader, record, n, n, &at), RPC_HEAD);
		assert_int_equal(rpc_forward(&reader, NULL, sent), message.n - 3 * WORD + WORD);
		assert_int_equal(word_read(sent), in_head ? message.n | RPC_LAST : cut);
		assert_memory_equal(sent + WORD, message.bytes, message.n - 3 * WORD);
		rpc_pass(&reader, rpc_passing(&reader));
		if (in_head) {
			assert_true(rpc_between(&reader));
			continue;
		}
		assert_int_equal(rpc_read(&reader, record + WORD + cut, WORD, &at), RPC_FRAGMENT);
		assert_int_equal(rpc_passing(&reader), message.n - cut);
		rpc_pass(&reader, rpc_passing(&reader));
		assert_true(rpc_between(&reader));
	}
}

static void test_rewritten(void **state)
{
	uint8_t record[ROOM], sent[RPC_MARK_SIZE + RPC_HEAD_MAX];
	struct auth_sys other = alice, found;
	struct rpc_reader reader, again;
	struct message message;
	struct rpc_head head;
	size_t at, n, size;

	other.uid = 65534;
	other.n_gids = AUTH_SYS_GIDS_MAX;
	other.n_machine = AUTH_SYS_MACHINE_MAX;
	put_call(&message, &alice);
	n = mark(&message, record);
	begin(&reader);
	assert_int_equal(read_one(&reader, record, n, n, &at), RPC_HEAD);
	size = rpc_forward(&reader, &other, sent);
	assert_int_equal(word_read(sent), (size - WORD + 3 * WORD) | RPC_LAST);
	begin(&again);
	assert_int_equal(read_one(&again, sent, size, size, &at), RPC_HEAD);
	assert_int_equal(at, size);
	assert_int_equal(rpc_passing(&again), 3 * WORD);
	rpc_head(&again, &head);
	assert_int_equal(auth_sys_decode(head.credential, head.credential_size, &found), 0);
	assert_memory_equal(&found, &other, sizeof(other));
	assert_int_equal(head.verifier_size, 2 * WORD);
}

/* refused() - a record with this mark, of these bytes */
static int refused(uint32_t word, const uint8_t *bytes, size_t n)
{
	struct rpc_reader reader;
	uint8_t record[ROOM];
	size_t at;

	begin(&reader);
	word_write(record, word);
	memcpy(record + WORD, bytes, n);
	return read_one(&reader, record, n + WORD, n + WORD, &at);
}

static void test_records_refused(void **state)
{
	static const uint8_t no_message[8] = { 0, 0, 0, 1, 0, 0, 0, 2 };
	struct message message;

	put_call(&message, &alice);
	assert_int_equal(refused(UINT32_MAX, message.bytes, message.n), -EMSGSIZE);
	assert_int_equal(refused(INT32_MAX, message.bytes, message.n), -EMSGSIZE);
	assert_int_equal(refused(RPC_LAST | ((1U << 20) + 1), message.bytes, message.n), -EMSGSIZE);
	assert_int_equal(refused(RPC_LAST | (1U << 20), message.bytes, message.n), RPC_HEAD);
	assert_int_equal(refused(0, message.bytes, 4), -EBADMSG);
	assert_int_equal(refused(RPC_LAST, message.bytes, 4), -EBADMSG);
	for (uint32_t size = 1; size < message.n - 3 * WORD; size++)
		assert_int_equal(refused(RPC_LAST | size, message.bytes, size), -EBADMSG);
	assert_int_equal(refused(RPC_LAST | 8, no_message, 8), -EBADMSG);
}

/* Catches sizes of fragments that add up beyond what a number holds. */
static void test_sum_of_fragments(void **state)
{
	struct rpc_reader reader;
	struct message message;
	uint8_t record[ROOM];
	size_t at;

	put_call(&message, &alice);
	begin(&reader);
	word_write(record, 1U << 19);
	memcpy(record + WORD, message.bytes, message.n);
	assert_int_equal(read_one(&reader, record, message.n + WORD, ROOM, &at), RPC_HEAD);
	rpc_pass(&reader, rpc_passing(&reader));
	word_write(record, INT32_MAX);
	assert_int_equal(rpc_read(&reader, record, WORD, &at), -EMSGSIZE);
}

static void test_too_many_fragments(void **state)
{
	struct rpc_reader reader;
	struct message message;
	uint8_t record[ROOM];
	int r = RPC_FRAGMENT;
	size_t at, n = 0;

	put_call(&message, &alice);
	begin(&reader);
	word_write(record, (uint32_t)message.n);
	memcpy(record + WORD, message.bytes, message.n);
	assert_int_equal(read_one(&reader, record, message.n + WORD, ROOM, &at), RPC_HEAD);
	rpc_pass(&reader, rpc_passing(&reader));
	word_write(record, 1);
	for (; r == RPC_FRAGMENT && n <= RPC_FRAGMENTS_MAX; n++) {
		r = rpc_read(&reader, record, WORD, &at);
		rpc_pass(&reader, rpc_passing(&reader));
	}
	assert_int_equal(r, -E2BIG);
	assert_int_equal(n, RPC_FRAGMENTS_MAX);
}

static void test_lengths_over_the_maximum(void **state)
{
	struct message message;
	struct rpc_reader reader;
	uint8_t record[ROOM];
	struct rpc_head head;
	size_t at, n;

	for (uint32_t size = RPC_AUTH_MAX; size <= RPC_AUTH_MAX + 1; size++) {
		put_head(&message, RPC_AUTH_SYS, size);
		memset(message.bytes + message.n, 0, RPC_AUTH_MAX + 4 * WORD);
		message.n += RPC_AUTH_MAX + 4 * WORD;
		n = mark(&message, record);
		begin(&reader);
		assert_int_equal(read_one(&reader, record, n, n, &at), RPC_HEAD);
		rpc_head(&reader, &head);
		assert_int_equal(head.denied, size > RPC_AUTH_MAX ? RPC_AUTH_BADCRED : RPC_AUTH_OK);
		assert_int_equal(reader.n_head + rpc_passing(&reader), message.n);
	}
	put_head(&message, RPC_AUTH_NONE, 0);
	put(&message, 0);
	put(&message, UINT32_MAX);
	n = mark(&message, record);
	begin(&reader);
	assert_int_equal(read_one(&reader, record, n, n, &at), RPC_HEAD);
	rpc_head(&reader, &head);
	assert_int_equal(head.denied, RPC_AUTH_BADVERF);
}

static void test_other_version_and_reply(void **state)
{
	static const uint32_t reply[] = { 9, RPC_REPLY, 0, 0, 0, 0 };
	struct message message = { .n = 0 };
	struct rpc_reader reader;
	uint8_t record[ROOM];
	struct rpc_head head;
	size_t at, n;

	for (size_t i = 0; i < 6; i++)
		put(&message, reply[i]);
	n = mark(&message, record);
	begin(&reader);
	assert_int_equal(read_one(&reader, record, n, n, &at), RPC_HEAD);
	rpc_head(&reader, &head);
	assert_int_equal(head.type, RPC_REPLY);
	assert_int_equal(rpc_passing(&reader), 4 * WORD);
	word_write(record + 2 * WORD, RPC_CALL);
	word_write(record + 3 * WORD, 3);
	begin(&reader);
	assert_int_equal(read_one(&reader, record, n, n, &at), RPC_HEAD);
	rpc_head(&reader, &head);
	assert_true(head.mismatch);
	assert_int_equal(rpc_passing(&reader), 3 * WORD);
}

/* Catches replies of the server that are judged like calls: of them marks alone are read. */
static void test_marks_alone(void **state)
{
	struct rpc_reader reader;
	uint8_t record[3 * WORD];
	size_t at;

	rpc_reader_init(&reader, 0);
	word_write(record, INT32_MAX);
	assert_int_equal(rpc_read(&reader, record, WORD, &at), RPC_FRAGMENT);
	assert_false(rpc_between(&reader));
	rpc_pass(&reader, INT32_MAX);
	assert_false(rpc_between(&reader));
	word_write(record, 0);
	assert_int_equal(rpc_read(&reader, record, WORD, &at), RPC_FRAGMENT);
	assert_false(rpc_between(&reader));
	word_write(record, RPC_LAST);
	assert_int_equal(rpc_read(&reader, record, WORD, &at), RPC_FRAGMENT);
	assert_true(rpc_between(&reader));
	word_write(record, RPC_LAST | 1);
	assert_int_equal(rpc_read(&reader, record, 2, &at), RPC_MORE);
	assert_false(rpc_between(&reader));
	assert_int_equal(rpc_read(&reader, record + 2, 2, &at), RPC_FRAGMENT);
	rpc_pass(&reader, 1);
	assert_true(rpc_between(&reader));
}

static void test_credentials(void **state)
{
	uint8_t body[RPC_AUTH_MAX];
	struct auth_sys largest = alice, found;
	size_t size;

	largest.n_machine = AUTH_SYS_MACHINE_MAX;
	largest.n_gids = AUTH_SYS_GIDS_MAX;
	memset(largest.machine, 0xff, sizeof(largest.machine));
	size = auth_sys_encode(&largest, body);
	assert_int_equal(size, 5 * WORD + 256 + 16 * WORD);
	assert_int_equal(auth_sys_decode(body, size, &found), 0);
	assert_memory_equal(&found, &largest, sizeof(found));
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(auth_sys_decode(body, cut, &found), -EBADMSG);
	assert_int_equal(auth_sys_decode(body, size + WORD, &found), -EBADMSG);
	word_write(body + WORD, AUTH_SYS_MACHINE_MAX + 1);
	assert_int_equal(auth_sys_decode(body, size, &found), -EBADMSG);
	word_write(body + WORD, UINT32_MAX);
	assert_int_equal(auth_sys_decode(body, size, &found), -EBADMSG);
	size = auth_sys_encode(&alice, body);
	word_write(body + 5 * WORD, AUTH_SYS_GIDS_MAX + 1);
	assert_int_equal(auth_sys_decode(body, size + 15 * WORD, &found), -EBADMSG);
}

static void test_denied(void **state)
{
	static const uint32_t auth[] = { RPC_LAST | 20, 77, 1, 1, 1, RPC_AUTH_BADCRED };
	static const uint32_t mismatch[] = { RPC_LAST | 24, 77, 1, 1, 0, 2, 2 };
	uint8_t bytes[RPC_DENIED_MAX];

	assert_int_equal(rpc_denied(77, RPC_AUTH_BADCRED, bytes), sizeof(auth));
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(word_read(bytes + i * WORD), auth[i]);
	assert_int_equal(rpc_mismatched(77, bytes), sizeof(mismatch));
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(word_read(bytes + i * WORD), mismatch[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_in_pieces),
		cmocka_unit_test(test_head_in_fragments),
		cmocka_unit_test(test_rewritten),
		cmocka_unit_test(test_records_refused),
		cmocka_unit_test(test_sum_of_fragments),
		cmocka_unit_test(test_too_many_fragments),
		cmocka_unit_test(test_lengths_over_the_maximum),
		cmocka_unit_test(test_other_version_and_reply),
		cmocka_unit_test(test_marks_alone),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
