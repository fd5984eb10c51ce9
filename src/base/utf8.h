/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - characters of a text (RFC 3629)
 */
#ifndef PORTCRED_BASE_UTF8_H
#define PORTCRED_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * utf8_decode() - the character at @text, of which @end is the end; @text < @end
 *
 * Returns the bytes it takes, 1 to 4; 0 if they are no character: a stray or missing continuation
 * byte, a longer form than needed, a surrogate, beyond U+10FFFF.
 */
size_t utf8_decode(const char *text, const char *end, uint32_t *ret_character);

/* utf8_length() - how many characters @bytes of text are; each invalid byte may count as one */
size_t utf8_length(const char *text, size_t bytes);

/*
 * utf8_is_printable() - whether a terminal shows the character where it stands
 * False for controls (C0, C1, DEL) and for what reorders or hides text: line and paragraph
 * separators, bidirectional embeddings, overrides and isolates, the byte order mark.
 */
bool utf8_is_printable(uint32_t character);

/* utf8_width() - columns of a terminal that a printable character takes: 0, 1 or 2 */
unsigned utf8_width(uint32_t character);

#endif
