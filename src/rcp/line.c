/* SPDX-License-Identifier: MIT */
#include "rcp/line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MODE_DIGITS 4

/* struct cursor - what is left of the line */
struct cursor {
	const char *at;
	const char *end;
};

static bool read_char(struct cursor *cursor, char expected)
{
	if (cursor->at == cursor->end || *cursor->at != expected)
		return false;
	cursor->at++;
	return true;
}

/* read_number() - decimal digits, at least one, up to @most */
static bool read_number(struct cursor *cursor, int64_t most, int64_t *ret_number)
{
	const char *first = cursor->at;
	int64_t number = 0;

	for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
		int digit = *cursor->at - '0';

		if (number > (most - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return cursor->at > first;
}

static bool read_mode(struct cursor *cursor, unsigned *ret_mode)
{
	unsigned mode = 0;

	for (unsigned i = 0; i < MODE_DIGITS; i++, cursor->at++) {
		if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '7')
			return false;
		mode = mode << 3 | (unsigned)(*cursor->at - '0');
	}
	*ret_mode = mode;
	return true;
}

static bool is_entry_name(const char *name, size_t n)
{
	if (n == 0 || n > NAME_MAX || memchr(name, '/', n) || memchr(name, '\0', n))
		return false;
	return !(n == 2 && name[0] == '.' && name[1] == '.');
}

static int parse_entry(struct cursor *cursor, struct line *line)
{
	size_t n;

	if (!read_mode(cursor, &line->mode) || !read_char(cursor, ' ') ||
	    !read_number(cursor, INT64_MAX, &line->size) || !read_char(cursor, ' '))
		return -EBADMSG;
	n = (size_t)(cursor->end - cursor->at);
	if (!is_entry_name(cursor->at, n))
		return -EINVAL;
	memcpy(line->name, cursor->at, n);
	line->name[n] = '\0';
	return 0;
}

static int parse_times(struct cursor *cursor, struct line *line)
{
	int64_t modified_us, accessed_us;

	if (!read_number(cursor, INT64_MAX, &line->modified) || !read_char(cursor, ' ') ||
	    !read_number(cursor, 999999, &modified_us) || !read_char(cursor, ' ') ||
	    !read_number(cursor, INT64_MAX, &line->accessed) || !read_char(cursor, ' ') ||
	    !read_number(cursor, 999999, &accessed_us) || cursor->at != cursor->end)
		return -EBADMSG;
	line->modified_us = (uint32_t)modified_us;
	line->accessed_us = (uint32_t)accessed_us;
	return 0;
}

static int parse_body(char kind, struct cursor *cursor, struct line *line)
{
	switch (kind) {
	case 'C':
		line->kind = LINE_FILE;
		return parse_entry(cursor, line);
	case 'D':
		line->kind = LINE_DIRECTORY;
		return parse_entry(cursor, line);
	case 'E':
		line->kind = LINE_END;
		return cursor->at == cursor->end ? 0 : -EBADMSG;
	case 'T':
		line->kind = LINE_TIMES;
		return parse_times(cursor, line);
	case '\1':
	case '\2':
		line->kind = kind == '\1' ? LINE_WARNING : LINE_FATAL;
		line->text = cursor->at;
		line->text_length = (size_t)(cursor->end - cursor->at);
		return 0;
	default:
		return -EBADMSG;
	}
}

int line_parse(const char *bytes, size_t n, struct line *ret_line)
{
	struct cursor cursor = { bytes + 1, bytes + n };
	struct line line = { 0 };
	int r;

	if (n == 0 || memchr(bytes, '\n', n))
		return -EBADMSG;
	r = parse_body(bytes[0], &cursor, &line);
	if (r == 0)
		*ret_line = line;
	return r;
}

static int64_t since_1970(int64_t seconds)
{
	return seconds < 0 ? 0 : seconds;
}

int line_format(const struct line *line, char ret_bytes[static LINE_BYTES])
{
	switch (line->kind) {
	case LINE_FILE:
	case LINE_DIRECTORY:
		if (!is_entry_name(line->name, strlen(line->name)) || strchr(line->name, '\n'))
			return -EINVAL;
		return snprintf(ret_bytes, LINE_BYTES, "%c%04o %" PRId64 " %s\n",
				line->kind == LINE_FILE ? 'C' : 'D', line->mode & LINE_MODES,
				line->size, line->name);
	case LINE_END:
		return snprintf(ret_bytes, LINE_BYTES, "E\n");
	case LINE_TIMES:
		return snprintf(
			ret_bytes, LINE_BYTES, "T%" PRId64 " %u %" PRId64 " %u\n",
			since_1970(line->modified), line->modified < 0 ? 0 : line->modified_us,
			since_1970(line->accessed), line->accessed < 0 ? 0 : line->accessed_us);
	case LINE_WARNING:
	case LINE_FATAL:
		break;
	}
	return -EINVAL;
}
