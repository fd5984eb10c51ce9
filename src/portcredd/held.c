/* SPDX-License-Identifier: MIT */
#include "portcredd/held.h"

#include "base/cleanup.h"
#include "base/journal.h"
#include "base/log.h"
#include "control/watchers.h"
#include "portcredd/audit.h"

#include <syslog.h>
#include <time.h>

/*
 * struct total - what one entry of the flood control stands for
 *
 * Of connections it is not known whose they are: the key's uid is a digest of the caller's address.
 */
struct total {
	uint32_t n;
	bool connections;
	bool one_kind;       /* verdict, observed, protocol and port are known */
	bool one_address;    /* connections: all of one caller */
	uint32_t uid;        /* where not of connections */
	const char *verdict; /* NULL unless one_kind; so are these */
	const char *protocol;
	unsigned port;
	bool observed;
	int priority;
};

static void total_of(const struct flood_key *key, uint32_t n, struct total *ret)
{
	unsigned verdict = key->kind & ~(0x80U | FLOOD_CONNECTION);

	*ret = (struct total){ .n = n, .uid = key->uid, .priority = LOG_NOTICE };
	if (key->kind == FLOOD_BUDGET)
		return;
	ret->connections = key->kind == FLOOD_CONNECTION_BUDGET;
	if (ret->connections && key->port == 0)
		return;
	ret->one_kind = true;
	ret->port = key->port;
	ret->protocol = audit_protocol(key->protocol);
	if (ret->connections) {
		ret->verdict = audit_verdict(VERDICT_REFUSED);
		return;
	}
	ret->connections = ret->one_address = key->kind & FLOOD_CONNECTION;
	ret->verdict = audit_verdict(verdict);
	ret->observed = key->kind & 0x80;
	if (verdict == VERDICT_GRANTED)
		ret->priority = LOG_INFO;
}

static char *sentence(const struct total *total)
{
	const char *would_be = total->observed ? "would be " : "";
	const char *times = total->n == 1 ? "time" : "times";
	char *text;
	int r;

	if (!total->one_kind && total->connections)
		r = asprintf(&text, "%u more refused connections were not told one by one",
			     total->n);
	else if (!total->one_kind)
		r = asprintf(&text, "%u more events of uid %u were not told one by one", total->n,
			     total->uid);
	else if (total->connections && !total->one_address)
		r = asprintf(&text, "%u more refused connections of %u/%s were not told one by one",
			     total->n, total->port, total->protocol);
	else if (total->connections)
		r = asprintf(&text, "%u more %s %s%s: a connection of %u/%s from one address",
			     total->n, times, would_be, total->verdict, total->port,
			     total->protocol);
	else
		r = asprintf(&text, "%u more %s %s%s: %u/%s by uid %u", total->n, times, would_be,
			     total->verdict, total->port, total->protocol, total->uid);
	return r < 0 ? NULL : text;
}

static void to_journal(const struct total *total, const char *text)
{
	struct journal_entry entry = { 0 };

	journal_add(&entry, "MESSAGE=%s", text);
	journal_add(&entry, "PRIORITY=%d", total->priority);
	journal_add(&entry, "SYSLOG_IDENTIFIER=portcredd");
	journal_add(&entry, "PORTCRED_HELD=%u", total->n);
	if (total->one_kind) {
		journal_add(&entry, "PORTCRED_VERDICT=%s", total->verdict);
		journal_add(&entry, "PORTCRED_OBSERVED=%d", total->observed);
		journal_add(&entry, "PORTCRED_PROTOCOL=%s", total->protocol);
		journal_add(&entry, "PORTCRED_PORT=%u", total->port);
	}
	if (!total->connections) {
		journal_add(&entry, "OBJECT_UID=%u", total->uid);
		journal_add(&entry, "PORTCRED_UID=%u", total->uid);
	}
	journal_send(&entry);
}

static json_t *to_json(const struct total *total)
{
	char time[RFC3339_SIZE];
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	audit_time((uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec, time);
	return json_pack("{s:s, s:I, s:b, s:o, s:s?, s:b, s:s?, s:o}", "time", time, "held",
			 (json_int_t)total->n, "connections", total->connections, "uid",
			 total->connections ? json_null() : json_integer((json_int_t)total->uid),
			 "verdict", total->verdict, "observed", total->observed, "protocol",
			 total->protocol, "port",
			 total->one_kind ? json_integer((json_int_t)total->port) : json_null());
}

void held_tell(struct daemon *daemon, const struct flood_key *key, uint32_t n)
{
	_cleanup_free_ char *text = NULL;
	struct total total;

	total_of(key, n, &total);
	text = sentence(&total);
	if (text && journal_there())
		to_journal(&total, text);
	else if (text)
		log_info("%s", text);
	/* Connections: root alone, who sees everyone's. */
	watchers_tell(daemon->watchers, total.connections ? 0 : total.uid, "held", to_json(&total));
}
