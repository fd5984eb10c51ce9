/* SPDX-License-Identifier: MIT */
/*
 * status.c - what portcredd enforces, and what an administrator should know of it
 */
#include <string.h>

#include "portcred/client.h"
#include "portcred/moment.h"
#include "portcred/options.h"
#include "portcred/text.h"
#include "portcred/verb.h"

#define NUMBER "%" JSON_INTEGER_FORMAT

static const char about[] =
	"Says what portcredd enforces. Exit status 0 if it enforces the policy on disk as it\n"
	"was last loaded, 1 if it enforces nothing or that load failed, 3 if it does not run.\n";

static bool is_well(const json_t *status)
{
	return client_flag(status, "enforcing") && !client_text(status, "disabled") &&
	       !client_text(status, "error");
}

static void print_state(struct program *program, const json_t *status)
{
	const char *disabled = client_text(status, "disabled");
	const char *version = client_text(status, "version");
	enum style style = STYLE_BAD;
	FILE *out = program->out;

	fputs("portcredd ", out);
	text_print(version ? version : "?", out);
	fprintf(out, ", process " NUMBER ": ", client_number(status, "pid"));
	if (client_flag(status, "enforcing") && !disabled)
		style = STYLE_GOOD;
	else if (client_flag(status, "observe") && !disabled)
		style = STYLE_WARNING;
	fputs(program_style(program->colour, style), out);
	if (disabled) {
		fputs("disabled, ", out);
		text_print(disabled, out);
	} else {
		fputs(style == STYLE_GOOD                  ? "enforcing"
		      : client_flag(status, "broker_only") ? "not enforcing, broker only"
		      : style == STYLE_WARNING             ? "observing, nothing is refused"
							   : "not enforcing",
		      out);
	}
	fprintf(out, "%s\n", program_style(program->colour, STYLE_PLAIN));
}

static void print_label(const char *label, FILE *out)
{
	fprintf(out, "  %-8s  ", label);
}

static void print_policy(struct program *program, const json_t *status)
{
	const char *loaded = client_text(status, "loaded"), *scope = client_text(status, "scope");
	const char *policy = client_text(status, "policy"), *cgroup = client_text(status, "cgroup");
	json_int_t statements = client_number(status, "statements");
	json_int_t users = client_number(status, "users");
	const char *name = client_text(status, "name");
	const json_t *trial = json_object_get(status, "trial");
	char text[MOMENT_SIZE];
	FILE *out = program->out;

	if (name) {
		print_label("name", out);
		text_print(name, out);
		fputc('\n', out);
	}
	print_label("policy", out);
	text_print(policy ? policy : "?", out);
	fputc('\n', out);
	print_label("in force", out);
	if (loaded) {
		moment_show(loaded, "%Y-%m-%d %H:%M:%S", text);
		fprintf(out,
			"since %s: " NUMBER " statement%s, " NUMBER
			" user%s named, generation " NUMBER "\n",
			text, statements, statements == 1 ? "" : "s", users, users == 1 ? "" : "s",
			client_number(status, "generation"));
	} else {
		fputs("nothing\n", out);
	}
	if (json_is_integer(trial)) {
		print_label("trial", out);
		fprintf(out,
			"%s" NUMBER " seconds left: keep it with 'portcred confirm', or the policy "
			"before comes back%s\n",
			program_style(program->colour, STYLE_WARNING), json_integer_value(trial),
			program_style(program->colour, STYLE_PLAIN));
	}
	print_label("scope", out);
	fprintf(out, "%s, processes below ",
		scope && strcmp(scope, "all") == 0 ? "every network namespace"
						   : "portcredd's network namespace");
	text_print(cgroup ? cgroup : "?", out);
	fputc('\n', out);
}

static void print_events(struct program *program, const json_t *status)
{
	json_int_t marked = client_number(status, "marked"), lost = client_number(status, "lost");
	json_int_t hosts = client_number(status, "hosts");
	FILE *out = program->out;

	print_label("events", out);
	fprintf(out,
		NUMBER " refused, " NUMBER " granted that needed a rule, " NUMBER
		       " held back in floods\n",
		client_number(status, "refused"), client_number(status, "granted"),
		client_number(status, "held"));
	if (hosts || client_number(status, "vouched") || client_number(status, "unproved")) {
		print_label("vouches", out);
		fprintf(out,
			NUMBER " host%s, " NUMBER " connections proved, " NUMBER
			       " refused by an accept or connect rule\n",
			hosts, hosts == 1 ? "" : "s", client_number(status, "vouched"),
			client_number(status, "unproved"));
	}
	if (lost) {
		print_label("", out);
		fprintf(out, "%s" NUMBER " lost: the buffer was full%s\n",
			program_style(program->colour, STYLE_WARNING), lost,
			program_style(program->colour, STYLE_PLAIN));
	}
	if (marked) {
		print_label("", out);
		fprintf(out, NUMBER " listeners at a governed port without a bind were cut off\n",
			marked);
	}
}

static void print_troubles(struct program *program, const json_t *status)
{
	const json_t *warnings = json_object_get(status, "warnings");
	const char *error = client_text(status, "error");
	FILE *out = program->out;

	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *text = json_string_value(json_array_get(warnings, i));

		fprintf(out, "%swarning:%s ", program_style(program->colour, STYLE_WARNING),
			program_style(program->colour, STYLE_PLAIN));
		text_print(text ? text : "?", out);
		fputc('\n', out);
	}
	if (!error)
		return;
	fprintf(out, "%serror:%s the last load failed, what was in force before still is:\n",
		program_style(program->colour, STYLE_BAD),
		program_style(program->colour, STYLE_PLAIN));
	text_print_lines(error, out);
	if (error[0] && error[strlen(error) - 1] != '\n')
		fputc('\n', out);
}

int status_main(struct program *program, int argc, char **argv)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	json_auto_t *status = NULL;
	bool json = false;
	const struct option_spec options[] = {
		{ "json", NULL, "print one JSON object", .flag = &json },
		{ 0 },
	};
	const struct usage usage = { "status", NULL, about, options, 0, 0 };
	int r = options_parse(&usage, program, argc, argv, NULL);

	if (r != 0)
		return options_status(program, r);
	r = client_open(program, &client);
	if (r == EXIT_YES)
		r = client_call(program, client, "GetStatus", NULL, &status, NULL);
	if (r != EXIT_YES)
		return r;
	if (json) {
		r = program_json(program, json_incref(status), false);
	} else {
		print_state(program, status);
		print_policy(program, status);
		print_events(program, status);
		print_troubles(program, status);
	}
	return r == EXIT_YES && !is_well(status) ? EXIT_NO : r;
}
