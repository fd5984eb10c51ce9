/* SPDX-License-Identifier: MIT */
#include "portcred/suggest_events.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "policy/writer.h"
#include "portcred/event_lines.h"
#include "portcred/identity.h"
#include "portcred/port_argument.h"
#include "portcred/text.h"

#define SHOWN_PORTS 16U /* of each kind that gets no rule */

/* A policy that grants nothing and tells everything: no service is in a unit of this name. */
#define WATCH_ALL "observe bind 1-65535 by unit none.service only"

static const struct {
	enum sighted sighted;
	const char *why;
} without_rule[] = {
	{ SIGHTED_REFUSED, "refused, and so no service that went on" },
	{ SIGHTED_IN_DOUBT,
	  "perhaps refused by the kernel: a low port of a user of whom events are missing" },
	{ SIGHTED_NOBODY, "bound by a program that is not known: a flood kept its events back" },
};

void events_clear(struct events *events)
{
	sightings_clear(&events->sightings);
}

/* read_lines() - 0, -ENOMEM, -errno of the file */
static int read_lines(struct program *program, FILE *in, const char *name, struct events *events)
{
	_cleanup_(event_lines_clear) struct event_lines lines = {
		.program = program,
		.name = name,
		.sightings = &events->sightings,
		.unreadable = &events->unreadable,
	};
	_cleanup_free_ char *piece = malloc(MAX_EVENT_LINE);
	size_t size;
	int r = 0;

	if (!piece)
		return -ENOMEM;
	while (r == 0 && (size = fread(piece, 1, MAX_EVENT_LINE, in)) > 0)
		r = event_lines_take(&lines, piece, size);
	if (r == 0)
		r = event_lines_end(&lines);
	if (r < 0)
		return r;
	return ferror(in) ? (errno ? -errno : -EIO) : 0;
}

static int read_file(struct program *program, const char *path, struct events *events)
{
	bool standard = strcmp(path, "-") == 0;
	_cleanup_free_ char *shown = text_show(standard ? "standard input" : path);
	_cleanup_fclose_ FILE *file = NULL;
	int r;

	if (!shown)
		return program_no_memory(program);
	if (!standard) {
		file = fopen(path, "re");
		if (!file)
			return program_say(program, "%s: %s", shown, strerror(errno));
	}
	r = read_lines(program, file ? file : stdin, shown, events);
	if (r == -ENOMEM)
		return program_no_memory(program);
	return r < 0 ? program_say(program, "%s: %s", shown, strerror(-r)) : EXIT_YES;
}

int events_read(struct program *program, const struct operands *files, struct events *events)
{
	int status = files->n ? EXIT_YES : read_file(program, "-", events);

	for (size_t i = 0; i < files->n && status == EXIT_YES; i++)
		status = read_file(program, files->items[i], events);
	return status;
}

int events_complete(struct program *program, struct events *events)
{
	event_lines_say_more(program, events->unreadable);
	if (events->sightings.told == 0 && events->sightings.held == 0)
		return program_say(program, "nobody was seen binding a port. A policy that tells "
					    "of everybody: '" WATCH_ALL "'");
	sightings_sort(&events->sightings);
	return EXIT_YES;
}

/* holder_text() - "nginx (/usr/sbin/nginx)" */
static char *holder_text(const struct sighting *sighting)
{
	struct writer writer;
	char *text;

	if (writer_open(&writer) < 0)
		return NULL;
	text_print(sighting->command, writer.out);
	if (sighting->executable) {
		fputs(" (", writer.out);
		text_print(sighting->executable, writer.out);
		fputc(')', writer.out);
	}
	return writer_close(&writer, &text) < 0 ? NULL : text;
}

static int add_finding(const struct seen_port *port, const struct sighting *sighting,
		       struct known_words *known, struct findings *findings)
{
	struct finding finding = {
		.port = port->port,
		.protocol = port->protocol,
		.family = sighting->family,
		.seen = {
			.times = sighting->times,
			.first = sighting->first,
			.last = sighting->last,
			.pid = sighting->pid,
		},
	};
	int r;

