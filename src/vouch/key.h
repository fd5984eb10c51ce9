/* SPDX-License-Identifier: MIT */
/*
 * key.h - a host's key pair, and the keys that two hosts share (X25519, BLAKE2b; libsodium)
 *
 *	S = BLAKE2b-256(X25519(a, B) || smaller public key || larger public key)
 *	K = BLAKE2b-128(key S, "portcred vouch v1" || sender's public key || receiver's)
 *
 * doc/protocol-vouch.md has it byte by byte. Nothing here reads a file or a clock. Secrets are
 * overwritten where they are not handed out.
 */
#ifndef PORTCRED_VOUCH_KEY_H
#define PORTCRED_VOUCH_KEY_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

#define KEY_BYTES       32U
#define KEY_BASE64      45U /* characters of a key with the NUL */
#define KEY_FINGERPRINT 48U /* of a fingerprint with its NUL */

/* struct own_key - one key pair of this host */
struct own_key {
	uint8_t public_key[KEY_BYTES];
	uint8_t secret_key[KEY_BYTES];
};

/* key_generate() - a new pair from the kernel's random numbers. Returns 0, -errno. */
int key_generate(struct own_key *ret_key);

/* key_from_secret() - the pair of a secret key; any 32 bytes are one. Returns 0, -EIO. */
int key_from_secret(const uint8_t secret[static KEY_BYTES], struct own_key *ret_key);

/* key_clear() - overwrite the secret, whatever the compiler thinks of it */
void key_clear(struct own_key *key);

/*
 * key_pair_derive() - both directions' keys between one of our key pairs and one of their public keys
 *
 * Returns 0; -EINVAL where X25519 gives all zeroes (a public key of small order), and for our own
 * public key, with which what we send would be good for what comes in; -EIO if libsodium cannot
 * begin.
 */
int key_pair_derive(const struct own_key *own, const uint8_t theirs[static KEY_BYTES],
		    struct key_pair *ret_pair);

/* key_to_base64(), key_from_base64() - RFC 4648, section 4, padded; -EINVAL for anything else */
void key_to_base64(char ret_text[static KEY_BASE64], const uint8_t key[static KEY_BYTES]);
int key_from_base64(const char *text, size_t length, uint8_t ret_key[static KEY_BYTES]);

/*
 * key_fingerprint() - of a public key, for two people to read to each other
 * BLAKE2b-128 of it as eight proquints (D. Wilkerson, "A Proposal for Proquints", 2009): words of
 * five letters that can be spoken. Who looks for another key with the same one tries 2^128.
 */
void key_fingerprint(char ret_text[static KEY_FINGERPRINT], const uint8_t key[static KEY_BYTES]);

#endif
