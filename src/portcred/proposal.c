/* SPDX-License-Identifier: MIT */
/*
 * proposal.c - theory of operation
 *
 * Findings, sorted by principal, protocol and port, fold into entries: one principal's one port,
 * with the addresses it is bound at. Entries with the same principal and addresses are one group,
 * and a group is one statement (several where it has very many ports).
 */
#include "portcred/proposal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/policy.h"
#include "policy/words.h"
#include "policy/writer.h"
#include "portcred/port_argument.h"

#define PORTS_IN_STATEMENT 12U
#define SHOWN_HOLDERS      4U
#define SHOWN_PORTS        8U
#define LEAST_RANGE        3U /* ports in a row that are worth a range */

/* struct entry - one port of one principal */
struct entry {
	const char *principal; /* a finding's */
	char *on;              /* owned: "127.0.0.1, ::1", "" for any address */
	const struct finding *first;
	size_t n_findings;
	uint16_t port;
	uint8_t protocol;
	const char *skipped; /* by skip_entries(): why; NULL: it is not */
};

static const char too_many[] = ", beyond what a policy may govern";
static const char chosen[] = ", ephemeral, which the kernel may have chosen (--all writes it too)";

/* struct group - entries of one principal at the same addresses */
struct group {
	const struct entry *first;
	size_t n;
};

/* struct work - everything on its way */
struct work {
	const struct proposal_style *style;
	struct entry *entries;
	size_t n_entries, entries_allocated;
	struct group *groups;
	size_t n_groups, groups_allocated;
	uint8_t *entries_of; /* [protocol][port]: how many entries, MAX_CLAUSES at most */
};

static void finding_clear(struct finding *finding)
{
	free(finding->principal);
	free(finding->holder);
	free(finding->why);
}

void findings_clear(struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		finding_clear(&findings->items[i]);
	free(findings->items);
	*findings = (struct findings){ 0 };
}

int findings_add(struct findings *findings, struct finding *finding)
{
	if (!finding->holder || GROW(findings->items, findings->n_allocated, findings->n) < 0) {
		finding_clear(finding);
		return -ENOMEM;
	}
	findings->items[findings->n++] = *finding;
	return 0;
}

void proposal_clear(struct proposal *proposal)
{
	for (size_t i = 0; i < proposal->n; i++) {
		free(proposal->items[i].comment);
		free(proposal->items[i].statement);
	}
	free(proposal->items);
	*proposal = (struct proposal){ 0 };
}

static void work_clear(struct work *work)
{
	for (size_t i = 0; i < work->n_entries; i++)
		free(work->entries[i].on);
	free(work->entries);
	free(work->groups);
	free(work->entries_of);
}

void proposal_word(const char *name, FILE *out)
{
	static const char *const keywords[] = { "user", "group",  "exe", "unit", "root",
						"by",   "anyone", "on",  "only" };
	bool quote = !*name || name[strcspn(name, " \t\n\r\v\f,\"#\\")];

	for (size_t i = 0; i < ELEMENTS(keywords); i++)
		quote |= strcmp(name, keywords[i]) == 0;
	if (!quote) {
		fputs(name, out);
		return;
	}
	fputc('"', out);
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			fputc('\\', out);
		fputc(*name, out);
	}
	fputc('"', out);
}

static int compare_findings(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	int order = strcmp(a->principal, b->principal);

	if (order == 0)
		order = (int)a->protocol - b->protocol;
	if (order == 0)
		order = (int)a->port - b->port;
	if (order == 0)
		order = (int)a->family - b->family;
	if (order == 0)
		order = memcmp(a->address, b->address, sizeof(a->address));
	return order ? order : strcmp(a->holder, b->holder);
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = strcmp(a->principal, b->principal);

	if (order == 0)
		order = strcmp(a->on, b->on);
	if (order == 0)
		order = (int)a->port - b->port;
	return order ? order : (int)a->protocol - b->protocol;
}

static int compare_groups(const void *left, const void *right)
{
	const struct group *a = left, *b = right;
	int order = (int)a->first->port - b->first->port;

	return order ? order : compare_entries(a->first, b->first);
}

