/* SPDX-License-Identifier: MIT */
/*
 * nfsgate.c - libFuzzer target: what clients of the NFS gate send, its table of users, its configuration
 *
 * The first byte says what follows. Of records: it says too in what pieces they come. What is read of them
 * must not depend on that; what is passed on must be read again as it was understood, in one fragment up to
 * the end of the head, whatever it was cut into; and no body byte may be lost or made up.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nfsgate/config.h"
#include "nfsgate/rule.h"
#include "nfsgate/word.h"

#define MAX_RECORD 65536U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* struct heard - a digest of all that was read: heads, marks, where bodies lay */
struct heard {
	uint64_t digest;
	size_t heads;
	int error;
};

static void add(struct heard *heard, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		heard->digest = (heard->digest ^ bytes[i]) * 1099511628211U;
}

/* read_again() - what rpc_forward() wrote, by another reader */
static void read_again(const uint8_t *sent, size_t n, const struct rpc_reader *first,
		       const struct auth_sys *expected)
{
	uint8_t one[RPC_AUTH_MAX], other[RPC_AUTH_MAX];
	struct auth_sys found;
	struct rpc_reader reader;
	struct rpc_head head;
	size_t taken;

	rpc_reader_init(&reader, MAX_RECORD + RPC_HEAD_MAX);
	assert(rpc_read(&reader, sent, n, &taken) == RPC_HEAD);
	assert(taken == n && rpc_passing(&reader) == rpc_passing(first));
	if (!expected)
		return;
	rpc_head(&reader, &head);
	assert(head.flavor == RPC_AUTH_SYS && !head.denied);
	assert(auth_sys_decode(head.credential, head.credential_size, &found) == 0);
	assert(auth_sys_encode(&found, one) == auth_sys_encode(expected, other));
	assert(memcmp(one, other, head.credential_size) == 0);
}

static void judge(const struct rpc_reader *reader)
{
	static const uint32_t his[] = { 1, 2, 3 };
	const struct user_groups groups = { .known = true, .gid = 9, .n = 3, .gids = his };
	struct caller caller = { .speaks = SPEAKS_FOR_ONE, .raw_uid = 1, .uid = 1 };
	struct rule rule = { .anonymous_uid = 65534, .anonymous_gid = 65534 };
	uint8_t sent[RPC_MARK_SIZE + RPC_HEAD_MAX];
	struct auth_sys credential;
	struct rpc_head head;
	bool wants;

	rpc_head(reader, &head);
	if (head.type == RPC_REPLY || (!head.mismatch && !head.denied))
		read_again(sent, rpc_forward(reader, NULL, sent), reader, NULL);
	if (head.type == RPC_REPLY || head.mismatch || head.denied)
		return;
	if (head.flavor != RPC_AUTH_SYS ||
	    auth_sys_decode(head.credential, head.credential_size, &credential) < 0)
		return;
	if (rule_claim(&rule, &caller, &credential, &wants) != RPC_AUTH_OK) {
		assert(credential.uid != 1);
		return;
	}
	assert(credential.uid == 1 && wants);
	rule_groups(&rule, &groups, &credential);
	assert(credential.gid == 9 || credential.gid <= 3);
	for (uint32_t i = 0; i < credential.n_gids; i++)
		assert(credential.gids[i] == 9 || (credential.gids[i] <= 3 && credential.gids[i]));
	read_again(sent, rpc_forward(reader, &credential, sent), reader, &credential);
}

static void read_records(const uint8_t *data, size_t size, size_t step, uint32_t max_record,
			 struct heard *heard)
{
	struct rpc_reader reader;
	size_t at = 0;

