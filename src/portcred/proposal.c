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
#define SHOWN_SKIPPED      8U

/* struct entry - one port of one principal */
struct entry {
	const char *principal; /* a finding's */
	char *on;              /* owned: "127.0.0.1, ::1", "" for any address */
	const struct finding *first;
	size_t n_findings;
	uint16_t port;
	uint8_t protocol;
	bool skipped; /* by skip_entries() */
};

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
};

void findings_clear(struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->items[i].principal);
		free(findings->items[i].holder);
	}
	free(findings->items);
	*findings = (struct findings){ 0 };
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
}

void proposal_word(const char *name, FILE *out)
{
	static const char *const keywords[] = { "user", "group",  "exe", "unit", "root",
						"by",   "anyone", "on",  "only" };
	bool quote = !*name || name[strcspn(name, " \t,\"#\\")];

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
 * skip_entries() - what no policy may say
 * Ephemeral ports beyond those that may be governed, and principals of one port beyond what the
 * kernel half tries.
 */
static int skip_entries(struct work *work)
{
	_cleanup_free_ uint8_t *principals = calloc((size_t)PROTOCOLS * PORTS, 1);
	_cleanup_free_ bool *governed = calloc(PORTS, sizeof(*governed));
	unsigned size = work->style->ephemeral_last - work->style->ephemeral_first + 1U;
	unsigned spare = size > MIN_EPHEMERAL_PORTS ? size - MIN_EPHEMERAL_PORTS : 0;

	if (!principals || !governed)
		return -ENOMEM;
	for (size_t i = 0; i < work->n_entries; i++) {
		struct entry *entry = &work->entries[i];
		uint8_t *n = &principals[entry->protocol * PORTS + entry->port];

		if (*n == MAX_CLAUSES) {
			entry->skipped = true;
			continue;
		}
		++*n;
		if (!is_ephemeral(work, entry->port) || governed[entry->port])
			continue;
		entry->skipped = spare == 0;
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
		if (group->first[i].skipped != group->first[i + 1].skipped)
			return false;
	}
	return true;
}

static void end_statement(const struct group *group, FILE *out)
{
	fprintf(out, " by %s%s%s\n", group->first->principal, *group->first->on ? " on " : "",
		group->first->on);
}

static int write_statement(const struct work *work, const struct group *group, char **ret_text)
{
	bool both = both_protocols(group);
	struct writer writer;
	size_t n = 0;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < group->n; i += both ? 2 : 1) {
		const struct entry *entry = &group->first[i];

		if (entry->skipped)
			continue;
		if (n == PORTS_IN_STATEMENT) {
			end_statement(group, writer.out);
			n = 0;
		}
		if (n == 0)
			fputs(work->style->observe ? "observe bind " : "bind ", writer.out);
		fprintf(writer.out, "%s%u", n ? ", " : "", entry->port);
		if (!both)
			fprintf(writer.out, "/%s", protocol_name(entry->protocol));
		n++;
	}
	if (n)
		end_statement(group, writer.out);
	return writer_close(&writer, ret_text);
}

/* struct holders_seen - who was named in a comment already */
struct holders_seen {
	const char *items[SHOWN_HOLDERS];
	size_t n;
	size_t more;
};

static void see_holder(struct holders_seen *seen, const char *holder, FILE *out)
{
	for (size_t i = 0; i < seen->n; i++) {
		if (strcmp(seen->items[i], holder) == 0)
			return;
	}
	if (seen->n == SHOWN_HOLDERS) {
		seen->more++;
		return;
	}
	seen->items[seen->n++] = holder;
	fprintf(out, "# %s.\n", holder);
}

static void write_skipped(const struct group *group, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < group->n; i++) {
		const struct entry *entry = &group->first[i];

		if (!entry->skipped || n++ >= SHOWN_SKIPPED)
			continue;
		fprintf(out, "%s%u/%s", n == 1 ? "# Left out: " : ", ", entry->port,
			protocol_name(entry->protocol));
	}
	if (n > SHOWN_SKIPPED)
		fprintf(out, " and %zu more", n - SHOWN_SKIPPED);
	if (n)
		fputs(", beyond what a policy may govern.\n", out);
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
			see_holder(&seen, entry->first[k].holder, writer.out);
		ephemeral |= is_ephemeral(work, entry->port);
	}
	if (seen.more)
		fputs("# And others.\n", writer.out);
	if (ephemeral)
		fputs("# Ephemeral ports: if the kernel chose them, the next start has others.\n",
		      writer.out);
	write_skipped(group, writer.out);
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