static bool same_address(const struct finding *a, const struct finding *b)
{
	return a->family == b->family && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool is_unspecified(const struct finding *finding)
{
	const uint32_t *address = finding->address;

	return finding->family == 4 ? address[3] == 0
				    : !(address[0] | address[1] | address[2] | address[3]);
}

/* addresses_text() - what `on` says of @n findings of one port; "" where it says nothing */
static char *addresses_text(const struct finding *findings, size_t n)
{
	struct writer writer;
	size_t addresses = 0;
	bool any = false;
	char *text;

	if (writer_open(&writer) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct target target = { .family = findings[i].family };

		any |= is_unspecified(&findings[i]);
		if (i > 0 && same_address(&findings[i - 1], &findings[i]))
			continue;
		memcpy(target.address, findings[i].address, sizeof(target.address));
		fputs(addresses++ ? ", " : "", writer.out);
		words_address(&target, writer.out);
	}
	if (writer_close(&writer, &text) < 0)
		return NULL;
	if (any || addresses > MAX_PREFIXES)
		text[0] = '\0';
	return text;
}

static bool same_entry(const struct finding *a, const struct finding *b)
{
	return a->protocol == b->protocol && a->port == b->port &&
	       strcmp(a->principal, b->principal) == 0;
}

static int fold_findings(const struct findings *findings, struct work *work)
{
	for (size_t i = 0, end; i < findings->n; i = end) {
		const struct finding *first = &findings->items[i];
		struct entry entry = {
			.principal = first->principal,
			.first = first,
			.port = first->port,
			.protocol = first->protocol,
		};

		for (end = i + 1; end < findings->n; end++) {
			if (!same_entry(first, &findings->items[end]))
				break;
		}
		entry.n_findings = end - i;
		entry.on = addresses_text(first, entry.n_findings);
		if (!entry.on ||
		    GROW(work->entries, work->entries_allocated, work->n_entries) < 0) {
			free(entry.on);
			return -ENOMEM;
		}
		work->entries[work->n_entries++] = entry;
	}
	return 0;
}

static bool is_ephemeral(const struct work *work, uint16_t port)
{
	return port >= work->style->ephemeral_first && port <= work->style->ephemeral_last;
}

/*
 * skip_entries() - what no policy may say, or this one is not to
 * Ephemeral ports beyond those that may be governed, and principals of one port beyond what the
 * kernel half tries.
 */
static int skip_entries(struct work *work)
{
	_cleanup_free_ bool *governed = calloc(PORTS, sizeof(*governed));
	unsigned size = work->style->ephemeral_last - work->style->ephemeral_first + 1U;
	unsigned spare = size > MIN_EPHEMERAL_PORTS ? size - MIN_EPHEMERAL_PORTS : 0;

	work->entries_of = calloc((size_t)PROTOCOLS * PORTS, 1);
	if (!work->entries_of || !governed)
		return -ENOMEM;
	for (size_t i = 0; i < work->n_entries; i++) {
		struct entry *entry = &work->entries[i];
		uint8_t *n = &work->entries_of[entry->protocol * PORTS + entry->port];

		if (*n == MAX_CLAUSES) {
			entry->skipped = too_many;
			continue;
		}
		++*n;
		if (!is_ephemeral(work, entry->port) || governed[entry->port])
			continue;
		if (!work->style->ephemeral) {
			entry->skipped = chosen;
			continue;
		}
		entry->skipped = spare == 0 ? too_many : NULL;
		governed[entry->port] = spare > 0;
		spare -= spare > 0;
	}
	return 0;
}

static int make_groups(struct work *work)
{
	for (size_t i = 0, end; i < work->n_entries; i = end) {
		const struct entry *first = &work->entries[i];

		for (end = i + 1; end < work->n_entries; end++) {
			if (strcmp(first->principal, work->entries[end].principal) != 0 ||
			    strcmp(first->on, work->entries[end].on) != 0)
				break;
		}
		if (GROW(work->groups, work->groups_allocated, work->n_groups) < 0)
			return -ENOMEM;
		work->groups[work->n_groups++] = (struct group){ first, end - i };
	}
	if (work->n_groups)
		qsort(work->groups, work->n_groups, sizeof(work->groups[0]), compare_groups);
	return 0;
}

/* both_protocols() - whether every port of a group is there for TCP and for UDP */
static bool both_protocols(const struct group *group)
{
	if (group->n % 2)
		return false;
	for (size_t i = 0; i < group->n; i += 2) {
		if (group->first[i].port != group->first[i + 1].port)
			return false;
		if (!group->first[i].skipped != !group->first[i + 1].skipped)
			return false;
	}
	return true;
}

static void end_statement(const struct group *group, FILE *out)
{
	fprintf(out, " by %s%s%s\n", group->first->principal, *group->first->on ? " on " : "",
		group->first->on);
}

/* is_alone() - whether the next @step entries are all there is of their port */
static bool is_alone(const struct work *work, const struct entry *entry, size_t step)
{
	for (size_t i = 0; i < step; i++) {
		if (entry[i].skipped ||
		    work->entries_of[entry[i].protocol * PORTS + entry[i].port] != 1)
			return false;
	}
	return true;
}

/*
 * row() - how many ports in a row, from entry @i of a group on, make a range; 1: none do
 * @step: entries a port
 */
static size_t row(const struct work *work, const struct group *group, size_t i, size_t step)
{
	const struct entry *first = &group->first[i];
	size_t n = 0;

	while (i + n * step < group->n) {
		const struct entry *entry = &first[n * step];

		if (entry->port != first->port + n || entry->protocol != first->protocol ||
		    !is_alone(work, entry, step))
			break;
		n++;
	}
	return n < LEAST_RANGE ? 1 : n;
}

static int write_statement(const struct work *work, const struct group *group, char **ret_text)
{
	bool both = both_protocols(group);
	size_t step = both ? 2 : 1;
	struct writer writer;
	size_t n = 0, ports;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < group->n; i += step * ports) {
		const struct entry *entry = &group->first[i];

		ports = row(work, group, i, step);
		if (entry->skipped)
			continue;
		if (n == PORTS_IN_STATEMENT) {
			end_statement(group, writer.out);
			n = 0;
		}
		if (n == 0)
			fputs(work->style->observe ? "observe bind " : "bind ", writer.out);
		fprintf(writer.out, "%s%u", n ? ", " : "", entry->port);
		if (ports > 1)
			fprintf(writer.out, "-%u", entry->port + (unsigned)ports - 1);
		if (!both)
			fprintf(writer.out, "/%s", protocol_name(entry->protocol));
		n++;
	}
	if (n)
		end_statement(group, writer.out);
	return writer_close(&writer, ret_text);
}

