/* SPDX-License-Identifier: MIT */
/*
 * vouch_key.c - key pairs, their text, and how they are rotated
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "vouch/own_keys.h"

#define TITLE        "portcred host key 1\n"
#define PUBLIC_TITLE "portcred host public key 1\n"
/* Thirty-two bytes 0x01, and 0x02. */
#define ONES "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define TWOS "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="

static bool same_key(const struct own_key *a, const struct own_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool all_zero(const void *bytes, size_t size)
{
	static const uint8_t zero[256];

	return size <= sizeof(zero) && memcmp(bytes, zero, size) == 0;
}

/* Would catch: a generator that does not generate, or a public key of another secret. */
static void generate(void **state)
{
	struct own_key a = { 0 }, b = { 0 }, again;

	assert_int_equal(key_generate(&a), 0);
	assert_int_equal(key_generate(&b), 0);
	assert_memory_not_equal(a.secret_key, b.secret_key, KEY_BYTES);
	assert_memory_not_equal(a.public_key, b.public_key, KEY_BYTES);
	assert_int_equal(key_from_secret(a.secret_key, &again), 0);
	assert_true(same_key(&a, &again));
	key_clear(&a);
	assert_true(all_zero(a.secret_key, KEY_BYTES));
}

/* Would catch: two directions of one key, or ends that do not agree. */
static void derive(void **state)
{
	struct own_key a, b, c;
	struct key_pair ab, ba, ac;

	assert_int_equal(key_generate(&a), 0);
	assert_int_equal(key_generate(&b), 0);
	assert_int_equal(key_generate(&c), 0);
	assert_int_equal(key_pair_derive(&a, b.public_key, &ab), 0);
	assert_int_equal(key_pair_derive(&b, a.public_key, &ba), 0);
	assert_int_equal(key_pair_derive(&a, c.public_key, &ac), 0);
	assert_memory_equal(&ab.in, &ba.out, sizeof(ab.in));
	assert_memory_equal(&ab.out, &ba.in, sizeof(ab.out));
	assert_memory_not_equal(&ab.in, &ab.out, sizeof(ab.in));
	assert_memory_not_equal(&ab.out, &ac.out, sizeof(ab.out));
	assert_int_equal(key_pair_derive(&a, a.public_key, &ab), -EINVAL);
}

static void base64(void **state)
{
	static const char *const bad[] = {
		"",
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",  /* no padding */
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", /* 33 bytes */
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==", /* 31 bytes */
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=", /* bits behind the end */
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n",
		" AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
		"AQEBAQEBAQEBAQEB QEBAQEBAQEBAQEBAQEBAQEBAQE=",
		"AQEBAQEBAQEBAQEB-QEBAQEBAQEBAQEBAQEBAQEBAQE=", /* the URLs' alphabet */
		"AQEBAQEBAQEBAQEB_QEBAQEBAQEBAQEBAQEBAQEBAQE=",
		"\xc1QEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", /* '/' to libsodium 1.0.18 */
	};
	uint8_t key[KEY_BYTES], before[KEY_BYTES];
	char text[KEY_BASE64];

	assert_int_equal(key_from_base64(ONES, 44, key), 0);
	memset(before, 1, sizeof(before));
	assert_memory_equal(key, before, KEY_BYTES);
	key_to_base64(text, key);
	assert_string_equal(text, ONES);
	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		assert_int_equal(key_from_base64(bad[i], strlen(bad[i]), key), -EINVAL);
		assert_memory_equal(key, before, KEY_BYTES);
	}
	assert_int_equal(key_from_base64("AQEBAQEBAQEBAQEB\0QEBAQEBAQEBAQEBAQEBAQEBAQE=", 44, key),
			 -EINVAL);
}

/* assert_text() - it is read as these keys, and written as the same bytes again */
static void assert_text(const char *text, size_t n, bool switched)
{
	char again[OWN_KEYS_BYTES];
	struct own_keys keys = { 0 };

	assert_int_equal(own_keys_parse(text, strlen(text), &keys), 0);
	assert_int_equal(keys.n, n);
	assert_int_equal(keys.switched, switched);
	assert_int_equal(own_keys_print(&keys, again), strlen(text));
	assert_memory_equal(again, text, strlen(text));
	own_keys_clear(&keys);
	assert_int_equal(keys.n, 0);
	assert_true(all_zero(keys.items[0].secret_key, KEY_BYTES));
	assert_true(all_zero(keys.items[1].secret_key, KEY_BYTES));
}

static void text(void **state)
{
	struct public_keys public;

	assert_text(TITLE ONES "\n", 1, false);
	assert_text(TITLE ONES "\n" TWOS " next\n", 2, false);
	assert_text(TITLE ONES "\n" TWOS " old\n", 2, true);
	assert_int_equal(public_keys_parse(PUBLIC_TITLE ONES "\n" TWOS " old\n",
					   strlen(PUBLIC_TITLE) + 94, &public),
			 0);
	assert_int_equal(public.n, 2);
	assert_true(public.switched);
	assert_int_equal(public.items[1][31], 2);
}

