/* SPDX-License-Identifier: MIT */
/*
 * terminal.h - standard input as a terminal: raw while a session lasts, and as it was at every way out
 */
#ifndef PORTCRED_RSH_TERMINAL_H
#define PORTCRED_RSH_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "rsh/escape.h"

/* Bytes of a window's size on its way to the server (RFC 1282). */
#define TERMINAL_WINDOW_SIZE 12U

/* struct terminal - begin with terminal_open(); terminal_restore() before anything else is printed */
struct terminal {
	bool is_one;
	bool raw;
	bool flow; /* ^S and ^Q are the terminal's, and not sent */
	struct termios before;
};

void terminal_open(struct terminal *ret_terminal);

/* terminal_raw() - every byte as it is typed, both ways 8 bits; 0, -errno; no terminal: 0 */
int terminal_raw(struct terminal *terminal);

/* terminal_set_flow() - the same while it is raw */
int terminal_set_flow(struct terminal *terminal, bool flow);

void terminal_restore(struct terminal *terminal);

void terminal_keys(const struct terminal *terminal, struct escape_keys *ret_keys);

/* terminal_speed() - bits a second; 0: not known */
uint32_t terminal_speed(const struct terminal *terminal);

/* terminal_window() - what tells the server the size; false: there is none */
bool terminal_window(const struct terminal *terminal,
		     uint8_t ret_bytes[static TERMINAL_WINDOW_SIZE]);

#endif