/* struct holders_seen - who is to be named in a comment */
struct holders_seen {
	struct {
		const char *holder;
		const char *why;
		struct seen seen;
	} items[SHOWN_HOLDERS];
	size_t n;
	bool more;
};

static void merge_seen(struct seen *into, const struct seen *seen)
{
	into->times += seen->times;
	if (seen->first && (!into->first || seen->first < into->first))
		into->first = seen->first;
	if (seen->last >= into->last) {
		into->last = seen->last;
		into->pid = seen->pid;
	}
}

static void see_holder(struct holders_seen *seen, const struct finding *finding)
{
	for (size_t i = 0; i < seen->n; i++) {
		if (strcmp(seen->items[i].holder, finding->holder) != 0)
			continue;
		merge_seen(&seen->items[i].seen, &finding->seen);
		return;
	}
	if (seen->n == SHOWN_HOLDERS) {
		seen->more = true;
		return;
	}
	seen->items[seen->n].holder = finding->holder;
	seen->items[seen->n].why = finding->why;
	seen->items[seen->n++].seen = finding->seen;
}

void proposal_moment(time_t when, FILE *out)
{
	char text[32] = "?";
	struct tm broken;

	if (localtime_r(&when, &broken))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &broken);
	fputs(text, out);
}

/* write_seen() - ", bound 14 times from 2026-11-24 10:00 to 2026-11-25 09:12, last as process 7" */
static void write_seen(const struct seen *seen, FILE *out)
{
	fprintf(out, ", bound %s", seen->times == 1 ? "once" : "");
	if (seen->times != 1)
		fprintf(out, "%" PRIu64 " times", seen->times);
	if (seen->first) {
		fputs(seen->times == 1 ? " at " : " from ", out);
		proposal_moment(seen->first, out);
	}
	if (seen->first && seen->times != 1) {
		fputs(" to ", out);
		proposal_moment(seen->last, out);
	}
	fprintf(out, ", %sas process %" PRId32, seen->times == 1 ? "" : "last ", seen->pid);
}

