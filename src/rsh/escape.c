/* SPDX-License-Identifier: MIT */
#include "rsh/escape.h"

void escape_init(struct escape *escape, int character, const struct escape_keys *keys)
{
	*escape = (struct escape){ .character = character, .keys = *keys, .at_start = true };
}

static bool is_key(char c, char key)
{
	return key != '\0' && c == key;
}

static bool ends_line(const struct escape_keys *keys, char c)
{
	return c == '\r' || c == '\n' || is_key(c, keys->end) || is_key(c, keys->suspend) ||
	       is_key(c, keys->interrupt) || is_key(c, keys->kill);
}

/* action_of() - what the character behind a held one stands for */
static enum escape_action action_of(const struct escape *escape, char c)
{
	if (c == '.' || is_key(c, escape->keys.end))
		return ESCAPE_CLOSE;
	return is_key(c, escape->keys.suspend) ? ESCAPE_SUSPEND : ESCAPE_GO_ON;
}

size_t escape_feed(struct escape *escape, const char *in, size_t size, char *ret_out,
		   size_t *ret_size, enum escape_action *ret_action)
{
	size_t i = 0, n = 0;

	*ret_action = ESCAPE_GO_ON;
	while (i < size && *ret_action == ESCAPE_GO_ON) {
		char c = in[i++];
		bool is_character = escape->character == (unsigned char)c;

		if (escape->at_start && !escape->held && is_character) {
			escape->held = true;
			continue;
		}
		if (escape->held) {
			*ret_action = action_of(escape, c);
			if (*ret_action == ESCAPE_GO_ON && !is_character)
				ret_out[n++] = (char)escape->character;
			escape->held = false;
		}
		if (*ret_action == ESCAPE_GO_ON)
			ret_out[n++] = c;
		escape->at_start = *ret_action != ESCAPE_GO_ON || ends_line(&escape->keys, c);
	}
	*ret_size = n;
	return i;
}
