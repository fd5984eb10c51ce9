/* SPDX-License-Identifier: MIT */
#include "nfsgate/event.h"

#include <string.h>
#include <syslog.h>

#include "base/journal.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "control/varlink.h"
#include "nfsgate/clock.h"
#include "nfsgate/control.h"
#include "nfsgate/describe.h"
#include "nfsgate/gate.h"

#define WINDOW_MS 1000U

/* The one of all whom no kernel names. */
#define UNKNOWN UINT32_MAX

static const char *const kind_names[] = {
	[EVENT_OPENED] = "opened",
	[EVENT_REFUSED] = "refused",
	[EVENT_DENIED] = "denied",
	[EVENT_ENDED] = "ended",
};

void event_floods_init(struct event_floods *floods)
{
	*floods = (struct event_floods){
		.users = { .window = WINDOW_MS, .most = EVENTS_OF_USER },
		.all = { .window = WINDOW_MS, .most = EVENTS_OF_ALL },
		.sweep = INT64_MAX,
	};
}

static uint32_t user_of(const struct caller *caller)
{
	return caller->has_uid ? caller->uid : UNKNOWN;
}

/* reason_words() - "it names user 1002" */
static void reason_words(const struct event *event, char *ret_text, size_t size)
{
	if (event->reason == REASON_OTHER_USER && event->named)
		snprintf(ret_text, size, "it names user %u", *event->named);
	else
		snprintf(ret_text, size, "%s",
			 event->why ? event->why : reason_text(event->reason));
}

/* sentence() - NULL without memory */
static char *sentence(const struct event *event)
{
	const char *port = port_name(event->port);
	char who[CALLER_TEXT_MAX], why[96], *text;
	int r;

	caller_text(event->caller, who);
	reason_words(event, why, sizeof(why));
	switch (event->kind) {
	case EVENT_OPENED:
		r = asprintf(&text, "opened: a connection to %s, %s: speaks for %s", port, who,
			     speaks_text(event->caller->speaks));
		break;
	case EVENT_REFUSED:
		r = asprintf(&text, "refused: a connection to %s, %s: %s", port, who, why);
		break;
	case EVENT_DENIED:
		r = asprintf(&text, "denied: a call of %s, %s: %s", port, who, why);
		break;
	default:
		r = asprintf(&text,
			     "ended: a connection to %s, %s: %s%s%llu calls passed, %llu denied",
			     port, who, event->why ? event->why : "", event->why ? "; " : "",
			     (unsigned long long)event->account->passed,
			     (unsigned long long)account_refused(event->account));
	}
	return r < 0 ? NULL : text;
}

static const char *verdict_of(const struct event *event)
{
	if (event->kind == EVENT_OPENED)
		return "granted";
	return event->kind == EVENT_ENDED ? NULL : "refused";
}

/* add_caller() - PORTCRED_UID is here, PORTCRED_PEER_UID on the other machine */
static void add_caller(struct journal_entry *entry, const struct caller *caller)
{
	char address[ADDRESS_TEXT_MAX];

	address_text(&caller->address, address);
	journal_add(entry, "PORTCRED_PEER_ADDRESS=%s", address);
	journal_add(entry, "PORTCRED_PEER_PORT=%u", address_port(&caller->address));
	journal_add(entry, "PORTCRED_PEER_HOST=%s", caller->host);
	if (caller->has_uid)
		journal_add(entry, "PORTCRED_UID=%u", caller->uid);
	if (caller->has_raw_uid)
		journal_add(entry, "PORTCRED_PEER_UID=%u", caller->raw_uid);
	journal_add(entry, "PORTCRED_PROOF=%s", proof_name(caller));
}

static void to_journal(const struct event *event, const char *text)
{
	const char *verdict = verdict_of(event);
	struct journal_entry entry = { 0 };

	journal_add(&entry, "MESSAGE=%s", text);
	journal_add(&entry, "PRIORITY=%d", event->kind == EVENT_OPENED ? LOG_INFO : LOG_NOTICE);
	journal_add(&entry, "SYSLOG_IDENTIFIER=portcred-nfsgate");
	if (verdict)
		journal_add(&entry, "PORTCRED_VERDICT=%s", verdict);
	journal_add(&entry, "PORTCRED_OPERATION=%s", event->kind == EVENT_DENIED ? "call" : "open");
	journal_add(&entry, "PORTCRED_EVENT=%s", kind_names[event->kind]);
	journal_add(&entry, "PORTCRED_SERVICE=%s", port_name(event->port));
	journal_add(&entry, "PORTCRED_REASON=%s", reason_name(event->reason));
	if (event->named)
		journal_add(&entry, "PORTCRED_NAMED_UID=%u", *event->named);
	add_caller(&entry, event->caller);
	if (event->account) {
		journal_add(&entry, "PORTCRED_CALLS=%llu",
			    (unsigned long long)event->account->passed);
		journal_add(&entry, "PORTCRED_DENIED=%llu",
			    (unsigned long long)account_refused(event->account));
	}
	journal_send(&entry);
}

