/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/cleanup.h"
#include "portcred/client.h"
#include "portcred/moment.h"
#include "portcred/nfs.h"
#include "portcred/text.h"

#define NUMBER "%" JSON_INTEGER_FORMAT

static void print_text(const json_t *object, const char *name, FILE *out)
{
	const char *text = client_text(object, name);

	text_print(text ? text : "?", out);
}

static void print_time(struct program *program, const json_t *told)
{
	const char *time = client_text(told, "time");
	char text[MOMENT_SIZE];

	moment_show(time ? time : "?", "%H:%M:%S", text);
	fprintf(program->out, "%s ", text);
}

static enum style style_of(const char *kind)
{
	if (strcmp(kind, "opened") == 0)
		return STYLE_GOOD;
	return strcmp(kind, "ended") == 0 ? STYLE_DIM : STYLE_BAD;
}

/* print_outcome() - behind who calls: what came of it */
static void print_outcome(struct program *program, const json_t *event, const char *kind)
{
	const char *text = client_text(event, "text");
	FILE *out = program->out;

	if (strcmp(kind, "opened") == 0) {
		fputs(": for ", out);
		print_text(json_object_get(event, "caller"), "speaks", out);
		return;
	}
	fputs(": ", out);
	print_text(event, "text", out);
	if (json_is_integer(json_object_get(event, "calls")))
		fprintf(out, "%s" NUMBER " calls passed, " NUMBER " denied",
			text && !*text ? "" : "; ", client_number(event, "calls"),
			client_number(event, "denied"));
}

static void print_event(struct program *program, const json_t *event)
{
	_cleanup_(user_names_clear) struct user_names names = { 0 };
	const json_t *caller = json_object_get(event, "caller");
	_cleanup_free_ char *who = nfs_who(caller, &names);
	const char *kind = client_text(event, "event");
	FILE *out = program->out;

	kind = kind ? kind : "?";
	fputs(program_style(program->colour, style_of(kind)), out);
	text_print(kind, out);
	fprintf(out, "%s: %s ", program_style(program->colour, STYLE_PLAIN),
		strcmp(kind, "denied") == 0 ? "a call of" : "a connection to");
	print_text(event, "service", out);
	fputs(" by ", out);
	text_print(who ? who : "?", out);
	fputs(", ", out);
	print_text(caller, "address", out);
	fprintf(out, " port " NUMBER ", ", client_number(caller, "port"));
	print_text(caller, "proof", out);
	print_outcome(program, event, kind);
}

static void print_held(struct program *program, const json_t *held)
{
	_cleanup_(user_names_clear) struct user_names names = { 0 };
	const json_t *uid = json_object_get(held, "uid");
	json_int_t n = client_number(held, "held");

	fprintf(program->out, NUMBER " more event%s", n, n == 1 ? "" : "s");
	if (json_is_integer(uid)) {
		const char *user = user_names_text(&names, (uint32_t)json_integer_value(uid));

		fputs(" by ", program->out);
		text_print(user ? user : "?", program->out);
	}
}

void nfs_print_told(struct program *program, const json_t *told, bool event)
{
	print_time(program, told);
	if (event)
		print_event(program, told);
	else
		print_held(program, told);
	fputc('\n', program->out);
}
