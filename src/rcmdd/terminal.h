/* SPDX-License-Identifier: MIT */
/*
 * terminal.h - between the connection of a login and its pseudo terminal (RFC 1282)
 *
 *	client ══ connection ══ relay (the user's) ── master ── slave: the login shell
 *
 * To the client as urgent bytes: 0x80, tell us your window's size; 0x02, drop what you have not shown
 * (the terminal's output was flushed); 0x10 and 0x20, ^S and ^Q are the program's, are yours. From the
 * client the sizes of its window (window.h).
 *
 * It ends when the terminal has hung up and all that it said is sent, or when the client has: then the
 * terminal hangs up.
 */
#ifndef PORTCRED_RCMDD_TERMINAL_H
#define PORTCRED_RCMDD_TERMINAL_H

/* terminal_run() - @connection, @master: borrowed; returns 0, -errno */
int terminal_run(int connection, int master);

#endif
