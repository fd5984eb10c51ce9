/* SPDX-License-Identifier: MIT */
/*
 * own_keys.h - this host's key pairs: one, or two while they are rotated; and the text they are kept as
 *
 * Rotation refuses no connection, because for a while both keys are good everywhere:
 *
 *	        we stamp with, and accept    others know    next
 *	key     key           key            key            own_keys_rotate()
 *	+ next  key           key, next      key, next      own_keys_switch(), when all others know both
 *	+ old   next          next, key      next           own_keys_finish(), when all know it alone
 *
 * The text is a line "portcred host key 1", then the secret key in base64 on a line of its own, then
 * perhaps another with " next" or " old" behind it. There is one way to write it. Public keys are
 * kept in the same way below "portcred host public key 1".
 */
#ifndef PORTCRED_VOUCH_OWN_KEYS_H
#define PORTCRED_VOUCH_OWN_KEYS_H

#include <stdbool.h>

#include "vouch/key.h"

#define MAX_OWN_KEYS   2U
#define OWN_KEYS_BYTES 128U /* room for the text, which ends with a newline and no NUL */

/* struct own_keys - we stamp with the first; all are good for what comes in. own_keys_clear() */
struct own_keys {
	struct own_key items[MAX_OWN_KEYS];
	size_t n;
	bool switched; /* n == 2: the second is the old one; else it is the next one */
};

/* struct public_keys - the same without the secrets */
struct public_keys {
	uint8_t items[MAX_OWN_KEYS][KEY_BYTES];
	size_t n;
	bool switched;
};

void own_keys_clear(struct own_keys *keys);
struct public_keys own_keys_public(const struct own_keys *keys);

/*
 * own_keys_rotate() - add the key to come
 * own_keys_switch() - stamp with it
 * own_keys_finish() - forget the one of before
 *
 * Return 0; -EINVAL with nothing changed where it is not the time for this step; own_keys_rotate()
 * -errno of key_generate() too.
 */
int own_keys_rotate(struct own_keys *keys);
int own_keys_switch(struct own_keys *keys);
int own_keys_finish(struct own_keys *keys);

/*
 * own_keys_print() - the text, secrets and all; returns its size
 * own_keys_parse() - the keys of a text; -EBADMSG for anything that own_keys_print() does not write
 */
size_t own_keys_print(const struct own_keys *keys, char ret_text[static OWN_KEYS_BYTES]);
int own_keys_parse(const char *text, size_t size, struct own_keys *ret_keys);

/* public_keys_print(), public_keys_parse() - the same of public keys */
size_t public_keys_print(const struct public_keys *keys, char ret_text[static OWN_KEYS_BYTES]);
int public_keys_parse(const char *text, size_t size, struct public_keys *ret_keys);

#endif
