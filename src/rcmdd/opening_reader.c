/* SPDX-License-Identifier: MIT */
/*
 * opening_reader.c - the reader's life: nobody's process, with two sockets and a few system calls
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "rcmdd/descriptors.h"
#include "rcmdd/opening.h"

#define PIECE 4096

/* Keys of a line that is typed. */
#define KEY_INTERRUPT '\003'
#define KEY_END       '\004'
#define KEY_BACKSPACE '\b'
#define KEY_KILL      '\025'
#define KEY_DELETE    '\177'

/* struct reading - what the reader holds */
struct reading {
	int monitor;
	int connection;
	struct rcmd_reader request;
};

/* tell_monitor() - a message; whoever cannot be told anything has no more use for us */
static void tell_monitor(const struct reading *reading, enum opening_kind kind, const void *bytes,
			 size_t size)
{
	char *frame = malloc(1 + size);

	if (!frame)
		_exit(EXIT_FAILURE);
	frame[0] = (char)kind;
	if (size > 0)
		memcpy(frame + 1, bytes, size);
	if (send(reading->monitor, frame, 1 + size, MSG_NOSIGNAL) != (ssize_t)(1 + size))
		_exit(EXIT_FAILURE);
	explicit_bzero(frame, 1 + size);
	free(frame);
}

static _Noreturn void give_up(const struct reading *reading, const char *fault)
{
	tell_monitor(reading, OPENING_FAULT, fault, strlen(fault));
	_exit(EXIT_SUCCESS);
}

/* look() - what has come, without taking it; at least one byte */
static size_t look(const struct reading *reading, char *bytes, size_t size)
{
	ssize_t n;

	do
		n = recv(reading->connection, bytes, size, MSG_PEEK);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		give_up(reading, n == 0 ? "the client hung up" : "the connection broke");
	return (size_t)n;
}

/* drop() - the first @size bytes, which have been seen */
static void drop(const struct reading *reading, char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = recv(reading->connection, bytes, size, 0);

		if (n == 0 || (n < 0 && errno != EINTR))
			give_up(reading, "the connection broke");
		if (n > 0)
			size -= (size_t)n;
	}
}

static void send_port(const struct reading *reading)
{
	const struct rcmd_request *request = &reading->request.request;
	uint8_t bytes[3] = { [2] = request->framed };

	memcpy(bytes, &request->port, sizeof(request->port));
	tell_monitor(reading, OPENING_PORT, bytes, sizeof(bytes));
}

static void read_request(struct reading *reading)
{
	struct rcmd_reader *request = &reading->request;
	int r = RCMD_MORE;

	while (r != RCMD_DONE) {
		char bytes[PIECE];
		size_t seen = look(reading, bytes, sizeof(bytes)), taken;

		r = rcmd_reader_take(request, bytes, seen, &taken);
		drop(reading, bytes, taken);
		explicit_bzero(bytes, sizeof(bytes));
		if (r == -EBADMSG)
			give_up(reading, request->fault);
		if (r < 0)
			give_up(reading, "no memory");
		if (r == RCMD_PORT)
			send_port(reading);
	}
	tell_monitor(reading, OPENING_REQUEST, request->bytes, request->size);
	rcmd_reader_clear(request);
}

/* edit() - one key of a line; whether the line is complete */
static bool edit(const struct reading *reading, char key, char *line, size_t *length)
{
	switch (key) {
	case '\r':
	case '\n':
		return true;
	case '\0':
	case KEY_INTERRUPT:
	case KEY_END:
		give_up(reading, "the client gave up");
	case KEY_BACKSPACE:
	case KEY_DELETE:
		*length -= *length > 0;
		return false;
	case KEY_KILL:
		*length = 0;
		return false;
	default:
		if (*length == OPENING_LINE_MAX)
			give_up(reading, "a line is too long");
		line[(*length)++] = key;
		return false;
	}
}

/* read_line() - of a terminal in raw mode, and nothing of it is echoed; what comes behind it stays */
static void read_line(const struct reading *reading)
{
	char line[OPENING_LINE_MAX];
	size_t length = 0;
	bool complete = false;

	while (!complete) {
		char bytes[PIECE];
		size_t seen = look(reading, bytes, sizeof(bytes)), taken = 0;

		while (taken < seen && !complete)
			complete = edit(reading, bytes[taken++], line, &length);
		drop(reading, bytes, taken);
		explicit_bzero(bytes, sizeof(bytes));
	}
	tell_monitor(reading, OPENING_LINE, line, length);
	explicit_bzero(line, sizeof(line));
}

/* show() - a prompt; a client that takes nothing is the monitor's deadline's matter */
static void show(const struct reading *reading, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = send(reading->connection, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			give_up(reading, "the connection broke");
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
}

_Noreturn void opening_read(int fd, enum rcmd_service service)
{
	struct reading reading = { .monitor = fd, .connection = -EBADF };
	char frame[1 + OPENING_PROMPT_MAX];
	ssize_t size;

	if (descriptor_receive(fd, frame, 1, &reading.connection) < 0)
		_exit(EXIT_FAILURE);
	rcmd_reader_init(&reading.request, service);
	read_request(&reading);
	/* To end takes a while: so it does, beside what the monitor does now. */
	if (service != RCMD_LOGIN)
		_exit(EXIT_SUCCESS);
	while ((size = recv(fd, frame, sizeof(frame), 0)) > 0) {
		if (frame[0] != OPENING_ASK)
			break;
		show(&reading, frame + 1, (size_t)size - 1);
		read_line(&reading);
	}
	_exit(EXIT_SUCCESS);
}
