/* SPDX-License-Identifier: MIT */
/*
 * vouch_option.c - tag, epochs and form of the option, beyond the vectors of the document
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "bpf/vouch.h"

#define RANDOM_TAGS 10000U

/* An epoch of these years, and one at which 32 bits end. */
static const uint32_t moments[] = { 498000, 0, UINT32_MAX };

/* Would catch: an error in our SipHash that the vectors' inputs happen not to show. */
static void tag_is_siphash(void **state)
{
	/* Reproducible, and every bit of every byte is seen in both states. */
	static const uint8_t seed[randombytes_SEEDBYTES] = "portcred";
	struct {
		uint8_t key[crypto_shorthash_siphash24_KEYBYTES];
		uint8_t message[sizeof(struct vouch_signed)];
	} * inputs;
	size_t size = RANDOM_TAGS * sizeof(*inputs);

	inputs = malloc(size);
	assert_non_null(inputs);
	randombytes_buf_deterministic(inputs, size, seed);
	for (unsigned i = 0; i < RANDOM_TAGS; i++) {
		uint8_t expected[crypto_shorthash_siphash24_BYTES];
		struct vouch_signed signed_;
		struct vouch_key key;
		uint64_t tag;

		memcpy(&key, inputs[i].key, sizeof(key));
		key.word[0] = le64toh(key.word[0]);
		key.word[1] = le64toh(key.word[1]);
		memcpy(&signed_, inputs[i].message, sizeof(signed_));
		tag = vouch_tag(&key, &signed_);
		crypto_shorthash_siphash24(expected, inputs[i].message, sizeof(inputs[i].message),
					   inputs[i].key);
		assert_memory_equal(&tag, expected, sizeof(tag));
	}
	free(inputs);
}

/* The layout is the document's: no field moves, grows, or is laid out by this machine's order. */
static void covered_layout(void **state)
{
	assert_int_equal(sizeof(struct vouch_signed), 56);
	assert_int_equal(offsetof(struct vouch_signed, role), 0);
	assert_int_equal(offsetof(struct vouch_signed, flags), 1);
	assert_int_equal(offsetof(struct vouch_signed, reserved), 2);
	assert_int_equal(offsetof(struct vouch_signed, epoch), 4);
	assert_int_equal(offsetof(struct vouch_signed, uid), 8);
	assert_int_equal(offsetof(struct vouch_signed, source_port), 12);
	assert_int_equal(offsetof(struct vouch_signed, destination_port), 14);
	assert_int_equal(offsetof(struct vouch_signed, source), 16);
	assert_int_equal(offsetof(struct vouch_signed, destination), 32);
	assert_int_equal(offsetof(struct vouch_signed, client_isn), 48);
	assert_int_equal(offsetof(struct vouch_signed, server_isn), 52);
}

static void epoch_of_time(void **state)
{
	const uint64_t hour = 3600ULL * 1000000000ULL;

	assert_int_equal(vouch_epoch(0, 0), 0);
	assert_int_equal(vouch_epoch(hour - 1, 0), 0);
	assert_int_equal(vouch_epoch(hour, 0), 1);
	assert_int_equal(vouch_epoch(498000 * hour, 0), 498000);
	assert_int_equal(vouch_epoch(498000 * hour, -1), 497999);
	assert_int_equal(vouch_epoch(498000 * hour, 3599), 498000);
	assert_int_equal(vouch_epoch(498000 * hour, 7200), 498002);
	/* As far as the nanoseconds of 64 bits go: the year 2554. */
	assert_int_equal(vouch_epoch(UINT64_MAX, 0), 5124095);
}

/* Would catch: a distance that is taken without regard to sign, or to the end of 32 bits. */
static void epoch_nearest(void **state)
{
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		for (int32_t distance = -8; distance <= 7; distance++) {
			uint32_t epoch = moments[i] + (uint32_t)distance;

			assert_int_equal(vouch_epoch_nearest(moments[i], epoch & 15), epoch);
		}
		/* Farther ones are taken for others: their tags cannot be right. */
		assert_int_equal(vouch_epoch_nearest(moments[i], (moments[i] + 8) & 15),
				 moments[i] - 8);
		assert_int_equal(vouch_epoch_nearest(moments[i], (moments[i] - 9) & 15),
				 moments[i] + 7);
	}
}

static void epoch_good(void **state)
{
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		for (int32_t distance = -100; distance <= 100; distance++) {
			uint32_t epoch = moments[i] + (uint32_t)distance;

			assert_int_equal(vouch_epoch_good(moments[i], epoch) != 0,
					 distance >= -1 && distance <= 1);
		}
		assert_false(vouch_epoch_good(moments[i], moments[i] + 0x80000000U));
	}
}

/* expected_check() - the document's rules over plain bytes */
static enum vouch_found expected_check(const uint8_t *bytes, unsigned role)
{
	unsigned approved = role == 2 && (bytes[5] & 4) ? 4 : 0;

	if (bytes[0] != 253 || bytes[2] != 0x70 || bytes[3] != 0x63)
		return VOUCH_ABSENT;
	if (bytes[1] != 20 || bytes[4] >> 4 != 1 || bytes[5] != (role | approved) || bytes[6] ||
	    bytes[7])
		return VOUCH_MALFORMED;
	return VOUCH_PRESENT;
}

/* Every value of every byte, one at a time, for every role. */
static void option_each_byte(void **state)
{
	static const uint8_t template[VOUCH_LENGTH] = {
		253, 20, 0x70, 0x63, 0x10, 0, 0, 0, 0, 0, 3, 232, 1, 2, 3, 4, 5, 6, 7, 8,
	};
	unsigned found[VOUCH_PRESENT + 1] = { 0 };

	for (unsigned role = VOUCH_SYN; role <= VOUCH_ACK; role++) {
		for (size_t at = 0; at < VOUCH_LENGTH; at++) {
			for (unsigned value = 0; value <= UINT8_MAX; value++) {
				uint8_t bytes[VOUCH_LENGTH];
				struct vouch_option option;
				enum vouch_found result;

				memcpy(bytes, template, sizeof(bytes));
				bytes[5] = (uint8_t)role;
				bytes[at] = (uint8_t)value;
				memcpy(&option, bytes, sizeof(option));
				result = vouch_option_check(&option, (enum vouch_role)role);
				assert_int_equal(result, expected_check(bytes, role));
				found[result]++;
			}
		}
	}
	/* Three other bytes say that it is ours, 255 values each, for three roles. */
	assert_int_equal(found[VOUCH_ABSENT], 3 * 3 * 255);
	/* The epoch's half of its byte, uid and tag are free; so is `approved` in a syn-ack. */
	assert_int_equal(found[VOUCH_PRESENT], 3 * (3 + 1 + 16 + 1 + 2 + 12 * 256) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tag_is_siphash), cmocka_unit_test(covered_layout),
		cmocka_unit_test(epoch_of_time),  cmocka_unit_test(epoch_nearest),
		cmocka_unit_test(epoch_good),     cmocka_unit_test(option_each_byte),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("vouch_option", tests, NULL, NULL);
}
