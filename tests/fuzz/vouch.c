/* SPDX-License-Identifier: MIT */
/*
 * vouch.c - libFuzzer target: 20 bytes of a stranger's TCP header, and files that claim to hold keys
 *
 * An option is what plain bytes say it is, and of one role at most; a tag is libsodium's SipHash. A
 * text that is accepted is written as exactly the same bytes again.
 */
#include <endian.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/vouch.h"
#include "vouch/own_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* require() - a crash, which libFuzzer keeps the input of */
static void require(bool condition)
{
	if (!condition)
		abort();
}

static void read_option(const uint8_t *data, size_t size)
{
	struct vouch_option option;
	unsigned present = 0;

	if (size < sizeof(option))
		return;
	memcpy(&option, data, sizeof(option));
	for (unsigned role = VOUCH_SYN; role <= VOUCH_ACK; role++) {
		enum vouch_found found = vouch_option_check(&option, (enum vouch_role)role);
		bool ours = data[0] == 253 && data[2] == 0x70 && data[3] == 0x63;

		require((found == VOUCH_ABSENT) == !ours);
		if (found != VOUCH_PRESENT)
			continue;
		require(data[1] == 20 && data[4] >> 4 == 1 && !data[6] && !data[7]);
		require(data[5] == role || (role == VOUCH_SYN_ACK && data[5] == 6));
		present++;
	}
	require(present <= 1);
}

static void compare_tags(const uint8_t *data, size_t size)
{
	uint8_t expected[crypto_shorthash_siphash24_BYTES];
	struct vouch_signed signed_;
	struct vouch_key key;
	uint64_t tag;

	if (size < sizeof(key) + sizeof(signed_))
		return;
	memcpy(&key, data, sizeof(key));
	memcpy(&signed_, data + sizeof(key), sizeof(signed_));
	crypto_shorthash_siphash24(expected, (const uint8_t *)&signed_, sizeof(signed_), data);
	key.word[0] = le64toh(key.word[0]);
	key.word[1] = le64toh(key.word[1]);
	tag = vouch_tag(&key, &signed_);
	require(memcmp(&tag, expected, sizeof(tag)) == 0);
}

static void read_secrets(const uint8_t *data, size_t size)
{
	struct own_keys keys = { 0 };
	char again[OWN_KEYS_BYTES];

	if (own_keys_parse((const char *)data, size, &keys) < 0) {
		require(keys.n == 0);
		return;
	}
	require(keys.n >= 1 && keys.n <= MAX_OWN_KEYS && (keys.n == 2 || !keys.switched));
	require(own_keys_print(&keys, again) == size && memcmp(again, data, size) == 0);
}

static void read_public(const uint8_t *data, size_t size)
{
	struct public_keys keys = { 0 };
	char again[OWN_KEYS_BYTES];

	if (public_keys_parse((const char *)data, size, &keys) < 0) {
		require(keys.n == 0);
		return;
	}
	require(keys.n >= 1 && keys.n <= MAX_OWN_KEYS && (keys.n == 2 || !keys.switched));
	require(public_keys_print(&keys, again) == size && memcmp(again, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_option(data, size);
	compare_tags(data, size);
	read_secrets(data, size);
	read_public(data, size);
	return 0;
}
