/* SPDX-License-Identifier: MIT */
#include "rsh/answer.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "rsh/say.h"
#include "rsh/wire.h"

/* read_line() - up to its newline, the limit, or whatever ends it: it is a refusal in any case */
static int read_line(int connection, int64_t deadline, char first, char **ret_why)
{
	_cleanup_free_ char *shown = NULL;
	char line[ANSWER_MAX_LINE];
	size_t n = 0;

	/* 1 by the protocol; others let the text begin at once. */
	if (first != '\1')
		line[n++] = first;
	while (n < sizeof(line) && wire_receive(connection, deadline, &line[n]) == 0) {
		if (line[n] == '\n')
			break;
		n++;
	}
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n'))
		n--;
	shown = say_printable(line, n);
	if (!shown)
		return -ENOMEM;
	return why(ret_why, -EACCES, "%s", n ? shown : "it refuses, and does not say why");
}

int answer_wait(int connection, int64_t deadline, char **ret_why)
{
	char first;
	int r = wire_receive(connection, deadline, &first);

	if (r == -ENODATA)
		return why(ret_why, r, "it closed the connection without an answer");
	if (r == -ETIMEDOUT)
		return why(ret_why, r, "it does not answer");
	if (r < 0)
		return why(ret_why, r, "%s", strerror(-r));
	return first == '\0' ? 0 : read_line(connection, deadline, first, ret_why);
}
