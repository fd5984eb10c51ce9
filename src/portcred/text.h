/* SPDX-License-Identifier: MIT */
/*
 * text.h - text of others on somebody's terminal
 *
 * A command, a path, a unit's name is whatever its owner wants, and a terminal obeys what it is
 * sent. So a byte that is no printable character is shown as \xNN (each byte of such a character),
 * and everything that is not our own goes through here.
 */
#ifndef PORTCRED_PORTCRED_TEXT_H
#define PORTCRED_PORTCRED_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* text_show() - a copy that is safe to print, the caller's to free; NULL without memory */
char *text_show(const char *text);

/* text_print() - the same to a stream */
void text_print(const char *text, FILE *out);

/* text_print_lines() - the same, with newlines and tabs left as they are */
void text_print_lines(const char *text, FILE *out);

/* text_width() - columns that a text from text_show() takes */
size_t text_width(const char *text);

/*
 * text_fit() - how many of its bytes fit into so many columns; whole characters
 * @ret_width: columns that these take: fewer where a wide character did not fit any more
 */
size_t text_fit(const char *text, size_t columns, size_t *ret_width);

#endif
