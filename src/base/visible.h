/* SPDX-License-Identifier: MIT */
/*
 * visible.h - bytes of others on somebody's terminal, which obeys what it is sent
 */
#ifndef PORTCRED_BASE_VISIBLE_H
#define PORTCRED_BASE_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * visible_print() - print @bytes with \xNN for each byte of what is no printable character
 * @lines: newlines and tabs stay as they are
 */
void visible_print(const char *bytes, size_t n, bool lines, FILE *out);

#endif
