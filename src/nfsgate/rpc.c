/* SPDX-License-Identifier: MIT */
/*
 * rpc.c - see rpc.h
 *
 * A record has three parts for the reader: the mark of a fragment, the head, the body. How long a head
 * is stands in it, in steps: each time as many words as say how many more there are (wanted()).
 */
#include "nfsgate/rpc.h"

#include <errno.h>

#include "nfsgate/word.h"

enum { MSG_DENIED = 1, RPC_MISMATCH = 0, AUTH_ERROR = 1 };

/* Where in a head things stand. */
enum {
	AT_XID = 0,
	AT_TYPE = 4,
	AT_RPC_VERSION = 8,
	AT_PROGRAM = 12,
	AT_VERSION = 16,
	AT_PROCEDURE = 20,
	AT_FLAVOR = 24,
	AT_CREDENTIAL_SIZE = 28,
	AT_CREDENTIAL = 32,
};

void rpc_reader_init(struct rpc_reader *reader, uint32_t max_record)
{
	*reader = (struct rpc_reader){ .max_record = max_record };
}

/* wanted() - how long the head is, as far as can be told from what is there of it */
static uint32_t wanted(const struct rpc_reader *reader)
{
	const uint8_t *head = reader->head;
	uint32_t size, n = reader->n_head;

	if (n < AT_RPC_VERSION || word_read(head + AT_TYPE) == RPC_REPLY)
		return AT_RPC_VERSION;
	if (n < AT_PROGRAM || word_read(head + AT_RPC_VERSION) != RPC_VERSION)
		return AT_PROGRAM;
	if (n < AT_CREDENTIAL || word_read(head + AT_CREDENTIAL_SIZE) > RPC_AUTH_MAX)
		return AT_CREDENTIAL;
	size = AT_CREDENTIAL + word_padded(word_read(head + AT_CREDENTIAL_SIZE)) + 2 * WORD;
	if (n < size || word_read(head + size - WORD) > RPC_AUTH_MAX)
		return size;
	return size + word_padded(word_read(head + size - WORD));
}

/* begin_fragment() - its mark is whole */
static int begin_fragment(struct rpc_reader *reader)
{
	uint32_t mark = word_read(reader->mark);

	reader->n_mark = 0;
	reader->left = mark & ~RPC_LAST;
	reader->last = (mark & RPC_LAST) != 0;
	if (!reader->max_record) {
		reader->body = reader->left || !reader->last;
		return RPC_FRAGMENT;
	}
	if (reader->left > reader->max_record - reader->size)
		return -EMSGSIZE;
	if (!reader->left && (!reader->last || !reader->body))
		return -EBADMSG;
	if (++reader->fragments > RPC_FRAGMENTS_MAX)
		return -E2BIG;
	reader->size += reader->left;
	return reader->body ? RPC_FRAGMENT : RPC_MORE;
}

/* end_record() - where all of it has gone by */
static void end_record(struct rpc_reader *reader)
{
	if (!reader->body || reader->left || !reader->last || reader->n_mark)
		return;
	reader->body = false;
	reader->last = false;
	reader->size = reader->fragments = 0;
	reader->n_head = 0;
}

/* take() - up to @wanted bytes into @field, of which it has *@n; returns how many it took */
static size_t take(uint8_t *field, size_t n, size_t wanted_size, const uint8_t *bytes, size_t size)
{
	size_t taken = wanted_size - n < size ? wanted_size - n : size;

	memcpy(field + n, bytes, taken);
	return taken;
}

/* read_head() - RPC_HEAD when it is whole, RPC_MORE before that */
static int read_head(struct rpc_reader *reader, const uint8_t *bytes, size_t n, size_t *taken)
{
	while (reader->left && *taken < n) {
		size_t size = n - *taken < reader->left ? n - *taken : reader->left;
		size_t k = take(reader->head, reader->n_head, wanted(reader), bytes + *taken, size);

		reader->n_head = (uint16_t)(reader->n_head + k);
		reader->left -= (uint32_t)k;
		*taken += k;
		if (reader->n_head == AT_RPC_VERSION &&
		    word_read(reader->head + AT_TYPE) > RPC_REPLY)
			return -EBADMSG;
		if (reader->n_head == wanted(reader)) {
			reader->body = true;
			return RPC_HEAD;
		}
	}
	return !reader->left && reader->last ? -EBADMSG : RPC_MORE;
}