static void write_line(const struct event *event)
{
	_cleanup_free_ char *text = sentence(event);

	if (!text)
		return;
	if (journal_there())
		to_journal(event, text);
	else if (event->kind == EVENT_OPENED)
		log_info("%s", text);
	else
		log_warnx("%s", text);
}

static json_t *to_json(const struct event *event)
{
	char time[RFC3339_SIZE], why[96];
	json_t *object;

	rfc3339(clock_real_ms(), time);
	reason_words(event, why, sizeof(why));
	object = json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "time", time, "event",
			   kind_names[event->kind], "service", port_name(event->port), "caller",
			   caller_json(event->caller), "reason", reason_name(event->reason), "text",
			   why);
	if (object && event->named)
		json_object_set_new(object, "named", json_integer(*event->named));
	if (object && event->account) {
		json_object_set_new(object, "calls",
				    json_integer((json_int_t)event->account->passed));
		json_object_set_new(object, "denied",
				    json_integer((json_int_t)account_refused(event->account)));
	}
	return object;
}

static void held_line(const char *whose, uint32_t n, uint32_t uid)
{
	struct journal_entry entry = { 0 };
	char text[128];

	snprintf(text, sizeof(text), "%u more events of %s were not told one by one", n, whose);
	if (!journal_there()) {
		log_warnx("%s", text);
		return;
	}
	journal_add(&entry, "MESSAGE=%s", text);
	journal_add(&entry, "PRIORITY=%d", LOG_NOTICE);
	journal_add(&entry, "SYSLOG_IDENTIFIER=portcred-nfsgate");
	journal_add(&entry, "PORTCRED_HELD=%u", n);
	if (uid != UNKNOWN)
		journal_add(&entry, "PORTCRED_UID=%u", uid);
	journal_send(&entry);
}

/* tell_held() - @all: of everybody together; those of callers who are not known are root's to see */
static void tell_held(struct gate *gate, const struct flood_held *held, bool all)
{
	bool known = !all && held->uid != UNKNOWN;
	char whose[48] = "callers that are not known", time[RFC3339_SIZE];

	if (held->n == 0)
		return;
	if (all)
		snprintf(whose, sizeof(whose), "all callers");
	else if (known)
		snprintf(whose, sizeof(whose), "user %u", held->uid);
	held_line(whose, held->n, known ? held->uid : UNKNOWN);
	rfc3339(clock_real_ms(), time);
	control_event(gate->control, known ? held->uid : 0, "held",
		      json_pack("{s:s, s:I, s:o}", "time", time, "held", (json_int_t)held->n, "uid",
				known ? json_integer(held->uid) : json_null()));
}

/* sweep_later() - when the windows of the flood control are over */
static void sweep_later(struct event_floods *floods, int64_t now)
{
	if (floods->sweep == INT64_MAX)
		floods->sweep = now + WINDOW_MS;
}

void event_tell(struct gate *gate, const struct event *event)
{
	struct event_floods *floods = &gate->floods;
	uint64_t now = (uint64_t)gate->now;
	struct flood_held user, all;
	bool told = flood_admit(&floods->users, user_of(event->caller), now, &user) &&
		    flood_admit(&floods->all, 0, now, &all);

	sweep_later(floods, gate->now);
	tell_held(gate, &user, false);
	if (!told)
		return;
	write_line(event);
	control_event(gate->control, caller_owner(event->caller), "event", to_json(event));
}

void event_sweep(struct gate *gate)
{
	struct event_floods *floods = &gate->floods;
	uint64_t now = (uint64_t)gate->now;
	bool users = false, all = false;
	struct flood_held held;

	floods->sweep = INT64_MAX;
	while (flood_collect(&floods->users, now, &held, &users))
		tell_held(gate, &held, false);
	while (flood_collect(&floods->all, now, &held, &all))
		tell_held(gate, &held, true);
	if (users || all)
		sweep_later(floods, gate->now);
}
