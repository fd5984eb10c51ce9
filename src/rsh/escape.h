/* SPDX-License-Identifier: MIT */
/*
 * escape.h - what a person types at the beginning of a line that is for rlogin and not for the server
 *
 *	~.   ~^D   hang up                    ~~   one '~'
 *	~^Z        suspend                    ~x   both characters
 */
#ifndef PORTCRED_RSH_ESCAPE_H
#define PORTCRED_RSH_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#define ESCAPE_NONE (-1)

enum escape_action {
	ESCAPE_GO_ON,
	ESCAPE_CLOSE,
	ESCAPE_SUSPEND,
};

/* Characters that end a line beside CR and LF, as the terminal has them: 0 where it has none. */
struct escape_keys {
	char end, suspend, interrupt, kill;
};

/* struct escape - begin with escape_init() */
struct escape {
	int character; /* ESCAPE_NONE: nothing is special */
	struct escape_keys keys;
	bool at_start; /* of a line */
	bool held;     /* the character has come, and was not passed on yet */
};

void escape_init(struct escape *escape, int character, const struct escape_keys *keys);

/*
 * escape_feed() - pass typed bytes on, up to an action
 * @ret_out: at least 2 * @size bytes; *@ret_size of them are for the server
 *
 * Returns how many of @in were read: all of them, or those up to the action.
 */
size_t escape_feed(struct escape *escape, const char *in, size_t size, char *ret_out,
		   size_t *ret_size, enum escape_action *ret_action);

#endif
