/* SPDX-License-Identifier: MIT */
/*
 * status.h - what travels on the second channel of shell and exec, without any I/O
 *
 * From client to server: numbers of signals, a byte each (rcmd(3)). From server to client: what the
 * command writes to its standard error, as it is; or, where the client asked for frames (request.h),
 * which no other server sends:
 *
 *	"\x7fpcrcmd1"                                           once, first
 *	0, length u16, bytes                                    standard error; length is at least 1
 *	1, length u16 = 4, how u8, code u8, 0 u8 × 2            the command has ended; the last one
 *
 * Numbers are in network byte order. how: 0, it exited, and code is its status; 1, a signal of number
 * code ended it. A channel that does not begin with those eight bytes is standard error as it is.
 */
#ifndef PORTCRED_RCMD_STATUS_H
#define PORTCRED_RCMD_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RCMD_STATUS_MAGIC      "\x7fpcrcmd1"
#define RCMD_STATUS_MAGIC_SIZE 8U
#define RCMD_FRAME_HEAD        3U
#define RCMD_FRAME_DATA_MAX    UINT16_MAX
#define RCMD_EXIT_FRAME        (RCMD_FRAME_HEAD + 4U)

/* struct rcmd_exit - how a command ended */
struct rcmd_exit {
	bool killed;  /* by a signal */
	uint8_t code; /* the number of that, or the status it exited with */
};

/* rcmd_signal_valid() - whether a byte of a client is a signal that kill(2) knows, SIGHUP to SIGSYS */
bool rcmd_signal_valid(uint8_t number);

/* Of a server */

/* rcmd_stderr_head() - what stands before @size bytes of standard error, 1 to RCMD_FRAME_DATA_MAX */
void rcmd_stderr_head(uint16_t size, uint8_t ret_head[static RCMD_FRAME_HEAD]);

/* rcmd_exit_frame() - the last frame; @wait_status: of waitpid(2), ended */
void rcmd_exit_frame(int wait_status, uint8_t ret_frame[static RCMD_EXIT_FRAME]);

/* Of a client */

enum rcmd_piece_kind {
	RCMD_PIECE_NONE,   /* all was taken, and more is to come */
	RCMD_PIECE_STDERR, /* bytes of standard error */
	RCMD_PIECE_EXIT,   /* the command has ended; nothing comes after it */
};

/* struct rcmd_piece - what a client does next; @bytes belong to who gave them, or last */
struct rcmd_piece {
	enum rcmd_piece_kind kind;
	const uint8_t *bytes;
	size_t size;
	struct rcmd_exit exit;
};

/* struct rcmd_status_reader - all zero to begin with; has no memory of its own */
struct rcmd_status_reader {
	uint8_t state;   /* enum state of status.c */
	uint8_t n;       /* bytes of the magic, a head or an exit that have come */
	uint16_t left;   /* bytes that the frame still has */
	uint8_t held[4]; /* those of a head or an exit */
};

/*
 * rcmd_status_take() - the next of @size bytes of the server
 * @ret_taken: how many of them are dealt with; go on with the others until it is RCMD_PIECE_NONE
 *
 * Returns 0; -EBADMSG: it began with frames, and this is none. Then the channel is of no more use.
 */
int rcmd_status_take(struct rcmd_status_reader *reader, const uint8_t *bytes, size_t size,
		     size_t *ret_taken, struct rcmd_piece *ret_piece);

/*
 * rcmd_status_end() - the server has closed the channel
 * The piece is what had looked like a beginning of frames, as standard error, or none.
 *
 * Returns 0; -EBADMSG: in the middle of a frame, or without the last one, so how the command ended is
 * not known.
 */
int rcmd_status_end(const struct rcmd_status_reader *reader, struct rcmd_piece *ret_piece);

#endif
