/* SPDX-License-Identifier: MIT */
#include "naive.h"

#include <string.h>

static void print_items(const struct naive_statement *s, FILE *out)
{
	static const char *const suffixes[] = { "/tcp", "/udp", "" };

	for (int i = 0; i < s->n_items; i++) {
		const struct naive_item *item = &s->items[i];

		fprintf(out, i ? ", %d" : " %d", item->first);
		if (item->last != item->first)
			fprintf(out, "-%d", item->last);
		fputs(suffixes[item->protocol], out);
	}
}

static void print_word(const struct naive_alternative *a, int word, FILE *out)
{
	if (word == 0 && a->root)
		fputs(" root", out);
	else if (word == 0 && a->user.word)
		fprintf(out, " user %s", a->user.word);
	else if (word == 1 && a->group.word)
		fprintf(out, " group %s", a->group.word);
	else if (word == 2 && a->exe)
		fprintf(out, " exe %s", a->exe);
	else if (word == 3 && a->unit)
		fprintf(out, " unit %s", a->unit);
}

void naive_print(const struct naive_policy *policy, FILE *out)
{
	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		fputs(s->observe ? "observe bind" : "bind", out);
		print_items(s, out);
		fputs(" by", out);
		for (int k = 0; k < s->n_alternatives; k++) {
			const struct naive_alternative *a = &s->alternatives[k];

			fputs(k ? "," : "", out);
			fputs(a->anyone ? " anyone" : "", out);
			for (int word = 0; word < 4 && !a->anyone; word++)
				print_word(a, (word + a->order) % 4, out);
		}
		for (int k = 0; k < s->n_networks; k++)
			fprintf(out, k ? ", %s" : " on %s", s->networks[k]->text);
		fputs(s->only ? " only\n" : "\n", out);
	}
}

/* "the effective group or a supplementary one" */
static bool in_group(const struct naive_process *p, long gid, enum naive_flaw flaw)
{
	if (p->gid == gid && flaw != FLAW_EFFECTIVE_GROUP)
		return true;
	for (int i = 0; i < p->n_groups && flaw != FLAW_PRIMARY_GROUP; i++) {
		if (p->groups[i] == gid)
			return true;
	}
	return false;
}

/* "unit NAME (one `*`)": a `*` is any text, also none */
static bool unit_matches(const char *pattern, const char *name, enum naive_flaw flaw)
{
	if (*pattern == '*' && flaw != FLAW_UNIT)
		return unit_matches(pattern + 1, name, flaw) ||
		       (*name && unit_matches(pattern, name + 1, flaw));
	if (*pattern != *name)
		return false;
	return *pattern == '\0' || unit_matches(pattern + 1, name + 1, flaw);
}

/* "inside one, words are joined by *and*" */
static bool alternative_names(const struct naive_alternative *a, const struct naive_process *p,
			      enum naive_flaw flaw)
{
	int asked = 0, held = 0;

	if (a->anyone)
		return true;
	if ((a->user.word && a->user.id < 0) || (a->group.word && a->group.id < 0)) {
		if (flaw != FLAW_UNKNOWN_NAME)
			return false;
	}
	if (a->root) {
		asked++;
		held += p->uid == 0;
	}
	if (a->user.word && a->user.id >= 0) {
		asked++;
		held += p->uid == a->user.id;
	}
	if (a->group.word && a->group.id >= 0) {
		asked++;
		held += in_group(p, a->group.id, flaw);
	}
	if (a->exe) {
		asked++;
		held += p->exe && strcmp(p->exe, a->exe) == 0;
	}
	if (a->unit) {
		asked++;
		held += p->unit && unit_matches(a->unit, p->unit, flaw);
	}
	return flaw == FLAW_OR ? held > 0 : held == asked;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, int bits)
{
	for (int i = 0; i < bits; i++) {
		if ((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8))
			return false;
	}
	return true;
}

static bool all_of(const struct naive_statement *s, int family)
{
	for (int i = 0; i < s->n_networks; i++) {
		if (s->networks[i]->family == family && s->networks[i]->bits == 0)
			return true;
	}
	return false;
}

/* "0.0.0.0 needs 0.0.0.0/0; :: needs ::/0, and 0.0.0.0/0 too unless IPV6_V6ONLY" */
static bool on_covers(const struct naive_statement *s, const struct naive_address *address,
		      enum naive_flaw flaw)
{
	static const unsigned char zero[16];
	bool unspecified = memcmp(address->bytes, zero, address->family == 4 ? 4 : 16) == 0;

	if (s->n_networks == 0 || flaw == FLAW_ON)
		return true;
	if (unspecified && flaw != FLAW_UNSPECIFIED) {
		if (address->family == 4)
			return all_of(s, 4);
		if (flaw == FLAW_DUAL_STACK || (address->v6only && flaw != FLAW_V6ONLY))
			return all_of(s, 6);
		return all_of(s, 6) && all_of(s, 4);
	}
	for (int i = 0; i < s->n_networks; i++) {
		const struct naive_network *network = s->networks[i];

		if (flaw == FLAW_FAMILY && network->bits == 0)
			return true;
		if (network->family == address->family &&
		    same_bits(network->bytes, address->bytes, network->bits))
			return true;
	}
	return false;
}

