/* SPDX-License-Identifier: MIT */
#include "rcp/wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/visible.h"
#include "rcp/bulk.h"

#define PROGRAM "portcred-rcp"

/* fill() - read more behind what is there; 0, -ENODATA at the end, -EMSGSIZE without room */
static int fill(struct wire *wire)
{
	ssize_t n;

	if (wire->at > 0) {
		memmove(wire->buffer, wire->buffer + wire->at, wire->end - wire->at);
		wire->end -= wire->at;
		wire->at = 0;
	}
	if (wire->end == sizeof(wire->buffer))
		return -EMSGSIZE;
	n = bulk_read(wire->in, wire->buffer + wire->end, sizeof(wire->buffer) - wire->end);
	if (n <= 0)
		return n < 0 ? (int)n : -ENODATA;
	wire->end += (size_t)n;
	return 0;
}

int wire_read_line(struct wire *wire, const char **ret_line, size_t *ret_n)
{
	const char *newline;

	for (;;) {
		const char *from = wire->buffer + wire->at;
		int r;

		newline = memchr(from, '\n', wire->end - wire->at);
		if (newline)
			break;
		r = fill(wire);
		if (r == -ENODATA && wire->end > wire->at)
			return -ECONNRESET;
		if (r < 0)
			return r;
	}
	*ret_line = wire->buffer + wire->at;
	*ret_n = (size_t)(newline - *ret_line);
	wire->at += *ret_n + 1;
	return 0;
}

void wire_show(const struct wire *wire, const char *text, size_t n)
{
	if (!wire->peer)
		return;
	flockfile(stderr); /* the remarks of the remote shell come by a thread */
	fprintf(stderr, PROGRAM ": %s: ", wire->peer);
	visible_print(text, n, false, stderr);
	fputc('\n', stderr);
	funlockfile(stderr);
}

int wire_read_answer(struct wire *wire)
{
	const char *text;
	size_t n;
	int r;

	if (wire->at == wire->end) {
		r = fill(wire);
		if (r < 0)
			return r == -ENODATA ? -ECONNRESET : r;
	}
	if (wire->buffer[wire->at] == '\0') {
		wire->at++;
		return 0;
	}
	r = wire_read_line(wire, &text, &n);
	if (r < 0)
		return r;
	wire->errors++;
	if (n > 0 && (text[0] == '\1' || text[0] == '\2')) {
		wire_show(wire, text + 1, n - 1);
		return text[0] == '\1' ? 1 : -ECONNABORTED;
	}
	/* A shell that did not find rcp, or a greeting that should not be there. */
	wire_show(wire, text, n);
	return -ECONNABORTED;
}

int wire_send_line(struct wire *wire, const struct line *line)
{
	char bytes[LINE_BYTES];
	int n = line_format(line, bytes);

	return n < 0 ? n : bulk_write(wire->out, bytes, (size_t)n);
}

int wire_send_yes(struct wire *wire)
{
	return bulk_write(wire->out, "", 1);
}

static void say(const struct wire *wire, const char *text)
{
	if (!wire->peer)
		return;
	flockfile(stderr);
	fputs(PROGRAM ": ", stderr);
	visible_print(text, strlen(text), false, stderr);
	fputc('\n', stderr);
	funlockfile(stderr);
}

int wire_send_no(struct wire *wire, const char *format, ...)
{
	static const char head[] = "\1" PROGRAM ": ";
	char message[RCP_MAX_LINE / 2];
	char *text = message + sizeof(head) - 1;
	va_list arguments;
	size_t length;

	memcpy(message, head, sizeof(head));
	va_start(arguments, format);
	/* Room for the newline; a longer text is cut. */
	vsnprintf(text, sizeof(message) - sizeof(head) - 1, format, arguments);
	va_end(arguments);
	wire->errors++;
	say(wire, text);
	for (char *at = text; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == '\x7f')
			*at = '?';
	}
	length = strlen(message);
	message[length++] = '\n';
	return bulk_write(wire->out, message, length);
}

void wire_say(struct wire *wire, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	wire->errors++;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	say(wire, text ? text : "not enough memory");
}

int wire_receive(struct wire *wire, int file, int64_t size, int *ret_file, int64_t *ret_kept)
{
	size_t ahead = wire->end - wire->at;
	int64_t kept = 0;
	int r;

	if ((int64_t)ahead > size)
		ahead = (size_t)size;
	*ret_file = 0;
	if (ahead > 0)
		*ret_file = bulk_write(file, wire->buffer + wire->at, ahead);
	wire->at += ahead;
	if (*ret_file < 0) {
		int ignored;

		*ret_kept = 0;
		return bulk_receive(wire->in, -EBADF, size - (int64_t)ahead, &ignored, &kept);
	}
	r = bulk_receive(wire->in, file, size - (int64_t)ahead, ret_file, &kept);
	*ret_kept = kept + (int64_t)ahead;
	return r;
}

int wire_lost(struct wire *wire, int error)
{
	const char *peer = wire->peer ? wire->peer : "";

	switch (error) {
	case -ECONNABORTED: /* was said */
		break;
	case -ENODATA:
	case -ECONNRESET:
	case -EPIPE:
		wire_say(wire, "%s: the connection ended early", peer);
		break;
	case -EMSGSIZE:
		wire_say(wire, "%s: a line of more than %d bytes", peer, RCP_MAX_LINE);
		break;
	default:
		wire_say(wire, "%s: %s", peer, strerror(-error));
	}
	return error;
}
