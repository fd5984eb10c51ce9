/* SPDX-License-Identifier: MIT */
#include "vouch/own_keys.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/cleanup.h"

#define SECRET_TITLE "portcred host key 1\n"
#define PUBLIC_TITLE "portcred host public key 1\n"

/* What stands behind the second key. */
#define NEXT_MARK " next\n"
#define OLD_MARK  " old\n"

_Static_assert(sizeof(PUBLIC_TITLE) + 2 * KEY_BASE64 + sizeof(NEXT_MARK) <= OWN_KEYS_BYTES,
	       "room for the longest text");

/* A text says of secret keys what another says of public ones. */
static void lines_clear(struct public_keys *lines)
{
	sodium_memzero(lines, sizeof(*lines));
}

void own_keys_clear(struct own_keys *keys)
{
	for (size_t i = 0; i < MAX_OWN_KEYS; i++)
		key_clear(&keys->items[i]);
	keys->n = 0;
}

struct public_keys own_keys_public(const struct own_keys *keys)
{
	struct public_keys public = { .n = keys->n, .switched = keys->switched };

	for (size_t i = 0; i < keys->n; i++)
		memcpy(public.items[i], keys->items[i].public_key, KEY_BYTES);
	return public;
}

int own_keys_rotate(struct own_keys *keys)
{
	int r;

	if (keys->n != 1)
		return -EINVAL;
	r = key_generate(&keys->items[1]);
	if (r < 0)
		return r;
	keys->n = 2;
	keys->switched = false;
	return 0;
}

int own_keys_switch(struct own_keys *keys)
{
	_cleanup_(key_clear) struct own_key old = { 0 };

	if (keys->n != 2 || keys->switched)
		return -EINVAL;
	old = keys->items[0];
	keys->items[0] = keys->items[1];
	keys->items[1] = old;
	keys->switched = true;
	return 0;
}

int own_keys_finish(struct own_keys *keys)
{
	if (keys->n != 2 || !keys->switched)
		return -EINVAL;
	key_clear(&keys->items[1]);
	keys->n = 1;
	keys->switched = false;
	return 0;
}

/* put() - returns where the text goes on */
static char *put(char *at, const char *text)
{
	return (char *)mempcpy(at, text, strlen(text));
}

static size_t print_lines(const struct public_keys *lines, const char *title,
			  char ret_text[static OWN_KEYS_BYTES])
{
	char base64[KEY_BASE64], *at = put(ret_text, title);

	for (size_t i = 0; i < lines->n; i++) {
		key_to_base64(base64, lines->items[i]);
		at = put(at, base64);
		at = put(at, i == 0 ? "\n" : lines->switched ? OLD_MARK : NEXT_MARK);
	}
	sodium_memzero(base64, sizeof(base64));
	return (size_t)(at - ret_text);
}

/* struct text - what is left of one */
struct text {
	const char *at;
	size_t left;
};

/* take() - whether @expected comes next; it is then behind us */
static bool take(struct text *text, const char *expected)
{
	size_t length = strlen(expected);

	if (text->left < length || memcmp(text->at, expected, length) != 0)
		return false;
	text->at += length;
	text->left -= length;
	return true;
}

static bool take_key(struct text *text, uint8_t ret_key[static KEY_BYTES])
{
	if (text->left < KEY_BASE64 - 1 || key_from_base64(text->at, KEY_BASE64 - 1, ret_key) < 0)
		return false;
	text->at += KEY_BASE64 - 1;
	text->left -= KEY_BASE64 - 1;
	return true;
}

static int parse_lines(struct text text, const char *title, struct public_keys *ret_lines)
{
	if (!take(&text, title) || !take_key(&text, ret_lines->items[0]) || !take(&text, "\n"))
		return -EBADMSG;
	ret_lines->n = 1;
	ret_lines->switched = false;
	if (text.left == 0)
		return 0;
	if (!take_key(&text, ret_lines->items[1]))
		return -EBADMSG;
	ret_lines->n = 2;
	ret_lines->switched = take(&text, OLD_MARK);
	if (!ret_lines->switched && !take(&text, NEXT_MARK))
		return -EBADMSG;
	return text.left == 0 ? 0 : -EBADMSG;
}

/* one_key_twice() - nobody rotates to the key that he has */
static bool one_key_twice(const struct public_keys *keys)
{
	return keys->n == 2 && memcmp(keys->items[0], keys->items[1], KEY_BYTES) == 0;
}

size_t own_keys_print(const struct own_keys *keys, char ret_text[static OWN_KEYS_BYTES])
{
	_cleanup_(lines_clear) struct public_keys lines = { .n = keys->n,
							    .switched = keys->switched };

	for (size_t i = 0; i < keys->n; i++)
		memcpy(lines.items[i], keys->items[i].secret_key, KEY_BYTES);
	return print_lines(&lines, SECRET_TITLE, ret_text);
}

int own_keys_parse(const char *text, size_t size, struct own_keys *ret_keys)
{
	_cleanup_(lines_clear) struct public_keys lines = { 0 };
	_cleanup_(own_keys_clear) struct own_keys keys = { 0 };
	struct public_keys public;
	int r = parse_lines((struct text){ text, size }, SECRET_TITLE, &lines);

	for (size_t i = 0; r == 0 && i < lines.n; i++)
		r = key_from_secret(lines.items[i], &keys.items[i]);
	if (r < 0)
		return r;
	keys.n = lines.n;
	keys.switched = lines.switched;
	/* Bits that X25519 does not look at make no other key. */
	public = own_keys_public(&keys);
	if (one_key_twice(&public))
		return -EBADMSG;
	*ret_keys = keys;
	return 0;
}

size_t public_keys_print(const struct public_keys *keys, char ret_text[static OWN_KEYS_BYTES])
{
	return print_lines(keys, PUBLIC_TITLE, ret_text);
}

int public_keys_parse(const char *text, size_t size, struct public_keys *ret_keys)
{
	struct public_keys keys = { 0 };
	int r = parse_lines((struct text){ text, size }, PUBLIC_TITLE, &keys);

	if (r < 0)
		return r;
	if (one_key_twice(&keys))
		return -EBADMSG;
	*ret_keys = keys;
	return 0;
}
