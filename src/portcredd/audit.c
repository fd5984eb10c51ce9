/* SPDX-License-Identifier: MIT */
#include "portcredd/audit.h"

#include "base/cleanup.h"
#include "base/journal.h"
#include "base/log.h"
#include "control/varlink.h"
#include "control/watchers.h"
#include "portcredd/broker.h"
#include "portcredd/held.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <time.h>

static const char *const verdict_names[VERDICTS] = {
	[VERDICT_UNGOVERNED] = "ungoverned",
	[VERDICT_GRANTED] = "granted",
	[VERDICT_CAPABLE] = "granted",
	[VERDICT_REFUSED] = "refused",
	[VERDICT_KERNEL_REFUSED] = "kernel-refused",
};

static const char *const operation_names[OPERATIONS] = {
	[OPERATION_BIND] = "bind",
	[OPERATION_AUTOBIND] = "autobind",
	[OPERATION_LISTEN] = "listen",
	[OPERATION_SEND] = "send",
	[OPERATION_PORT_RANGE] = "port-range",
	[OPERATION_ACCEPT] = "accept",
	[OPERATION_CONNECT] = "connect",
};

/* reasons - a word for programs, and what a person reads */
static const struct {
	const char *name;
	const char *text;
} reasons[REASONS] = {
	[REASON_NONE] = { "none", "" },
	[REASON_NO_VOUCH] = { "no-vouch", "nobody vouched for it" },
	[REASON_BAD_TAG] = { "bad-tag", "the vouch is not of that host's key" },
	[REASON_EPOCH] = { "epoch",
			   "the vouch is of another time: one of the two clocks is wrong" },
	[REASON_UNKNOWN_HOST] = { "unknown-host", "no host statement has the address" },
	[REASON_NOT_NAMED] = { "not-named", "the rule does not name it" },
	[REASON_NOT_RESERVED] = { "not-reserved", "the source port is not a reserved one" },
	[REASON_NO_PROOF] = { "no-proof", "the handshake did not prove the vouch" },
	[REASON_MALFORMED] = { "malformed", "its headers or its vouch cannot be read" },
	[REASON_FAST_OPEN] = { "fast-open", "data before the handshake cannot be vouched for" },
};

static const char *name_of(const char *const names[], size_t n, unsigned index)
{
	return index < n ? names[index] : "unknown";
}

const char *audit_verdict(unsigned verdict)
{
	return name_of(verdict_names, VERDICTS, verdict);
}

const char *audit_protocol(unsigned protocol)
{
	return protocol == PROTOCOL_TCP ? "tcp" : "udp";
}

void audit_address(const uint32_t address[static 4], unsigned family,
		   char ret_text[static AUDIT_ADDRESS_SIZE])
{
	const void *bytes = family == 4 ? (const void *)&address[3] : (const void *)address;

	if (!inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, ret_text, AUDIT_ADDRESS_SIZE))
		ret_text[0] = '\0';
}

void audit_time(uint64_t boot, char ret_text[static RFC3339_SIZE])
{
	struct timespec real, now;
	int64_t ns;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &now);
	ns = ((int64_t)real.tv_sec - now.tv_sec) * 1000000000 + real.tv_nsec - now.tv_nsec +
	     (int64_t)boot;
	rfc3339(ns / 1000000, ret_text);
}

/* rule_file() - the name behind a rule's number, NULL if that policy is forgotten */
static const char *rule_file(const struct daemon *daemon, const struct rule *rule,
			     uint32_t generation)
{
	const struct file_list *lists[] = { &daemon->in_force.files,
					    &daemon->in_force.files_before };

	for (size_t i = 0; i < ELEMENTS(lists) && rule->line; i++) {
		if (lists[i]->generation == generation && rule->file < lists[i]->n_names)
			return lists[i]->names[rule->file];
	}
	return NULL;
}

json_t *audit_rule(const struct daemon *daemon, const struct rule *rule, uint32_t generation)
{
	const char *file = rule_file(daemon, rule, generation);

	if (!file)
		return json_null();
	return json_pack("{s:o, s:i}", "file", varlink_string(file), "line", (int)rule->line);
}

/* struct line - an event in words */
struct line {
	char time[RFC3339_SIZE];
	char address[AUDIT_ADDRESS_SIZE];
	char executable[MAX_PATH_TEXT + 8];
	char group[MAX_PATH_TEXT + 8];
	char command[MAX_COMMAND + 1];
	const char *verdict;
	const char *operation;
	const char *protocol;
	const char *file; /* of the rule; NULL: none */
	/* Of a connection. */
	char peer_address[AUDIT_ADDRESS_SIZE];
	char host[MAX_HOST_NAME];
	const char *reason;
	const char *reason_text;
};

static bool is_connection(const struct event *event)
{
	return event->operation == OPERATION_ACCEPT || event->operation == OPERATION_CONNECT;
}

