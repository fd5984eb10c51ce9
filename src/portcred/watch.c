/* SPDX-License-Identifier: MIT */
/*
 * watch.c - events as they happen, one line each
 *
 * Each line is written out at once, and a signal ends the program between two of them without
 * losing one: there is nothing to clean up.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "portcred/client.h"
#include "portcred/identity.h"
#include "portcred/in_force.h"
#include "portcred/moment.h"
#include "portcred/nfs.h"
#include "portcred/options.h"
#include "portcred/text.h"
#include "portcred/verb.h"
#include "portcred/watch.h"

#define NUMBER "%" JSON_INTEGER_FORMAT

static const char about[] =
	"Shows each refusal, and each grant that needed a rule, when it happens: root sees\n"
	"everyone's, others their own. SIGINT and SIGTERM end it with status 0; it ends with\n"
	"status 3 when portcredd stops.\n"
	"With --nfs: connections and calls that portcred-nfsgate let in or refused.\n";

/* struct watching - what the answers go to */
struct watching {
	struct program *program;
	const struct watch_style *style;
	int status; /* where the daemon answered with an error */
};

static void leave(int number)
{
	(void)number;
	_exit(EXIT_YES);
}

static int catch_signals(void)
{
	const struct sigaction action = { .sa_handler = leave };

	if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0 ||
	    sigaction(SIGALRM, &action, NULL) < 0)
		return -1;
	return 0;
}

static void print_text(const json_t *event, const char *name, FILE *out)
{
	const char *text = client_text(event, name);

	text_print(text ? text : "?", out);
}

static enum style style_of(const json_t *event)
{
	const char *verdict = client_text(event, "verdict");

	if (client_flag(event, "observed"))
		return STYLE_WARNING;
	return verdict && strcmp(verdict, "granted") == 0 ? STYLE_GOOD : STYLE_BAD;
}

static void print_subject(const json_t *event, FILE *out)
{
	uint32_t uid = (uint32_t)client_number(event, "uid");
	_cleanup_free_ char *user = identity_user_name(uid);
	const char *executable = client_text(event, "executable");

	fputs(" by ", out);
	text_print(user ? user : "?", out);
	fprintf(out, ", pid " NUMBER " ", client_number(event, "pid"));
	print_text(event, "command", out);
	if (executable) {
		fputs(" (", out);
		text_print(executable, out);
		fputc(')', out);
	}
}

static void print_lost(struct program *program, json_int_t lost)
{
	if (lost)
		fprintf(program->out, "%s" NUMBER " events are not shown: they came too fast%s\n",
			program_style(program->colour, STYLE_WARNING), lost,
			program_style(program->colour, STYLE_PLAIN));
}

static bool is_connect(const json_t *event)
{
	const char *operation = client_text(event, "operation");

	return operation && strcmp(operation, "connect") == 0;
}

/* print_peer() - the other end of a connection, and what it lacked */
static void print_peer(const json_t *event, const json_t *peer, FILE *out)
{
	const char *host = client_text(peer, "host"), *reason = client_text(event, "reason");
	const json_t *uid = json_object_get(peer, "raw_uid");

	fprintf(out, " %s ", is_connect(event) ? "to" : "from");
	print_text(peer, "address", out);
	fprintf(out, " port " NUMBER, client_number(peer, "port"));
	if (json_is_integer(uid))
		fprintf(out, ", uid " NUMBER, json_integer_value(uid));
	if (host) {
		fputs(" at ", out);
		text_print(host, out);
	}
	fputs(", ", out);
	text_print(reason ? reason : "?", out);
}

/* print_verdict() - the time before it, too */
static void print_verdict(struct program *program, const json_t *event)
{
	const char *time = client_text(event, "time");
	char text[MOMENT_SIZE];
	FILE *out = program->out;

	moment_show(time ? time : "?", "%H:%M:%S", text);
	fprintf(out, "%s %s%s", text, program_style(program->colour, style_of(event)),
		client_flag(event, "observed") ? "would be " : "");
	print_text(event, "verdict", out);
	fprintf(out, "%s: ", program_style(program->colour, STYLE_PLAIN));
}

