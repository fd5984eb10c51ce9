/* SPDX-License-Identifier: MIT */
#include "vouch/key.h"

#include <endian.h>
#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"

#define CONTEXT            "portcred vouch v1" /* without its NUL */
#define DIRECTION_BYTES    16U
#define FINGERPRINT_BYTES  16U
#define FINGERPRINT_LETTER 5U /* letters of a proquint, which stands for 16 bits */

_Static_assert(KEY_BYTES == crypto_scalarmult_BYTES, "X25519's public keys");
_Static_assert(KEY_BYTES == crypto_scalarmult_SCALARBYTES, "X25519's secret keys");
_Static_assert(DIRECTION_BYTES == crypto_shorthash_siphash24_KEYBYTES &&
		       DIRECTION_BYTES == sizeof(struct vouch_key),
	       "SipHash's key");
_Static_assert(KEY_FINGERPRINT == FINGERPRINT_BYTES / 2 * (FINGERPRINT_LETTER + 1),
	       "each word has a dash or the NUL behind it");

/* struct shared - a secret, for as long as it is needed: S, and what comes before it */
struct shared {
	uint8_t bytes[KEY_BYTES];
};

static void shared_clear(struct shared *shared)
{
	sodium_memzero(shared, sizeof(*shared));
}

/* begin() - libsodium wants to be asked first; more than once is nothing */
static int begin(void)
{
	return sodium_init() < 0 ? -EIO : 0;
}

int key_generate(struct own_key *ret_key)
{
	_cleanup_(shared_clear) struct shared secret = { 0 };
	ssize_t n;

	do
		n = getrandom(secret.bytes, sizeof(secret.bytes), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* So few bytes come whole or not at all: getrandom(2). */
	if ((size_t)n != sizeof(secret.bytes))
		return -EIO;
	return key_from_secret(secret.bytes, ret_key);
}

int key_from_secret(const uint8_t secret[static KEY_BYTES], struct own_key *ret_key)
{
	_cleanup_(key_clear) struct own_key key = { 0 };
	int r = begin();

	if (r < 0)
		return r;
	memcpy(key.secret_key, secret, KEY_BYTES);
	if (crypto_scalarmult_base(key.public_key, key.secret_key) != 0)
		return -EIO;
	*ret_key = key;
	return 0;
}

void key_clear(struct own_key *key)
{
	sodium_memzero(key->secret_key, sizeof(key->secret_key));
}

/* share() - S; false where X25519 gives all zeroes */
static bool share(const struct own_key *own, const uint8_t theirs[static KEY_BYTES],
		  struct shared *ret_shared)
{
	bool first = memcmp(own->public_key, theirs, KEY_BYTES) < 0;
	_cleanup_(shared_clear) struct shared point = { 0 };
	crypto_generichash_state state;

	/* libsodium refuses points of small order and looks at the result too. */
	if (crypto_scalarmult(point.bytes, own->secret_key, theirs) != 0)
		return false;
	crypto_generichash_init(&state, NULL, 0, KEY_BYTES);
	crypto_generichash_update(&state, point.bytes, KEY_BYTES);
	crypto_generichash_update(&state, first ? own->public_key : theirs, KEY_BYTES);
	crypto_generichash_update(&state, first ? theirs : own->public_key, KEY_BYTES);
	crypto_generichash_final(&state, ret_shared->bytes, KEY_BYTES);
	sodium_memzero(&state, sizeof(state));
	return true;
}

/* direct() - K */
static void direct(const struct shared *shared, const uint8_t from[static KEY_BYTES],
		   const uint8_t to[static KEY_BYTES], struct vouch_key *ret_key)
{
	crypto_generichash_state state;
	struct vouch_key key;

	crypto_generichash_init(&state, shared->bytes, KEY_BYTES, DIRECTION_BYTES);
	crypto_generichash_update(&state, (const uint8_t *)CONTEXT, strlen(CONTEXT));
	crypto_generichash_update(&state, from, KEY_BYTES);
	crypto_generichash_update(&state, to, KEY_BYTES);
	crypto_generichash_final(&state, (uint8_t *)&key, DIRECTION_BYTES);
	ret_key->word[0] = le64toh(key.word[0]);
	ret_key->word[1] = le64toh(key.word[1]);
	sodium_memzero(&state, sizeof(state));
	sodium_memzero(&key, sizeof(key));
}

int key_pair_derive(const struct own_key *own, const uint8_t theirs[static KEY_BYTES],
		    struct key_pair *ret_pair)
{
	_cleanup_(shared_clear) struct shared shared = { 0 };
	int r = begin();

	if (r < 0)
		return r;
	if (memcmp(own->public_key, theirs, KEY_BYTES) == 0 || !share(own, theirs, &shared))
		return -EINVAL;
	direct(&shared, theirs, own->public_key, &ret_pair->in);
	direct(&shared, own->public_key, theirs, &ret_pair->out);
	return 0;
}

void key_to_base64(char ret_text[static KEY_BASE64], const uint8_t key[static KEY_BYTES])
{
	sodium_bin2base64(ret_text, KEY_BASE64, key, KEY_BYTES, sodium_base64_VARIANT_ORIGINAL);
}

int key_from_base64(const char *text, size_t length, uint8_t ret_key[static KEY_BYTES])
{
	_cleanup_(shared_clear) struct shared key = { 0 };
	char again[KEY_BASE64];
	size_t bytes;
	bool same;

	if (length != KEY_BASE64 - 1 ||
	    sodium_base642bin(key.bytes, KEY_BYTES, text, length, NULL, &bytes, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    bytes != KEY_BYTES)
		return -EINVAL;
	/* libsodium 1.0.18 takes some bytes beyond ASCII for letters. */
	key_to_base64(again, key.bytes);
	same = sodium_memcmp(again, text, length) == 0;
	sodium_memzero(again, sizeof(again));
	if (!same)
		return -EINVAL;
	memcpy(ret_key, key.bytes, KEY_BYTES);
	return 0;
}

void key_fingerprint(char ret_text[static KEY_FINGERPRINT], const uint8_t key[static KEY_BYTES])
{
	static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";
	uint8_t hash[FINGERPRINT_BYTES];

	crypto_generichash(hash, sizeof(hash), key, KEY_BYTES, NULL, 0);
	for (size_t i = 0; i < sizeof(hash); i += 2) {
		unsigned bits = (unsigned)hash[i] << 8 | hash[i + 1];

		*ret_text++ = consonants[bits >> 12];
		*ret_text++ = vowels[bits >> 10 & 3];
		*ret_text++ = consonants[bits >> 6 & 15];
		*ret_text++ = vowels[bits >> 4 & 3];
		*ret_text++ = consonants[bits & 15];
		*ret_text++ = '-';
	}
	ret_text[-1] = '\0';
}
