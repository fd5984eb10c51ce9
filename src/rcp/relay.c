/* SPDX-License-Identifier: MIT */
#include "rcp/relay.h"

#include <errno.h>
#include <string.h>

#include "rcp/bulk.h"

struct relay {
	struct wire *from, *to;
	bool recursive;
	struct wanted *wanted;
	unsigned depth;
};

static int refuse(struct relay *relay, const char *why, const char *name)
{
	wire_send_no(relay->from, "%s%s%s%s", relay->from->peer, why, name ? ": " : "",
		     name ? name : "");
	return -ECONNABORTED;
}

/* check_entry() - as sink.c does; "." alone has a meaning there that this end cannot see to */
static int check_entry(struct relay *relay, const struct line *line)
{
	if (line->kind == LINE_DIRECTORY && !relay->recursive)
		return refuse(relay, " sent a directory, without -r", line->name);
	if (strcmp(line->name, ".") == 0 && (relay->depth > 0 || line->kind != LINE_DIRECTORY ||
					     !wanted_is_contents(relay->wanted)))
		return refuse(relay, " sent a name that no entry can have", ".");
	if (relay->depth == 0 && !wanted_take(relay->wanted, line->name))
		return refuse(relay, " sent what was not asked for", line->name);
	if (relay->depth == RCP_MAX_DEPTH)
		return refuse(relay, " sent directories that nest too deeply", line->name);
	return 0;
}

/* pass_answer() - what @to says goes to @from; its message was shown, and is not needed there */
static int pass_answer(struct relay *relay)
{
	int r = wire_read_answer(relay->to);

	if (r < 0)
		return wire_lost(relay->to, r);
	if (r == 0)
		return wire_send_yes(relay->from);
	r = bulk_write(relay->from->out, "\1refused\n", sizeof("\1refused\n") - 1);
	return r < 0 ? r : 1;
}

static int pass_file(struct relay *relay, int64_t size)
{
	int of_target = 0, r;
	int64_t kept;

	r = wire_receive(relay->from, relay->to->out, size, &of_target, &kept);
	if (r < 0)
		return r;
	if (of_target < 0)
		return wire_lost(relay->to, of_target);
	r = wire_read_answer(relay->from);
	if (r < 0)
		return r;
	/* The data was whole, or that it was not was shown; the other end must know. */
	if (r == 0)
		r = wire_send_yes(relay->to);
	else
		r = bulk_write(relay->to->out, "\1not whole\n", sizeof("\1not whole\n") - 1);
	if (r < 0)
		return wire_lost(relay->to, r);
	r = pass_answer(relay);
	return r < 0 ? r : 0;
}

static int take(struct relay *relay, const struct line *line)
{
	int r;

	if (line->kind == LINE_WARNING || line->kind == LINE_FATAL) {
		relay->from->errors++;
		wire_show(relay->from, line->text, line->text_length);
		return line->kind == LINE_FATAL ? -ECONNABORTED : 0;
	}
	if (line->kind == LINE_END && relay->depth == 0)
		return refuse(relay, " ended a directory that it had not begun", NULL);
	if (line->kind == LINE_FILE || line->kind == LINE_DIRECTORY) {
		r = check_entry(relay, line);
		if (r < 0)
			return r;
	}
	r = wire_send_line(relay->to, line);
	if (r == -EINVAL)
		return refuse(relay, " sent a name that no entry can have", NULL);
	if (r < 0)
		return wire_lost(relay->to, r);
	r = pass_answer(relay);
	if (r < 0)
		return r;
	if (line->kind == LINE_END)
		relay->depth--;
	else if (line->kind == LINE_DIRECTORY && r == 0)
		relay->depth++;
	else if (line->kind == LINE_FILE && r == 0)
		return pass_file(relay, line->size);
	return 0;
}

static int step(struct relay *relay)
{
	const char *bytes;
	struct line line;
	size_t n;
	int r = wire_read_line(relay->from, &bytes, &n);

	if (r == -ENODATA && relay->depth == 0)
		return 1;
	if (r < 0)
		return r;
	r = line_parse(bytes, n, &line);
	if (r == -EBADMSG) {
		wire_show(relay->from, bytes, n);
		return refuse(relay, " sent a line that is none of the protocol", NULL);
	}
	if (r < 0)
		return refuse(relay, " sent a name that no entry can have", NULL);
	return take(relay, &line);
}

int relay_run(struct wire *from, struct wire *to, bool recursive, struct wanted *wanted)
{
	struct relay relay = { from, to, recursive, wanted, 0 };
	int r = pass_answer(&relay);

	if (r == 1)
		return 0;
	while (r == 0)
		r = step(&relay);
	return r < 0 ? wire_lost(from, r) : 0;
}