/* Would catch: a damaged file that is read as some key. */
static void bad_texts(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		TITLE,
		TITLE ONES,
		TITLE ONES "\r\n",
		TITLE ONES "\n\n",
		TITLE ONES " \n",
		TITLE ONES " next\n",
		TITLE ONES " old\n",
		TITLE "\n" ONES "\n",
		TITLE ONES "\n" TWOS "\n",
		TITLE ONES "\n" TWOS " new\n",
		TITLE ONES "\n" TWOS "  old\n",
		TITLE ONES "\n" TWOS " old",
		TITLE ONES "\n" TWOS " old\n\n",
		TITLE ONES "\n" ONES " old\n",
		TITLE ONES "\n" TWOS " old\n" TWOS " old\n",
		ONES "\n",
		"portcred host key 2\n" ONES "\n",
		"portcred host key 1 \n" ONES "\n",
		" " TITLE ONES "\n",
		/* X25519 takes both for one key: they differ in bits that it sets itself. */
		TITLE ONES "\n"
			   "AAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE= next\n",
		/* A public key must not be taken for a secret one, nor the other way round. */
		PUBLIC_TITLE ONES "\n",
	};
	struct own_keys keys = { 0 };
	struct public_keys public = { 0 };

	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		assert_int_equal(own_keys_parse(bad[i], strlen(bad[i]), &keys), -EBADMSG);
		assert_int_equal(keys.n, 0);
	}
	assert_int_equal(public_keys_parse(TITLE ONES "\n", strlen(TITLE) + 45, &public), -EBADMSG);
	assert_int_equal(public_keys_parse(PUBLIC_TITLE ONES "\n" ONES " next\n",
					   strlen(PUBLIC_TITLE) + 95, &public),
			 -EBADMSG);
	assert_int_equal(public.n, 0);
}

/* Every text that was cut, or has one byte changed, is refused or reads as what it says. */
static void damaged_texts(void **state)
{
	static const char whole[] = TITLE ONES "\n" TWOS " next\n";
	char copy[OWN_KEYS_BYTES], again[OWN_KEYS_BYTES];
	const size_t size = strlen(whole);
	struct own_keys keys;

	for (size_t length = 0; length < size; length++) {
		int r = own_keys_parse(whole, length, &keys);

		/* What ends behind the first key is a whole file with one key. */
		assert_int_equal(r, length == strlen(TITLE ONES "\n") ? 0 : -EBADMSG);
	}
	for (size_t at = 0; at < size; at++) {
		for (unsigned change = 1; change <= UINT8_MAX; change++) {
			memcpy(copy, whole, size);
			copy[at] = (char)((unsigned char)copy[at] ^ change);
			if (own_keys_parse(copy, size, &keys) < 0)
				continue;
			assert_int_equal(own_keys_print(&keys, again), size);
			assert_memory_equal(again, copy, size);
		}
	}
}

static void rotate(void **state)
{
	struct own_keys keys = { .n = 1 };
	struct own_key old, new;

	assert_int_equal(key_generate(&keys.items[0]), 0);
	old = keys.items[0];

	assert_int_equal(own_keys_switch(&keys), -EINVAL);
	assert_int_equal(own_keys_finish(&keys), -EINVAL);
	assert_int_equal(own_keys_rotate(&keys), 0);
	new = keys.items[1];
	assert_int_equal(keys.n, 2);
	assert_true(same_key(&keys.items[0], &old));
	assert_false(same_key(&new, &old));

	assert_int_equal(own_keys_rotate(&keys), -EINVAL);
	assert_int_equal(own_keys_finish(&keys), -EINVAL);
	assert_int_equal(own_keys_switch(&keys), 0);
	assert_int_equal(keys.n, 2);
	assert_true(same_key(&keys.items[0], &new));
	assert_true(same_key(&keys.items[1], &old));

	assert_int_equal(own_keys_rotate(&keys), -EINVAL);
	assert_int_equal(own_keys_switch(&keys), -EINVAL);
	assert_int_equal(own_keys_finish(&keys), 0);
	assert_int_equal(keys.n, 1);
	assert_true(same_key(&keys.items[0], &new));
	assert_true(all_zero(keys.items[1].secret_key, KEY_BYTES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generate),  cmocka_unit_test(derive),
		cmocka_unit_test(base64),    cmocka_unit_test(text),
		cmocka_unit_test(bad_texts), cmocka_unit_test(damaged_texts),
		cmocka_unit_test(rotate),
	};

	return cmocka_run_group_tests_name("vouch_key", tests, NULL, NULL);
}