	memcpy(finding.address, sighting->address, sizeof(finding.address));
	r = principal_words(port->uid, sighting->unit, sighting->executable, known,
			    &finding.principal, &finding.why);
	if (r < 0)
		return r;
	finding.holder = holder_text(sighting);
	return findings_add(findings, &finding);
}

int events_find(const struct events *events, struct known_words *known, struct findings *findings)
{
	const struct sightings *sightings = &events->sightings;
	int r = 0;

	for (size_t i = 0; i < sightings->n_ports && r == 0; i++) {
		const struct seen_port *port = sightings->ports[i];
		bool bound = sightings_of_port(sightings, port) == SIGHTED_BOUND;

		for (struct sighting *at = port->sightings; at && r == 0; at = at->next) {
			if (bound || at->granted)
				r = add_finding(port, at, known, findings);
		}
	}
	return r;
}

void events_write_source(const struct events *events, FILE *out)
{
	const struct sightings *sightings = &events->sightings;

	fprintf(out, "%" PRIu64 " bind%s", sightings->told, sightings->told == 1 ? "" : "s");
	if (!sightings->first)
		return;
	fputs(" from ", out);
	proposal_moment(sightings->first, out);
	fputs(" to ", out);
	proposal_moment(sightings->last, out);
}

/* write_port() - "#     8080/tcp by alice: nc (/usr/bin/nc)" */
static void write_port(const struct seen_port *port, FILE *out)
{
	_cleanup_free_ char *user = identity_user_name(port->uid);
	_cleanup_free_ char *holder = port->sightings ? holder_text(port->sightings) : NULL;

	fprintf(out, "#     %u/%s by ", port->port, protocol_name(port->protocol));
	text_print(user ? user : "?", out);
	fprintf(out, "%s%s\n", holder ? ": " : "", holder ? holder : "");
}

static void write_ports(const struct sightings *sightings, enum sighted sighted, const char *why,
			FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < sightings->n_ports; i++) {
		if (sightings_of_port(sightings, sightings->ports[i]) != sighted)
			continue;
		if (n++ == 0)
			fprintf(out, "\n# No rule: %s.\n", why);
		if (n <= SHOWN_PORTS)
			write_port(sightings->ports[i], out);
	}
	if (n > SHOWN_PORTS)
		fprintf(out, "#     and %zu more\n", n - SHOWN_PORTS);
}

static void write_users(const struct sightings *sightings, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < sightings->n_users; i++) {
		const struct seen_user *user = sightings->users[i];
		_cleanup_free_ char *name = NULL;

		if (user->unknown == 0)
			continue;
		if (n++ == 0)
			fputs("\n# Not known: these bound too much at once, and not even the ports "
			      "were told.\n",
			      out);
		if (n > SHOWN_PORTS)
			continue;
		name = identity_user_name(user->uid);
		fputs("#     ", out);
		text_print(name ? name : "?", out);
		fprintf(out, ": %" PRIu64 " time%s\n", user->unknown,
			user->unknown == 1 ? "" : "s");
	}
	if (n > SHOWN_PORTS)
		fprintf(out, "#     and %zu more users\n", n - SHOWN_PORTS);
}

void events_write_missing(const struct events *events, FILE *out)
{
	const struct sightings *sightings = &events->sightings;

	for (size_t i = 0; i < ELEMENTS(without_rule); i++)
		write_ports(sightings, without_rule[i].sighted, without_rule[i].why, out);
	write_users(sightings, out);
	if (!sightings->held && !sightings->lost && !events->unreadable)
		return;
	fprintf(out,
		"\n# Missing, so a rule may be: %" PRIu64 " events that a flood kept back, %" PRIu64
		" that were not\n# read in time, %" PRIu64 " lines that could not be read.\n",
		sightings->held, sightings->lost, events->unreadable);
}

json_t *events_json(const struct events *events)
{
	const struct sightings *sightings = &events->sightings;

	return json_pack("{s:I, s:I, s:I, s:I}", "binds", (json_int_t)sightings->told, "held",
			 (json_int_t)sightings->held, "lost", (json_int_t)sightings->lost,
			 "unreadable", (json_int_t)events->unreadable);
}