/* is_without_process() - judged by its segments */
static bool is_without_process(const struct event *event)
{
	return is_connection(event) && event->pid == 0;
}

static void to_words(const struct daemon *daemon, const struct event *event, struct line *ret)
{
	audit_time(event->time, ret->time);
	audit_address(event->address, event->family, ret->address);
	path_from_leaf(&event->executable, ret->executable);
	path_from_leaf(&event->group, ret->group);
	snprintf(ret->command, sizeof(ret->command), "%.*s", MAX_COMMAND, event->command);
	ret->verdict = audit_verdict(event->verdict);
	ret->operation = name_of(operation_names, OPERATIONS, event->operation);
	ret->protocol = audit_protocol(event->protocol);
	ret->file = rule_file(daemon, &event->rule, event->generation);
	audit_address(event->peer_address, event->family, ret->peer_address);
	snprintf(ret->host, sizeof(ret->host), "%.*s", MAX_HOST_NAME - 1, event->peer.host);
	ret->reason = event->reason < REASONS ? reasons[event->reason].name : "unknown";
	ret->reason_text = event->reason < REASONS ? reasons[event->reason].text : "";
}

/* process_words() - "by uid 1000 gid 1000, pid 7 (nginx) /usr/sbin/nginx in /web.service" */
static char *process_words(const struct event *event, const struct line *line)
{
	char *text;

	if (asprintf(&text, "by uid %u gid %u, pid %u (%s) %s in %s", event->uid, event->gid,
		     event->pid, line->command, line->executable[0] ? line->executable : "(kernel)",
		     line->group[0] ? line->group : "/") < 0)
		return NULL;
	return text;
}

/* peer_words() - "from 10.0.0.7:40000, uid 1000 at db1, the rule does not name it" */
static char *peer_words(const struct event *event, const struct line *line)
{
	_cleanup_free_ char *who = NULL;
	char *text;
	int r = 0;

	if (event->peer.raw_uid != UID_NONE)
		r = asprintf(&who, ", uid %u at %s", event->peer.raw_uid, line->host);
	else if (line->host[0])
		r = asprintf(&who, ", at %s", line->host);
	if (r < 0)
		return NULL;
	if (event->operation == OPERATION_CONNECT)
		r = asprintf(&text, "by uid %u, the service%s: %s", event->uid, who ? who : "",
			     line->reason_text);
	else
		r = asprintf(&text, "from %s port %u%s: %s", line->peer_address, event->peer_port,
			     who ? who : "", line->reason_text);
	return r < 0 ? NULL : text;
}

static char *sentence(const struct event *event, const struct line *line)
{
	_cleanup_free_ char *who = NULL, *rule = NULL, *held = NULL;
	char *text;

	who = is_without_process(event) ? peer_words(event, line) : process_words(event, line);
	if (!who)
		return NULL;
	if (event->held && asprintf(&held, " (and %u earlier ones like it)", event->held) < 0)
		held = NULL;
	if (line->file && asprintf(&rule, ": %s:%u", line->file, event->rule.line) < 0)
		rule = NULL;
	if (asprintf(&text, "%s%s: %s %u/%s on %s %s%s%s", event->observed ? "would be " : "",
		     line->verdict, line->operation, event->port, line->protocol, line->address,
		     who,
		     rule ? rule
			  : (event->verdict == VERDICT_KERNEL_REFUSED
				     ? ": below ip_unprivileged_port_start, and no rule names it"
				     : ""),
		     held ? held : "") < 0)
		return NULL;
	journal_printable(text);
	return text;
}

/*
 * to_journal() - one entry with fields
 *
 * Who asked stands there twice. OBJECT_* are what other tools know, and journald adds to them what it
 * finds in /proc by then, when the process may have ended, or become another user: PORTCRED_* are
 * what the kernel saw.
 */
static void to_journal(const struct event *event, const struct line *line, const char *text,
		       int priority)
{
	sd_journal_send(
		"MESSAGE=%s", text, "PRIORITY=%d", priority, "SYSLOG_IDENTIFIER=portcredd",
		"PORTCRED_VERDICT=%s", line->verdict, "PORTCRED_OBSERVED=%d", event->observed,
		"PORTCRED_OPERATION=%s", line->operation, "PORTCRED_PROTOCOL=%s", line->protocol,
		"PORTCRED_ADDRESS=%s", line->address, "PORTCRED_PORT=%u", event->port,
		"PORTCRED_RULE=%s:%u", line->file ? line->file : "", event->rule.line,
		"PORTCRED_HELD=%u", event->held, "OBJECT_PID=%u", event->pid, "OBJECT_UID=%u",
		event->uid, "OBJECT_GID=%u", event->gid, "OBJECT_COMM=%s", line->command,
		"OBJECT_EXE=%s", line->executable, "OBJECT_SYSTEMD_CGROUP=%s", line->group,
		"PORTCRED_PID=%u", event->pid, "PORTCRED_UID=%u", event->uid, "PORTCRED_COMM=%s",
		line->command, "PORTCRED_EXE=%s", line->executable, "PORTCRED_CGROUP=%s",
		line->group, "PORTCRED_REASON=%s", line->reason, "PORTCRED_PEER_ADDRESS=%s",
		is_connection(event) ? line->peer_address : "", "PORTCRED_PEER_PORT=%u",
		event->peer_port, "PORTCRED_PEER_HOST=%s", line->host, NULL);
}

