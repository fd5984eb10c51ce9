/* SPDX-License-Identifier: MIT */
/*
 * wire.h - the connection to the other end, and what every copy needs to know
 */
#ifndef PORTCRED_RCP_WIRE_H
#define PORTCRED_RCP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rcp/bounds.h"
#include "rcp/line.h"

/* struct wire - two descriptors, borrowed, and what was read ahead from one of them */
struct wire {
	int in;
	int out;
	const char *
		peer; /* who is there, for people; NULL: we are the end that was started remotely */
	unsigned errors; /* ours and theirs; any makes the exit status 1 */
	size_t at, end;  /* of what is in the buffer */
	char buffer[RCP_MAX_LINE];
};

/*
 * wire_read_line() - the next line
 * @ret_line: its bytes, without the newline, valid until the next call
 *
 * Returns 0; -ENODATA where the other end is done; -ECONNRESET where it ended within the line;
 * -EMSGSIZE where the line is longer than RCP_MAX_LINE; -errno.
 */
int wire_read_line(struct wire *wire, const char **ret_line, size_t *ret_n);

/*
 * wire_read_answer() - what the other end says to a line or a file
 * Its message is shown, and counted. Returns 0: yes; 1: no; the same errors; -ECONNABORTED where it
 * gives up, which was shown.
 */
int wire_read_answer(struct wire *wire);

/* wire_send_line() - and no more; 0, -EINVAL as line_format(), -errno */
int wire_send_line(struct wire *wire, const struct line *line);

/* wire_send_yes() - the byte 0 */
int wire_send_yes(struct wire *wire);

/*
 * wire_send_no() - "\1portcred-rcp: TEXT\n": a warning or a refusal; said here too where there is
 * somebody to say it to, and counted. Controls in TEXT become "?", for the ancestors show it as it is.
 */
int wire_send_no(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* wire_receive() - bulk_receive(), what was read ahead first */
int wire_receive(struct wire *wire, int file, int64_t size, int *ret_file, int64_t *ret_kept);

/* wire_show() - print a message of the other end */
void wire_show(const struct wire *wire, const char *text, size_t n);

/* wire_say() - "portcred-rcp: TEXT" to standard error where there is somebody to read it; counted */
void wire_say(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* wire_lost() - say why the connection is no use any more: -errno of the functions above; returns it */
int wire_lost(struct wire *wire, int error);

#endif
