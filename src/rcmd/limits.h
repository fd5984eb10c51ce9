/* SPDX-License-Identifier: MIT */
/*
 * limits.h - how much of anything another program may say
 *
 * The ancestors had buffers of their own for each of these; what is longer is refused, never cut.
 */
#ifndef PORTCRED_RCMD_LIMITS_H
#define PORTCRED_RCMD_LIMITS_H

/* Bytes of a name of a user: LOGIN_NAME_MAX of limits.h without its NUL. */
#define RCMD_USER_MAX 255U

/* Bytes of a password: PAM_MAX_RESP_SIZE of Linux-PAM without its NUL. */
#define RCMD_PASSWORD_MAX 511U

/* Bytes of a command: what execve(2) takes as one argument (MAX_ARG_STRLEN) without its NUL. */
#define RCMD_COMMAND_MAX 131071U

/* Bytes of "TERM/SPEED", and of a name of a terminal alone. */
#define RCMD_TERMINAL_MAX 127U

/* Digits of the port of the second channel; as many of them, the first a zero, ask for frames. */
#define RCMD_PORT_DIGITS 6U

/* Bits a second of a terminal: the fastest that the kernel names (B4000000, termios(3)). */
#define RCMD_SPEED_MAX     4000000U
#define RCMD_SPEED_DEFAULT 9600U

#endif
