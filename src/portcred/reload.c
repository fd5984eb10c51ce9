/* SPDX-License-Identifier: MIT */
/*
 * reload.c - the policy on disk into force, for good or on trial
 */
#include <string.h>

#include "portcred/client.h"
#include "portcred/listing.h"
#include "portcred/moment.h"
#include "portcred/options.h"
#include "portcred/text.h"
#include "portcred/verb.h"

#define NUMBER "%" JSON_INTEGER_FORMAT

/* The longest trial that portcredd takes. */
#define MAX_TRY_SECONDS 86400U

/* A million names take a directory service its time. */
#define RELOAD_TIMEOUT_USEC (300U * 1000000ULL)

static const char about[] =
	"Has portcredd read its policy again and put it in force. A policy with errors, or\n"
	"one that would refuse the connection over which you are logged in, changes nothing.\n"
	"For root.\n";

/* struct request - the command line */
struct request {
	const char *seconds;
	unsigned try_seconds; /* 0: for good */
	bool force;
	bool json;
};

static json_t *parameters_of(const struct request *request)
{
	json_t *parameters = json_object();

	if (request->try_seconds)
		json_object_set_new(parameters, "try",
				    json_integer((json_int_t)request->try_seconds));
	if (request->force)
		json_object_set_new(parameters, "force", json_true());
	return parameters;
}

/* print_text() - diagnostics as the daemon printed them, to standard error */
static void print_text(struct program *program, const json_t *answer)
{
	const char *text = client_text(answer, "text");

	fflush(program->out);
	if (text)
		text_print_lines(text, program->err);
	if (text && text[0] && text[strlen(text) - 1] != '\n')
		fputc('\n', program->err);
}

static int say_error(struct program *program, const char *error, const json_t *parameters)
{
	if (strcmp(error, "PolicyInvalid") == 0) {
		print_text(program, parameters);
		return program_say(program,
				   "the policy has errors; what was in force before still is");
	}
	if (strcmp(error, "WouldCutCaller") == 0)
		return program_say(program,
				   "not done: you are logged in over port " NUMBER
				   "/tcp, and this policy refuses who listens there, or leads "
				   "its calls to a port where nobody does.\n"
				   "Name it in a rule, or reload with --force. "
				   "What was in force before still is.",
				   client_number(parameters, "port"));
	return client_say_error(program, error, parameters);
}

/* print_sockets() - those in a member of the answer, if there are any, behind @title */
static int print_sockets(struct program *program, const json_t *answer, const char *name,
			 const char *title)
{
	struct listing listing = { 0 };
	int r = EXIT_YES;

	if (listing_take(answer, name, &listing) < 0)
		return program_no_memory(program);
	if (listing.n) {
		fprintf(program->out, "%s%s:%s\n", program_style(program->colour, STYLE_WARNING),
			title, program_style(program->colour, STYLE_PLAIN));
		r = listing_print(&listing, program, NULL);
	}
	listing_clear(&listing);
	return r;
}

static int print_success(struct program *program, const struct request *request,
			 const json_t *answer)
{
	json_int_t statements = client_number(answer, "statements");
	char until[MOMENT_SIZE];
	int r;

	print_text(program, answer);
	fprintf(program->out, "In force: " NUMBER " statement%s, generation " NUMBER ".\n",
		statements, statements == 1 ? "" : "s", client_number(answer, "generation"));
	if (request->try_seconds) {
		moment_after(request->try_seconds, "%H:%M:%S", until);
		fprintf(program->out,
			"%sOn trial until %s: keep it with 'portcred confirm', or the policy "
			"before comes back.%s\n",
			program_style(program->colour, STYLE_WARNING), until,
			program_style(program->colour, STYLE_PLAIN));
	}
	r = print_sockets(
		program, answer, "refused",
		"Bound already, and refused by this policy; nothing reaches them any more");
	if (r != EXIT_YES)
		return r;
	return print_sockets(program, answer, "bypassed",
			     "Listening on ports that this policy redirects; no new connection "
			     "reaches them any more");
}

static int print_json(struct program *program, const char *error, json_t *answer)
{
	int r;

	if (!error)
		return program_json(program, json_incref(answer), false);
	r = program_json(
		program,
		json_pack("{s:o, s:O}", "error", varlink_string(error), "parameters", answer),
		false);
	return r == EXIT_YES ? EXIT_NO : r;
}

static int ask(struct program *program, const struct request *request)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	_cleanup_free_ char *error = NULL;
	json_auto_t *answer = NULL;
	int r = client_open(program, &client);

	if (r != EXIT_YES)
		return r;
	varlink_client_set_timeout(client, RELOAD_TIMEOUT_USEC);
	r = client_call(program, client, "Reload", parameters_of(request), &answer, &error);
	if (r != EXIT_YES)
		return r;
	if (request->json)
		return print_json(program, error, answer);
	if (error)
		return say_error(program, error, answer);
	return print_success(program, request, answer);
}

int reload_main(struct program *program, int argc, char **argv)
{
	struct request request = { 0 };
	const struct option_spec options[] = {
		{ "try", "SECONDS",
		  "put the old policy back unless 'portcred confirm' comes in time",
		  .value = &request.seconds },
		{ "force", NULL, "also where it would refuse the connection you are logged in over",
		  .flag = &request.force },
		{ "json", NULL, "print one JSON object", .flag = &request.json },
		{ 0 },
	};
	const struct usage usage = { "reload", NULL, about, options, 0, 0 };
	int r = options_parse(&usage, program, argc, argv, NULL);

	if (r != 0)
		return options_status(program, r);
	if (request.seconds &&
	    !options_number(request.seconds, 1, MAX_TRY_SECONDS, &request.try_seconds))
		return options_complain(&usage, program, "--try takes seconds, 1 to %u",
					MAX_TRY_SECONDS);
	return ask(program, &request);
}