bool naive_names(const struct naive_statement *s, const struct naive_process *p,
		 const struct naive_address *address, enum naive_flaw flaw)
{
	for (int i = 0; i < s->n_alternatives; i++) {
		if (alternative_names(&s->alternatives[i], p, flaw))
			return on_covers(s, address, flaw);
	}
	return false;
}

static bool names_nobody(const struct naive_statement *s)
{
	for (int i = 0; i < s->n_alternatives; i++) {
		const struct naive_alternative *a = &s->alternatives[i];

		if (!(a->user.word && a->user.id < 0) && !(a->group.word && a->group.id < 0))
			return false;
	}
	return true;
}

/* covering_width() - of the narrowest item of the statement that covers the port; 0: none */
static int covering_width(const struct naive_statement *s, enum naive_protocol protocol, int port,
			  enum naive_flaw flaw)
{
	int best = 0;

	for (int i = 0; i < s->n_items; i++) {
		const struct naive_item *item = &s->items[i];
		int first = item->first == 0 ? 1 : item->first; /* "from 0 means from 1" */
		int width = item->last - first + 1;

		if (item->protocol != NAIVE_BOTH && item->protocol != protocol &&
		    flaw != FLAW_PROTOCOL)
			continue;
		if (port < first || port > item->last)
			continue;
		if (best == 0 || (flaw == FLAW_WIDEST ? width > best : width < best))
			best = width;
	}
	return best;
}

/* says_width() - whether an item of exactly this width covers the port: ranges are nested */
static bool says_width(const struct naive_statement *s, enum naive_protocol protocol, int port,
		       int wanted, enum naive_flaw flaw)
{
	struct naive_statement alone = *s;

	alone.n_items = 1;
	for (int i = 0; i < s->n_items; i++) {
		alone.items[0] = s->items[i];
		if (covering_width(&alone, protocol, port, flaw) == wanted)
			return true;
	}
	return false;
}

/* deciding() - "the narrowest range that covers a port decides alone; rules with the same add up" */
static void deciding(const struct naive_policy *policy, bool observe,
		     const struct naive_process *process, const struct naive_address *address,
		     enum naive_protocol protocol, int port, enum naive_flaw flaw,
		     bool decides[static NAIVE_STATEMENTS])
{
	int widths[NAIVE_STATEMENTS] = { 0 }, best = 0;

	(void)process;
	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		if (s->observe != observe && flaw != FLAW_OBSERVE)
			continue;
		if (flaw == FLAW_UNKNOWN_UNGOVERNED && names_nobody(s))
			continue;
		if (flaw == FLAW_ON_GOVERNS && !on_covers(s, address, FLAW_NONE))
			continue;
		widths[i] = covering_width(s, protocol, port, flaw);
		if (widths[i] == 0)
			continue;
		if (best == 0 || (flaw == FLAW_WIDEST ? widths[i] > best : widths[i] < best))
			best = widths[i];
	}
	for (int i = 0; i < policy->n; i++) {
		decides[i] = widths[i] != 0 &&
			     says_width(&policy->statements[i], protocol, port, best, flaw);
		if (flaw == FLAW_ALL_RANGES)
			decides[i] = widths[i] != 0;
	}
	for (int i = 0, seen = 0; i < policy->n && flaw == FLAW_ONE_STATEMENT; i++) {
		decides[i] = decides[i] && !seen;
		seen |= decides[i];
	}
}

struct naive_answer naive_decide(const struct naive_policy *policy, bool observe,
				 const struct naive_process *process,
				 const struct naive_address *address, enum naive_protocol protocol,
				 int port, enum naive_flaw flaw)
{
	bool decides[NAIVE_STATEMENTS] = { 0 }, some_only = false, all_only = true, passes;
	struct naive_answer answer = { .verdict = NAIVE_UNGOVERNED };
	int first = -1;

	deciding(policy, observe, process, address, protocol, port, flaw, decides);
	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		if (!decides[i])
			continue;
		if (first < 0)
			first = i;
		some_only |= s->only;
		all_only &= s->only;
		answer.named[i] = naive_names(s, process, address, flaw);
		if (answer.named[i])
			answer.verdict = NAIVE_GRANTED;
	}
	if (first < 0 || answer.verdict == NAIVE_GRANTED)
		return answer;
	answer.named[first] = true;

	/* "who has CAP_NET_BIND_SERVICE, unless the statement ends with only; one holds for all" */
	passes = !some_only || flaw == FLAW_ONLY || (flaw == FLAW_ONLY_OF_ALL && !all_only);
	passes = passes && flaw != FLAW_CAPABILITY;
	answer.verdict = process->capable && passes ? NAIVE_CAPABLE : NAIVE_REFUSED;
	return answer;
}
