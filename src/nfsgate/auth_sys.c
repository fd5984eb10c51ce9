/* SPDX-License-Identifier: MIT */
#include "nfsgate/auth_sys.h"

#include <errno.h>

#include "nfsgate/word.h"

/* struct cursor - what is still to be read */
struct cursor {
	const uint8_t *at;
	size_t left;
};

static int take_word(struct cursor *cursor, uint32_t *ret_value)
{
	if (cursor->left < WORD)
		return -EBADMSG;
	*ret_value = word_read(cursor->at);
	cursor->at += WORD;
	cursor->left -= WORD;
	return 0;
}

/* What the padding holds is not looked at, and not passed on. */
static int take_machine(struct cursor *cursor, struct auth_sys *credential)
{
	uint32_t size;

	if (take_word(cursor, &size) < 0 || size > AUTH_SYS_MACHINE_MAX)
		return -EBADMSG;
	if (cursor->left < word_padded(size))
		return -EBADMSG;
	memcpy(credential->machine, cursor->at, size);
	credential->n_machine = size;
	cursor->at += word_padded(size);
	cursor->left -= word_padded(size);
	return 0;
}

static int take_gids(struct cursor *cursor, struct auth_sys *credential)
{
	if (take_word(cursor, &credential->n_gids) < 0 || credential->n_gids > AUTH_SYS_GIDS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < credential->n_gids; i++) {
		if (take_word(cursor, &credential->gids[i]) < 0)
			return -EBADMSG;
	}
	return 0;
}

int auth_sys_decode(const uint8_t *body, size_t size, struct auth_sys *ret_credential)
{
	struct cursor cursor = { body, size };
	struct auth_sys credential = { 0 };

	if (size > RPC_AUTH_MAX || take_word(&cursor, &credential.stamp) < 0 ||
	    take_machine(&cursor, &credential) < 0 || take_word(&cursor, &credential.uid) < 0 ||
	    take_word(&cursor, &credential.gid) < 0 || take_gids(&cursor, &credential) < 0 ||
	    cursor.left)
		return -EBADMSG;
	*ret_credential = credential;
	return 0;
}

size_t auth_sys_encode(const struct auth_sys *credential, uint8_t ret_body[static RPC_AUTH_MAX])
{
	uint8_t *at = ret_body;

	_Static_assert(WORD + WORD + AUTH_SYS_MACHINE_MAX + 1 + 3 * WORD +
				       AUTH_SYS_GIDS_MAX * WORD <=
			       RPC_AUTH_MAX,
		       "the largest credential has its room");
	at = word_write(at, credential->stamp);
	at = word_write(at, credential->n_machine);
	memset(at, 0, word_padded(credential->n_machine));
	memcpy(at, credential->machine, credential->n_machine);
	at += word_padded(credential->n_machine);
	at = word_write(at, credential->uid);
	at = word_write(at, credential->gid);
	at = word_write(at, credential->n_gids);
	for (uint32_t i = 0; i < credential->n_gids; i++)
		at = word_write(at, credential->gids[i]);
	return (size_t)(at - ret_body);
}