int rpc_read(struct rpc_reader *reader, const uint8_t *bytes, size_t n, size_t *ret_taken)
{
	size_t taken = 0;
	int r = RPC_MORE;

	end_record(reader);
	while (r == RPC_MORE && taken < n) {
		if (!reader->body && reader->left) {
			r = read_head(reader, bytes, n, &taken);
			continue;
		}
		size_t k =
			take(reader->mark, reader->n_mark, RPC_MARK_SIZE, bytes + taken, n - taken);

		reader->n_mark = (uint8_t)(reader->n_mark + k);
		taken += k;
		if (reader->n_mark == RPC_MARK_SIZE)
			r = begin_fragment(reader);
	}
	*ret_taken = taken;
	return r;
}

uint32_t rpc_passing(const struct rpc_reader *reader)
{
	return reader->body ? reader->left : 0;
}

void rpc_pass(struct rpc_reader *reader, uint32_t n)
{
	reader->left -= n;
	end_record(reader);
}

bool rpc_between(const struct rpc_reader *reader)
{
	return !reader->n_mark && !reader->left &&
	       (reader->body ? reader->last : !reader->n_head && !reader->fragments);
}

void rpc_head(const struct rpc_reader *reader, struct rpc_head *ret_head)
{
	const uint8_t *head = reader->head;
	struct rpc_head found = { .xid = word_read(head), .type = word_read(head + AT_TYPE) };
	uint32_t verifier;

	*ret_head = found;
	if (found.type == RPC_REPLY)
		return;
	ret_head->mismatch = word_read(head + AT_RPC_VERSION) != RPC_VERSION;
	if (ret_head->mismatch)
		return;
	ret_head->program = word_read(head + AT_PROGRAM);
	ret_head->version = word_read(head + AT_VERSION);
	ret_head->procedure = word_read(head + AT_PROCEDURE);
	ret_head->credential_size = word_read(head + AT_CREDENTIAL_SIZE);
	if (ret_head->credential_size > RPC_AUTH_MAX) {
		*ret_head = found;
		ret_head->denied = RPC_AUTH_BADCRED;
		return;
	}
	ret_head->flavor = word_read(head + AT_FLAVOR);
	ret_head->credential = head + AT_CREDENTIAL;
	verifier = AT_CREDENTIAL + word_padded(ret_head->credential_size);
	if (word_read(head + verifier + WORD) > RPC_AUTH_MAX) {
		*ret_head = found;
		ret_head->denied = RPC_AUTH_BADVERF;
		return;
	}
	ret_head->verifier = head + verifier;
	ret_head->verifier_size = reader->n_head - verifier;
}

size_t rpc_forward(const struct rpc_reader *reader, const struct auth_sys *credential,
		   uint8_t *ret_bytes)
{
	uint8_t *at = ret_bytes + RPC_MARK_SIZE;
	size_t size = reader->n_head;

	memcpy(at, reader->head, size);
	if (credential) {
		size_t verifier =
			AT_CREDENTIAL + word_padded(word_read(reader->head + AT_CREDENTIAL_SIZE));
		size_t body = auth_sys_encode(credential, at + AT_CREDENTIAL);

		word_write(at + AT_FLAVOR, RPC_AUTH_SYS);
		word_write(at + AT_CREDENTIAL_SIZE, (uint32_t)body); /* of whole words as it is */
		memcpy(at + AT_CREDENTIAL + body, reader->head + verifier, size - verifier);
		size = AT_CREDENTIAL + body + (size - verifier);
	}
	word_write(ret_bytes, ((uint32_t)size + reader->left) | (reader->last ? RPC_LAST : 0));
	return RPC_MARK_SIZE + size;
}

/* reply() - a denied call's, up to the reason; returns what comes behind it */
static uint8_t *reply(uint8_t *bytes, uint32_t words, uint32_t xid, uint32_t why)
{
	bytes = word_write(bytes, RPC_LAST | words * WORD);
	bytes = word_write(bytes, xid);
	bytes = word_write(bytes, RPC_REPLY);
	bytes = word_write(bytes, MSG_DENIED);
	return word_write(bytes, why);
}

size_t rpc_denied(uint32_t xid, enum rpc_auth_stat why, uint8_t ret_bytes[static RPC_DENIED_MAX])
{
	return (size_t)(word_write(reply(ret_bytes, 5, xid, AUTH_ERROR), why) - ret_bytes);
}

size_t rpc_mismatched(uint32_t xid, uint8_t ret_bytes[static RPC_DENIED_MAX])
{
	uint8_t *at = reply(ret_bytes, 6, xid, RPC_MISMATCH);

	at = word_write(at, RPC_VERSION); /* the lowest version that is spoken, and the highest */
	return (size_t)(word_write(at, RPC_VERSION) - ret_bytes);
}
