/* SPDX-License-Identifier: MIT */
#include "rcmd/status.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum frame_type {
	FRAME_STDERR,
	FRAME_EXIT,
};

enum state {
	STATE_MAGIC, /* nothing else has come */
	STATE_PLAIN, /* it was none */
	STATE_HEAD,
	STATE_STDERR,
	STATE_EXIT,
	STATE_ENDED,
};

static const uint8_t magic[RCMD_STATUS_MAGIC_SIZE + 1] = RCMD_STATUS_MAGIC;

_Static_assert(sizeof(RCMD_STATUS_MAGIC) == RCMD_STATUS_MAGIC_SIZE + 1, "the magic's length");

bool rcmd_signal_valid(uint8_t number)
{
	return number >= SIGHUP && number <= SIGSYS;
}

static void write_head(uint8_t type, uint16_t size, uint8_t *head)
{
	head[0] = type;
	head[1] = (uint8_t)(size >> 8);
	head[2] = (uint8_t)size;
}

void rcmd_stderr_head(uint16_t size, uint8_t ret_head[static RCMD_FRAME_HEAD])
{
	write_head(FRAME_STDERR, size, ret_head);
}

void rcmd_exit_frame(int wait_status, uint8_t ret_frame[static RCMD_EXIT_FRAME])
{
	bool killed = WIFSIGNALED(wait_status);

	write_head(FRAME_EXIT, RCMD_EXIT_FRAME - RCMD_FRAME_HEAD, ret_frame);
	ret_frame[3] = killed;
	ret_frame[4] = (uint8_t)(killed ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
	ret_frame[5] = 0;
	ret_frame[6] = 0;
}

/* take_magic() - as far as it is that; what had looked like it is standard error otherwise */
static size_t take_magic(struct rcmd_status_reader *reader, const uint8_t *bytes, size_t size,
			 struct rcmd_piece *piece)
{
	size_t i = 0;

	while (i < size && reader->n < RCMD_STATUS_MAGIC_SIZE && bytes[i] == magic[reader->n]) {
		reader->n++;
		i++;
	}
	if (reader->n == RCMD_STATUS_MAGIC_SIZE) {
		reader->n = 0;
		reader->state = STATE_HEAD;
	} else if (i < size) {
		reader->state = STATE_PLAIN;
		if (reader->n > 0)
			*piece = (struct rcmd_piece){ RCMD_PIECE_STDERR, magic, reader->n };
	}
	return i;
}

/* hold() - collect @wanted bytes in reader->held; whether they are there */
static bool hold(struct rcmd_status_reader *reader, size_t wanted, const uint8_t *bytes,
		 size_t size, size_t *ret_taken)
{
	size_t n = wanted - reader->n < size ? wanted - reader->n : size;

	memcpy(reader->held + reader->n, bytes, n);
	reader->n = (uint8_t)(reader->n + n);
	*ret_taken = n;
	if (reader->n < wanted)
		return false;
	reader->n = 0;
	return true;
}

static int read_head(struct rcmd_status_reader *reader)
{
	uint16_t size = (uint16_t)(reader->held[1] << 8 | reader->held[2]);

	reader->left = size;
	if (reader->held[0] == FRAME_STDERR && size > 0)
		reader->state = STATE_STDERR;
	else if (reader->held[0] == FRAME_EXIT && size == sizeof(reader->held))
		reader->state = STATE_EXIT;
	else
		return -EBADMSG;
	return 0;
}

static int read_exit(struct rcmd_status_reader *reader, struct rcmd_piece *piece)
{
	if (reader->held[0] > 1 || reader->held[2] || reader->held[3])
		return -EBADMSG;
	*piece = (struct rcmd_piece){ .kind = RCMD_PIECE_EXIT,
				      .exit = { reader->held[0], reader->held[1] } };
	reader->state = STATE_ENDED;
	return 0;
}

static size_t take_stderr(struct rcmd_status_reader *reader, const uint8_t *bytes, size_t size,
			  struct rcmd_piece *piece)
{
	size_t n = reader->left < size ? reader->left : size;

	*piece = (struct rcmd_piece){ RCMD_PIECE_STDERR, bytes, n };
	reader->left = (uint16_t)(reader->left - n);
	if (reader->left == 0)
		reader->state = STATE_HEAD;
	return n;
}

/* take_one() - what the state wants, at least one byte or a change of state */
static int take_one(struct rcmd_status_reader *reader, const uint8_t *bytes, size_t size,
		    size_t *ret_taken, struct rcmd_piece *piece)
{
	*ret_taken = 0;
	switch (reader->state) {
	case STATE_MAGIC:
		*ret_taken = take_magic(reader, bytes, size, piece);
		return 0;
	case STATE_PLAIN:
		*piece = (struct rcmd_piece){ RCMD_PIECE_STDERR, bytes, size };
		*ret_taken = size;
		return 0;
	case STATE_HEAD:
		return hold(reader, RCMD_FRAME_HEAD, bytes, size, ret_taken) ? read_head(reader)
									     : 0;
	case STATE_STDERR:
		*ret_taken = take_stderr(reader, bytes, size, piece);
		return 0;
	case STATE_EXIT:
		return hold(reader, sizeof(reader->held), bytes, size, ret_taken)
			       ? read_exit(reader, piece)
			       : 0;
	default:
		return -EBADMSG;
	}
}

int rcmd_status_take(struct rcmd_status_reader *reader, const uint8_t *bytes, size_t size,
		     size_t *ret_taken, struct rcmd_piece *ret_piece)
{
	struct rcmd_piece piece = { 0 };
	size_t taken = 0;

	while (taken < size && piece.kind == RCMD_PIECE_NONE) {
		size_t n;
		int r = take_one(reader, bytes + taken, size - taken, &n, &piece);

		if (r < 0)
			return r;
		taken += n;
	}
	*ret_taken = taken;
	*ret_piece = piece;
	return 0;
}

int rcmd_status_end(const struct rcmd_status_reader *reader, struct rcmd_piece *ret_piece)
{
	*ret_piece = (struct rcmd_piece){ 0 };
	switch (reader->state) {
	case STATE_MAGIC:
		if (reader->n > 0)
			*ret_piece = (struct rcmd_piece){ RCMD_PIECE_STDERR, magic, reader->n };
		return 0;
	case STATE_PLAIN:
	case STATE_ENDED:
		return 0;
	default:
		return -EBADMSG;
	}
}