static void print_event(struct program *program, const json_t *event)
{
	_cleanup_free_ char *place = in_force_place(json_object_get(event, "rule"), NULL);
	const json_t *peer = json_object_get(event, "peer");
	json_int_t held = client_number(event, "held");
	FILE *out = program->out;

	print_verdict(program, event);
	print_text(event, "operation", out);
	fprintf(out, " " NUMBER "/", client_number(event, "port"));
	print_text(event, "protocol", out);
	fputs(" on ", out);
	print_text(event, "address", out);
	if (json_is_object(peer))
		print_peer(event, peer, out);
	if (!json_is_object(peer) || client_number(event, "pid") > 0)
		print_subject(event, out);
	if (place) {
		fputs(": ", out);
		text_print(place, out);
	}
	if (held)
		fprintf(out, " (and " NUMBER " before it)", held);
	fputc('\n', out);
}

/* print_held() - how many a flood kept back, of one kind or of several */
static void print_held(struct program *program, const json_t *held)
{
	json_int_t n = client_number(held, "held");
	const char *time = client_text(held, "time");
	char text[MOMENT_SIZE];
	FILE *out = program->out;

	if (client_text(held, "verdict")) {
		print_verdict(program, held);
		fprintf(out, NUMBER "/", client_number(held, "port"));
		print_text(held, "protocol", out);
		fprintf(out, ", " NUMBER " more time%s", n, n == 1 ? "" : "s");
	} else {
		moment_show(time ? time : "?", "%H:%M:%S", text);
		fprintf(out, "%s " NUMBER " more event%s", text, n, n == 1 ? "" : "s");
	}
	if (client_flag(held, "connections")) {
		fputs(n == 1 ? ", a connection" : ", connections", out);
	} else {
		uint32_t uid = (uint32_t)client_number(held, "uid");
		_cleanup_free_ char *user = identity_user_name(uid);

		fputs(" by ", out);
		text_print(user ? user : "?", out);
	}
	fputc('\n', out);
}

/* take() - one answer; the first has neither event nor count and says that the watch is on */
static int take(const struct varlink_answer *answer, void *userdata)
{
	struct watching *watching = userdata;
	struct program *program = watching->program;
	json_t *event = json_object_get(answer->parameters, "event");
	json_t *held = json_object_get(answer->parameters, "held");
	json_t *told = json_is_object(event) ? event : held;
	json_int_t lost = client_number(answer->parameters, "lost");

	if (answer->error) {
		watching->status = client_say_error(
			program, client_error_name(program, answer->error), answer->parameters);
		return 0;
	}
	if (!json_is_object(told)) {
		if (!watching->style->announced)
			return 0;
		fputc('\n', program->out);
	} else if (watching->style->json) {
		if (lost)
			json_object_set_new(told, "lost", json_integer(lost));
		program_json(program, json_incref(told), true);
	} else {
		print_lost(program, lost);
		if (watching->style->nfs)
			nfs_print_told(program, told, told == event);
		else if (told == event)
			print_event(program, event);
		else
			print_held(program, held);
	}
	/* Nobody reads any more: no reason to go on. */
	return fflush(program->out) != 0;
}

int watch(struct program *program, const struct watch_style *style)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	struct watching watching = { .program = program, .style = style };
	int r;

	if (catch_signals() < 0)
		return program_say(program, "cannot catch signals");
	alarm(style->seconds);
	if (style->nfs)
		client_ask(program, &service_nfsgate);
	r = client_open(program, &client);
	if (r != EXIT_YES)
		return r;
	r = varlink_call_more(client,
			      style->nfs ? INTERFACE_NFSGATE ".Watch" : INTERFACE_PORTCRED ".Watch",
			      NULL, take, &watching);
	if (r > 0)
		return EXIT_NO;
	if (watching.status != EXIT_YES)
		return watching.status;
	/* A stream that ended in good order ended because the daemon does. */
	return client_say_failure(program, r < 0 ? r : -ECONNRESET);
}

int watch_main(struct program *program, int argc, char **argv)
{
	struct watch_style style = { 0 };
	const struct option_spec options[] = {
		{ "nfs", NULL, "what the NFS gate refuses and lets in", .flag = &style.nfs },
		{ "json", NULL, "print one JSON object a line", .flag = &style.json },
		{ 0 },
	};
	const struct usage usage = { "watch", NULL, about, options, 0, 0 };
	int r = options_parse(&usage, program, argc, argv, NULL);

	return r != 0 ? options_status(program, r) : watch(program, &style);
}