static json_t *optional_id(uint32_t id)
{
	return id == UID_NONE ? json_null() : json_integer((json_int_t)id);
}

/* peer_json() - the other end of a connection; null for anything else */
static json_t *peer_json(const struct event *event, const struct line *line)
{
	if (!is_connection(event))
		return json_null();
	return json_pack("{s:s, s:i, s:o, s:o, s:o}", "address", line->peer_address, "port",
			 event->peer_port, "host",
			 line->host[0] ? varlink_string(line->host) : json_null(), "uid",
			 optional_id(event->peer.uid), "raw_uid", optional_id(event->peer.raw_uid));
}

static json_t *optional_string(const char *text)
{
	return text[0] ? varlink_string(text) : json_null();
}

static json_t *to_json(const struct daemon *daemon, const struct event *event,
		       const struct line *line)
{
	return json_pack(
		"{s:s, s:s, s:b, s:s, s:o, s:s, s:s, s:i, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:o, "
		"s:o}",
		"time", line->time, "verdict", line->verdict, "observed", event->observed,
		"operation", line->operation, "rule",
		audit_rule(daemon, &event->rule, event->generation), "protocol", line->protocol,
		"address", line->address, "port", event->port, "uid", (json_int_t)event->uid, "gid",
		(json_int_t)event->gid, "pid", (json_int_t)event->pid, "command",
		varlink_string(line->command), "executable", optional_string(line->executable),
		"cgroup", optional_string(line->group), "held", (json_int_t)event->held, "reason",
		is_connection(event) ? json_string(line->reason) : json_null(), "peer",
		peer_json(event, line));
}

static void write_line(const struct event *event, const struct line *line)
{
	int priority = event->verdict == VERDICT_GRANTED ? LOG_INFO : LOG_NOTICE;
	_cleanup_free_ char *text = sentence(event, line);

	if (!text)
		return;
	if (journal_there())
		to_journal(event, line, text, priority);
	else
		log_info("%s", text);
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *data);

/* sweep_later() - look once more when the windows of the flood control are over */
static void sweep_later(struct daemon *daemon)
{
	uint64_t window = FLOOD_WINDOW_NS / 1000;
	int enabled;

	if (sd_event_source_get_enabled(daemon->sweep, &enabled) >= 0 && enabled != SD_EVENT_OFF)
		return;
	if (sd_event_source_set_time_relative(daemon->sweep, window) < 0 ||
	    sd_event_source_set_enabled(daemon->sweep, SD_EVENT_ONESHOT) < 0)
		log_warnx("the timer of the audit cannot be set");
}

void audit_tell(struct daemon *daemon, const struct event *event)
{
	struct line line;

	to_words(daemon, event, &line);
	write_line(event, &line);
	watchers_tell(daemon->watchers, event->uid, "event", to_json(daemon, event, &line));
	sweep_later(daemon);
}

static void on_event(void *data, const struct event *event)
{
	audit_tell(data, event);
}

static void on_held(void *data, const struct flood_key *key, uint32_t n)
{
	held_tell(data, key, n);
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *daemon = data;
	bool again = false, open = false;
	int r = 0;

	if (daemon->events)
		r = events_sweep(daemon->events, &again);
	if (r < 0)
		log_warn(r, "the flood counters cannot be read");
	broker_sweep(daemon, &open);
	if (again || open)
		sweep_later(daemon);
	return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t ready, void *data)
{
	audit_flush(data);
	return 0;
}

void audit_flush(struct daemon *daemon)
{
	int r = daemon->events ? events_read(daemon->events) : 0;

	if (r < 0)
		log_warn(r, "events cannot be read");
}

int audit_begin(struct daemon *daemon)
{
	struct events_sink sink = { .event = on_event, .held = on_held, .data = daemon };
	int r;

	r = sd_event_add_time_relative(daemon->event, &daemon->sweep, CLOCK_MONOTONIC, 0, 100000,
				       on_sweep, daemon);
	if (r < 0 || !daemon->enforcer)
		return r < 0 ? r : 0;
	r = events_open(daemon->enforcer, &sink, &daemon->events);
	if (r < 0)
		return r;
	return sd_event_add_io(daemon->event, NULL, events_fd(daemon->events), EPOLLIN, on_readable,
			       daemon);
}

void audit_end(struct daemon *daemon)
{
	daemon->sweep = sd_event_source_unref(daemon->sweep);
	events_close(daemon->events);
	daemon->events = NULL;
}