static void write_holders(const struct holders_seen *seen, FILE *out)
{
	for (size_t i = 0; i < seen->n; i++) {
		fprintf(out, "# %s", seen->items[i].holder);
		if (seen->items[i].seen.times)
			write_seen(&seen->items[i].seen, out);
		fputs(".\n", out);
		if (seen->items[i].why)
			fprintf(out, "# %s.\n", seen->items[i].why);
	}
	if (seen->more)
		fputs("# And others.\n", out);
}

/* list_port() - one more of a comment's list, which begins with @head and shows the first few */
static void list_port(const char *head, const struct entry *entry, size_t *n, FILE *out)
{
	if ((*n)++ < SHOWN_PORTS)
		fprintf(out, "%s%u/%s", *n == 1 ? head : ", ", entry->port,
			protocol_name(entry->protocol));
}

/* end_list() - @tail: what is said of all of them */
static void end_list(size_t n, const char *tail, FILE *out)
{
	if (n > SHOWN_PORTS)
		fprintf(out, " and %zu more", n - SHOWN_PORTS);
	if (n)
		fprintf(out, "%s.\n", tail);
}

static void write_skipped(const struct group *group, const char *why, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < group->n; i++) {
		if (group->first[i].skipped == why)
			list_port("# Left out: ", &group->first[i], &n, out);
	}
	end_list(n, why, out);
}

/* write_shared() - a port that two principals have: one of them may only have tried */
static void write_shared(const struct work *work, const struct group *group, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < group->n; i++) {
		const struct entry *entry = &group->first[i];

		if (!entry->skipped && work->entries_of[entry->protocol * PORTS + entry->port] > 1)
			list_port("# Not alone in having ", entry, &n, out);
	}
	end_list(n, ": other rules name it, too", out);
}

static int write_comment(const struct work *work, const struct group *group, char **ret_text)
{
	struct holders_seen seen = { 0 };
	bool ephemeral = false;
	struct writer writer;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < group->n; i++) {
		const struct entry *entry = &group->first[i];

		for (size_t k = 0; k < entry->n_findings; k++)
			see_holder(&seen, &entry->first[k]);
		ephemeral |= work->style->ephemeral && is_ephemeral(work, entry->port);
	}
	write_holders(&seen, writer.out);
	if (ephemeral)
		fputs("# Ephemeral ports: if the kernel chose them, the next start has others.\n",
		      writer.out);
	write_shared(work, group, writer.out);
	write_skipped(group, too_many, writer.out);
	write_skipped(group, chosen, writer.out);
	return writer_close(&writer, ret_text);
}

static int write_groups(const struct work *work, struct proposal *proposal)
{
	for (size_t i = 0; i < work->n_groups; i++) {
		struct proposed proposed = { 0 };
		int r = write_comment(work, &work->groups[i], &proposed.comment);

		if (r == 0)
			r = write_statement(work, &work->groups[i], &proposed.statement);
		if (r == 0)
			r = GROW(proposal->items, proposal->n_allocated, proposal->n);
		if (r < 0) {
			free(proposed.comment);
			free(proposed.statement);
			return r;
		}
		proposal->items[proposal->n++] = proposed;
	}
	return 0;
}

int proposal_make(struct findings *findings, const struct proposal_style *style,
		  struct proposal *ret_proposal)
{
	_cleanup_(proposal_clear) struct proposal proposal = { 0 };
	_cleanup_(work_clear) struct work work = { .style = style };
	int r;

	if (findings->n)
		qsort(findings->items, findings->n, sizeof(findings->items[0]), compare_findings);
	r = fold_findings(findings, &work);
	if (r == 0 && work.n_entries)
		qsort(work.entries, work.n_entries, sizeof(work.entries[0]), compare_entries);
	if (r == 0)
		r = skip_entries(&work);
	if (r == 0)
		r = make_groups(&work);
	if (r == 0)
		r = write_groups(&work, &proposal);
	if (r < 0)
		return r;
	*ret_proposal = proposal;
	proposal = (struct proposal){ 0 };
	return 0;
}
