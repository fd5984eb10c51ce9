/* SPDX-License-Identifier: MIT */
/*
 * bounds.h - how much of anything one end of a copy takes from the other
 */
#ifndef PORTCRED_RCP_BOUNDS_H
#define PORTCRED_RCP_BOUNDS_H

/* A control line or a message, without its newline. A name has NAME_MAX bytes at most; what is
 * longer can only be a message, and those have a path of PATH_MAX and an error's text in them. */
#define RCP_MAX_LINE 8192

/* Directories within each other: one descriptor each, at both ends. */
#define RCP_MAX_DEPTH 256

/* Words of one remote operand, as the shell there splits it, and bytes of it. */
#define RCP_MAX_WORDS   256
#define RCP_MAX_OPERAND 8192

/* What is moved at a time, where the kernel does not move it for us. */
#define RCP_BLOCK (256U * 1024U)

#endif
