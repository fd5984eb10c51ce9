/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - libFuzzer target: a file that claims to be the policy in force
 *
 * Whatever is accepted must write exactly the same bytes again, but for the number of an old version
 * (so nothing of the input was passed over or read in two ways), and its names must answer without a
 * crash.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot.h"
#include "policy/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* require() - a crash, which libFuzzer keeps the input of */
static void require(bool condition)
{
	if (!condition)
		abort();
}

static void write_again(const struct sources *sources, const struct snapshot_names *names,
			const uint8_t *data, size_t size)
{
	const size_t at = strlen("portcred snapshot "); /* the version's number */
	struct writer writer;
	char *bytes;

	require(writer_open(&writer) == 0);
	require(snapshot_print(sources, names, writer.out) == 0);
	require(writer_close(&writer, &bytes) == 0);
	require(writer.size == size && memcmp(bytes, data, at) == 0);
	require((data[at] == '1' || data[at] == '2') && bytes[at] == '2');
	require(memcmp(bytes + at + 1, data + at + 1, size - at - 1) == 0);
	free(bytes);
}

/* ascend() - members come by group and uid, each once */
static int ascend(void *closure, uint32_t gid, uint32_t uid)
{
	uint64_t *last = closure, pair = (uint64_t)gid << 32 | uid;

	require(*last == 0 || pair > *last);
	*last = pair;
	return 0;
}

static void look_up(struct snapshot_names *names)
{
	const struct policy_environment environment = snapshot_environment(names, NULL);
	uint32_t user = 0, group = 0;
	uint64_t last = 0;

	/* Names of the seeds, and one that is in none of them. */
	environment.find_user(environment.data, "alice", &user);
	environment.find_group(environment.data, "dba", &group);
	require(environment.find_user(environment.data, "", &user) < 0);
	environment.find_members(environment.data, 500, ascend, &last);
	last = 0;
	environment.list_memberships(environment.data, ascend, &last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot_names *names = NULL;
	struct sources *sources = NULL;

	if (snapshot_parse((const char *)data, size, &sources, &names) < 0) {
		require(!sources && !names);
		return 0;
	}
	write_again(sources, names, data, size);
	look_up(names);
	require(snapshot_same_sources(sources, sources));
	snapshot_names_free(names);
	sources_free(sources);
	return 0;
}
