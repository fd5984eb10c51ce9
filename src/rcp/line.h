/* SPDX-License-Identifier: MIT */
/*
 * line.h - the control lines of the rcp protocol (rcp(1) of 4.3BSD; there is no other document)
 *
 *	C0644 1234 name	a regular file of 1234 bytes, which follow once the other end said yes
 *	D0755 0 name	a directory: what follows goes into it, up to
 *	E		its end
 *	T1 2 3 4	modification time 1 s 2 us, access time 3 s 4 us, of the next C or D
 *	\1text		a warning: an entry was left out, or was not read well
 *	\2text		the other end gives up
 *
 * Each is ended by a newline. But for the last two each is answered: a byte 0, or \1text or \2text.
 * The parser is pure; what it is given is whatever the other end sent.
 */
#ifndef PORTCRED_RCP_LINE_H
#define PORTCRED_RCP_LINE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_MODES 07777U

/* "T", four numbers of at most 19 digits, blanks; "C0644 ", a size, a blank, a name, a newline */
#define LINE_BYTES (6 + 20 + NAME_MAX + 64)

enum line_kind {
	LINE_FILE,
	LINE_DIRECTORY,
	LINE_END,
	LINE_TIMES,
	LINE_WARNING,
	LINE_FATAL,
};

/* struct line - one line, taken apart; what its kind does not have is 0 */
struct line {
	enum line_kind kind;
	unsigned mode;           /* of a file or directory, LINE_MODES at most */
	int64_t size;            /* of a file, bytes; of a directory without meaning */
	int64_t modified;        /* seconds since 1970 */
	int64_t accessed;        /* the same */
	uint32_t modified_us;    /* below 1,000,000 */
	uint32_t accessed_us;    /* the same */
	char name[NAME_MAX + 1]; /* one component of a path; "." is let through: see line_parse() */
	const char *text; /* of a message, borrowed from the bytes parsed, not ended by NUL */
	size_t text_length;
};

/*
 * line_parse() - read the @n bytes of one line, its newline not among them
 *
 * Returns 0; -EBADMSG where it is no line of the protocol; -EINVAL where the name is none that an
 * entry of a directory can have: empty, "..", with a slash. "." is an entry's name only where the
 * caller asked for a directory's contents by it, so what it means is left to the caller.
 */
int line_parse(const char *bytes, size_t n, struct line *ret_line);

/*
 * line_format() - write @line, its newline with it; for the kinds FILE, DIRECTORY, END and TIMES
 * A time before 1970 cannot be said and becomes 0.
 *
 * Returns the bytes written; -EINVAL for a name that line_parse() would refuse or that has a newline
 * in it, which the protocol has no way to say.
 */
int line_format(const struct line *line, char ret_bytes[static LINE_BYTES]);

#endif