	rpc_reader_init(&reader, max_record);
	while (at < size && heard->error >= 0) {
		size_t n = size - at < step ? size - at : step, passing = rpc_passing(&reader),
		       taken;

		if (passing) {
			n = n < passing ? n : passing;
			rpc_pass(&reader, (uint32_t)n);
			at += n;
			continue;
		}
		heard->error = rpc_read(&reader, data + at, n, &taken);
		assert(taken <= n && (taken || heard->error < 0));
		at += taken;
		assert(reader.n_head <= RPC_HEAD_MAX);
		if (max_record)
			assert(heard->error < 0 || reader.size <= max_record);
		if (heard->error == RPC_HEAD) {
			heard->heads++;
			add(heard, reader.head, reader.n_head);
			judge(&reader);
		} else if (heard->error == RPC_FRAGMENT) {
			add(heard, reader.mark, RPC_MARK_SIZE);
		}
	}
	assert(heard->error >= 0 || heard->error > -200);
}

/* say() - the messages, with the lines that they are about */
static void say(struct diagnostics *diagnostics, const char *text, size_t size)
{
	struct sources *sources = sources_new();
	FILE *out = fopen("/dev/null", "we");

	assert(out && sources && sources_add(sources, "file", text, size) == 0);
	diagnostics_print(diagnostics, sources, false, out);
	diagnostics_clear(diagnostics);
	sources_free(sources);
	fclose(out);
}

static void read_table(const char *text, size_t size)
{
	struct diagnostics diagnostics = { 0 };
	struct id_found *found;
	struct id_table table;
	uint32_t id;
	int r;

	r = ids_parse(text, size, &diagnostics, &table);
	assert((r == 0) == (diagnostics.errors == 0));
	if (r == 0) {
		found = calloc(table.n_names + 1, sizeof(*found));
		for (size_t i = 0; i < table.n_names; i++) /* some of them known, some the same */
			found[i] = (struct id_found){ i % 5 == 4 ? -ENOENT : 0, (uint32_t)(i % 7) };
		r = ids_settle(&table, found, &diagnostics);
		free(found);
		for (uint16_t host = 0; r == 0 && host <= table.n_hosts; host++) {
			for (uint32_t i = 0; i < 64; i++) {
				assert(!ids_map(&table, ID_USER, host, i, &id) || id <= ID_MAX);
				assert(!ids_map(&table, ID_GROUP, host, UINT32_MAX - i, &id) ||
				       id <= ID_MAX);
			}
		}
		ids_clear(&table);
	}
	say(&diagnostics, text, size);
}

/* read_config() - what it refers to is in the words; what is wrong has a place in the text */
static void read_config(const char *text, size_t size)
{
	struct diagnostics diagnostics = { 0 };
	struct options options = { 0 };
	char *words = malloc(size + 1);

	memcpy(words, text, size);
	words[size] = '\0';
	config_parse(words, size, &options, &diagnostics);
	assert(options.n_listen <= MAX_LISTENERS && options.rule.n_root_of <= MAX_HOSTS);
	for (size_t i = 0; i < options.rule.n_root_of; i++)
		assert(options.rule.root_of[i] >= words && options.rule.root_of[i] < words + size);
	for (size_t i = 0; i < diagnostics.n_items; i++)
		assert(diagnostics.items[i].where.line && diagnostics.items[i].where.column);
	say(&diagnostics, text, size);
	free(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole = { 0 }, pieces = { 0 }, replies = { 0 };

	if (size == 0)
		return 0;
	if (data[0] == 'c') {
		read_config((const char *)data + 1, size - 1);
		return 0;
	}
	if (data[0] == 't') {
		read_table((const char *)data + 1, size - 1);
		return 0;
	}
	read_records(data + 1, size - 1, SIZE_MAX, MAX_RECORD, &whole);
	read_records(data + 1, size - 1, 1U + data[0] % 64, MAX_RECORD, &pieces);
	assert(whole.digest == pieces.digest && whole.heads == pieces.heads);
	assert((whole.error < 0) == (pieces.error < 0));
	read_records(data + 1, size - 1, 1U + data[0] % 64, 0, &replies);
	assert(replies.heads == 0 && replies.error >= 0);
	return 0;
}
