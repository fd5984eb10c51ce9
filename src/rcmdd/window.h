/* SPDX-License-Identifier: MIT */
/*
 * window.h - what a client of login mixes into its bytes: the size of its window (RFC 1282)
 *
 *	0xff 0xff 's' 's' rows columns x-pixels y-pixels        16 bits each, network byte order
 *
 * Pure. A beginning of that is held back until the next byte says what it was.
 */
#ifndef PORTCRED_RCMDD_WINDOW_H
#define PORTCRED_RCMDD_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define WINDOW_BYTES 12U

/* struct window_reader - all zero to begin with */
struct window_reader {
	uint8_t held[WINDOW_BYTES];
	uint8_t n;
};

/*
 * window_take() - part what is typed from what is a size
 * @out: room for @size + WINDOW_BYTES bytes; @ret_n: how many were typed
 * @ret_size: the last one among them, where it returns true
 */
bool window_take(struct window_reader *reader, const uint8_t *bytes, size_t size, uint8_t *out,
		 size_t *ret_n, struct winsize *ret_size);

#endif
